"""What the model refuses, setting by setting: what pydantic calls it turned into what is to be written."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from foundation.texts import Text, text
from puente.config.model import CajaSettings, EmbeddedLogSettings, KafkaLogSettings, RunSettings, SaeSettings, Settings, StoreSettings
from puente.config.places import Path
from puente.config.words import meant, meant_value

Problem = tuple[Path, Text]
"""A setting, and what is wrong with it."""


def _names(*models: type[BaseModel]) -> frozenset[str]:
    fields = {name for model in models for name in model.model_fields}
    return frozenset(fields | {f"{name}_file" for name in ("url", "password") if name in fields} - {"folder"})


_TOP, _SAE, _CAJA, _STORE = _names(Settings) - {"folder"}, _names(SaeSettings), _names(CajaSettings), _names(StoreSettings)
_LOGS = {"embedded": _names(EmbeddedLogSettings), "kafka": _names(KafkaLogSettings)}
_RUN = _names(RunSettings)
_LOG = _LOGS["embedded"] | _LOGS["kafka"]
_HOMES = {"[sae]": _SAE, "[run]": _RUN, "[log]": _LOG, "[[caja]]": _CAJA, "[[caja.store]]": _STORE}

_MUST: dict[str, Text] = {
    "company": text('must be "auto" or two digits such as "01"'),
    "stores": text('must be "all" or the numbers of stores, such as [1, 4]'),
    "store": text("each store begins with [[caja.store]], below its [[caja]]"),
    "prices": text("must say which list of SAE feeds which column, such as {{ PRECIOP = 1, PRECIO2 = 2 }}"),
    "bootstrap_servers": text('must be "HOST:PORT", several with commas'),
    "prefix": text("may hold letters, digits, - and _, at most 40"),
}
"""Of settings that may be written in more than one way."""
_TABLES = {
    "sae": text("is a table: its settings stand below the heading [sae], with one bracket on either side"),
    "run": text("is a table: its settings stand below the heading [run], with one bracket on either side"),
    "log": text("is a table: its settings stand below the heading [log], with one bracket on either side"),
    "caja": text("each CAJA begins with two brackets on either side: [[caja]]"),
}
_KINDS: dict[str, Text] = {
    "missing": text("is missing"),
    "bool_type": text("must be true or false"),
    "bool_parsing": text("must be true or false"),
    "int_parsing": text("must be a whole number"),
    "int_type": text("must be a whole number"),
    "int_from_float": text("must be a whole number"),
    "float_parsing": text("must be a number"),
    "float_type": text("must be a number"),
    "finite_number": text("must be a number"),
    "string_type": text('must be a text, in quotes: "…"'),
    "string_too_short": text("must not be empty"),
    "path_type": text('must be a text, in quotes: "…"'),
}
_KINDS_WITH: dict[str, tuple[Text, str]] = {
    "greater_than": (text("must be more than {limit}"), "gt"),
    "greater_than_equal": (text("must be at least {limit}"), "ge"),
    "less_than_equal": (text("must be at most {limit}"), "le"),
    "string_too_long": (text("must have at most {limit} characters"), "max_length"),
}


def problems(error: ValidationError, document: Mapping[str, Any]) -> Iterator[Problem]:
    """One for each setting; `document` is what stood in the file."""
    seen = set()
    for found in error.errors(include_input=False, include_url=False):
        setting = _setting(found["loc"])
        if setting == ("log",) and found["type"] == "union_tag_invalid":
            setting = ("log", "kind")
        if setting not in seen:
            seen.add(setting)
            yield setting, _what(setting, found, document)


def _setting(place: Sequence[str | int]) -> Path:
    """Where it stands in the file: the kind of log is no table, and nobody numbers what is in a list."""
    path = tuple(place)
    if path[:1] == ("log",) and len(path) > 1 and path[1] in _LOGS:
        path = (path[0], *path[2:])
    if path[:1] != ("caja",):
        return path[:2]
    return path[:5] if path[2:3] == ("store",) and len(path) > 3 and isinstance(path[3], int) else path[:3]


def _what(setting: Path, found: Any, document: Mapping[str, Any]) -> Text:
    name, kind, context = str(setting[-1]), found["type"], found.get("ctx", {})
    if "error" in context:
        reason: Text = context["error"].args[0]
        return reason
    if kind == "missing":
        return _KINDS[kind]
    if kind == "extra_forbidden":
        return _unknown(setting)
    if name in _MUST:
        return _MUST[name]
    if kind in {"literal_error", "enum", "union_tag_invalid"}:
        return _choices(context.get("expected") or context["expected_tags"], _value(document, found["loc"], setting))
    if len(setting) == 1 or (setting[0] == "caja" and len(setting) == 2):
        return _TABLES[str(setting[0])]
    if kind in _KINDS_WITH:
        template, value = _KINDS_WITH[kind]
        return Text(template.template, (("limit", context[value]),))
    return _KINDS.get(kind, text("is not written as it must be (see the README)"))


def _choices(expected: str, value: object) -> Text:
    choices = re.findall(r"'([^']*)'", expected)
    listed = ", ".join(choices)
    if isinstance(value, str) and (near := meant_value(value, choices)):
        return text("must be one of {choices}; did you mean {known}?", choices=listed, known=near)
    return text("must be one of {choices}", choices=listed)


def _value(document: Mapping[str, Any], place: Path, setting: Path) -> object:
    """What was written; `place` may go deeper than the setting, into a list."""
    value: Any = document
    for step in setting if setting[0] == "log" else place:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _unknown(setting: Path) -> Text:
    name, known = str(setting[-1]), _known(setting[:-1])
    if name in known:  # of a log of the other kind
        return text('belongs to a log of kind = "{kind}"', kind="kafka" if name in _LOGS["kafka"] else "embedded")
    if near := meant(name, known):
        return text("is no setting; did you mean {known}?", known=near)
    english = meant(name) or name
    if english in _TOP:
        return text("is no setting here; {name} belongs to the top of the file, above the first heading", name=english)
    home = next((home for home, names in _HOMES.items() if english in names), None)
    if home is not None:
        return text("is no setting here; {name} belongs below {home}", name=english, home=home)
    return text("is no setting; there are {known}", known=", ".join(sorted(known)))


def _known(table: Path) -> frozenset[str]:
    match table:
        case ("caja", _):
            return _CAJA
        case ("caja", *_):
            return _STORE
        case ("sae",):
            return _SAE
        case ("log",):
            return _LOG
        case ("run",):
            return _RUN
        case _:
            return _TOP
