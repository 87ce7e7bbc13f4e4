"""The settings: `puente.toml`, read once and frozen. Every bad setting is reported at once, a secret is shown nowhere.

`${VAR}` stands for an environment variable, percent-encoded where it stands in a URL; `url_file` names a file that holds the URL.
Relative paths are relative to the settings' file.
"""

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from puente.errors import ConfigError
from puente.texts import Text, text

DEFAULT_FILE = "puente.toml"
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_COMPANY = re.compile(r"auto|\d\d")
EntityName = Literal["product_line", "tax_scheme", "currency", "product", "customer"]
CATALOGUES: tuple[EntityName, ...] = ("product_line", "tax_scheme", "currency", "product", "customer")


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Source(_Settings):
    url: SecretStr

    @property
    def address(self) -> str:
        return self.url.get_secret_value()


class SaeSettings(_Source):
    """Where SAE is, and how it is read. Seconds; `scan_share` is the part of the time that reading a table, or all of SAE, may take."""

    capture: Literal["auto", "record-version", "compare"] = "auto"
    poll_seconds: float = Field(default=1.0, gt=0, le=3600)
    reconcile_seconds: float = Field(default=300.0, ge=0)
    scan_share: float = Field(default=0.05, gt=0, le=1)


Prefix = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]


class EmbeddedLogSettings(_Settings):
    """The log as a file, for one machine."""

    kind: Literal["embedded"] = "embedded"
    path: Path = Path("puente-log.db")
    prefix: Prefix = "puente"

    @property
    def name(self) -> str:
        """What messages call it."""
        return str(self.path)


def _listed(value: object) -> object:
    """`HOST:PORT,HOST:PORT` or a list of them."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


Server = Annotated[str, Field(pattern=r"^(\[[0-9A-Fa-f:.]+\]|[^\s:,\[\]]+):\d{1,5}$")]


class KafkaLogSettings(_Settings):
    """The log on Apache Kafka. `ca`, `certificate` and `key` are files in PEM."""

    kind: Literal["kafka"]
    bootstrap_servers: Annotated[tuple[Server, ...], BeforeValidator(_listed), Field(min_length=1)]
    prefix: Prefix = "puente"
    replication_factor: int | None = Field(default=None, ge=1, le=9)
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    username: str | None = None
    password: SecretStr | None = None
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    @model_validator(mode="after")
    def _fit(self) -> "KafkaLogSettings":
        """A password that would never be sent, or none where one is asked for, is a mistake."""
        asks = self.security_protocol.startswith("SASL")
        if asks and (self.username is None or self.password is None):
            raise ValueError(str(text("{protocol} needs username and password", protocol=self.security_protocol)))
        if not asks and (self.username is not None or self.password is not None):
            raise ValueError(str(text("username and password need the security_protocol SASL_SSL (or SASL_PLAINTEXT)")))
        if not self.security_protocol.endswith("SSL") and (self.ca or self.certificate or self.key):
            raise ValueError(str(text("ca, certificate and key need the security_protocol SSL or SASL_SSL")))
        return self

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"Kafka {', '.join(self.bootstrap_servers)}"


LogSettings = Annotated[EmbeddedLogSettings | KafkaLogSettings, Field(discriminator="kind")]


class StoreSettings(_Settings):
    """A store, where the profile knows no table of stores."""

    number: int = Field(ge=1, le=99)
    warehouse: int = Field(ge=1)
    name: str = ""


class CajaSettings(_Source):
    """One CAJA database and what its owner decided."""

    name: str = Field(min_length=1, max_length=60)
    profile: str = "caja50"
    stores: Literal["all"] | tuple[int, ...] = "all"
    store: tuple[StoreSettings, ...] = ()
    prices: dict[str, Annotated[int, Field(ge=1)]] = {}
    entities: tuple[EntityName, ...] = CATALOGUES
    stock: Literal["off", "guarded", "overwrite"] = "guarded"
    inactivate_missing_products: bool = False
    inactivate_missing_customers: bool = True
    soft_deleted: Literal["inactivate", "ignore"] = "inactivate"
    interface_required: bool = True


class RunSettings(_Settings):
    """How the commands run that go on until they are stopped: `stop_seconds` is what is under way then may take."""

    stop_seconds: float = Field(default=30.0, ge=0, le=3600)


class Settings(_Settings):
    """All of `puente.toml`."""

    company: str = "auto"
    sae: SaeSettings | None = None
    log: LogSettings = EmbeddedLogSettings()
    caja: tuple[CajaSettings, ...] = ()
    run: RunSettings = RunSettings()
    folder: Path = Field(default=Path(), exclude=True)

    @field_validator("log", mode="before")
    @classmethod
    def _embedded_unless_told(cls, value: object) -> object:
        return {"kind": "embedded", **value} if isinstance(value, dict) else value

    @field_validator("company")
    @classmethod
    def _two_digits(cls, value: str) -> str:
        if not _COMPANY.fullmatch(value):
            raise ValueError(str(text('must be "auto" or two digits such as "01"')))
        return value

    @model_validator(mode="after")
    def _names_differ(self) -> "Settings":
        names = [caja.name for caja in self.caja]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(str(text("two CAJAs have the same name: {names}", names=", ".join(twice))))
        return self

    @property
    def log_path(self) -> Path:
        """Of an embedded log."""
        assert isinstance(self.log, EmbeddedLogSettings)
        return self.folder / self.log.path

    def caja_named(self, name: str) -> CajaSettings:
        """Raises `ConfigError` naming those that there are."""
        for caja in self.caja:
            if caja.name == name:
                return caja
        known = ", ".join(caja.name for caja in self.caja) or "—"
        raise ConfigError(text("There is no CAJA {name} in the settings; there are: {known}", name=name, known=known))


def load(path: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of a file; raises `ConfigError` that names the file and every bad setting in it."""
    environment = os.environ if environment is None else environment
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(text("The settings {path} cannot be read; puente demo makes an example", path=path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(text("The settings {path} are no TOML: {error}", path=path, error=error)) from error
    return from_document(document, path.resolve().parent, path, environment)


def from_document(document: dict[str, Any], folder: Path, source: Path | str, environment: Mapping[str, str]) -> Settings:
    """The settings of what stands in a file; raises `ConfigError` that names the source and every bad setting in it."""
    faults: list[str] = []
    expanded = _expand(document, environment, folder, "", faults)
    try:
        settings = Settings.model_validate({**expanded, "folder": folder})
    except ValidationError as error:
        faults += [_fault(problem) for problem in error.errors(include_input=False, include_url=False)]
    else:
        if not faults:
            return settings
    raise ConfigError(text("The settings {path} are wrong: {faults}", path=source, faults="; ".join(faults)))


def _expand(value: Any, environment: Mapping[str, str], folder: Path, name: str, faults: list[str]) -> Any:
    match value:
        case dict():
            return _expand_table(value, environment, folder, name, faults)
        case list():
            return [_expand(item, environment, folder, f"{name}.{place}", faults) for place, item in enumerate(value)]
        case str():
            return _with_variables(value, environment, name, faults)
        case _:
            return value


def _expand_table(table: dict[str, Any], environment: Mapping[str, str], folder: Path, name: str, faults: list[str]) -> dict[str, Any]:
    expanded: dict[str, Any] = {}
    for key, value in table.items():
        inner = f"{name}.{key}" if name else key
        if key.endswith("_file") and isinstance(value, str):
            expanded[key.removesuffix("_file")] = _content(folder / value, inner, faults)
        else:
            expanded[key] = _expand(value, environment, folder, inner, faults)
    return expanded


def _content(path: Path, name: str, faults: list[str]) -> str:
    try:
        return path.read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError):
        faults.append(str(text("{name}: the file {path} cannot be read", name=name, path=path)))
        return ""


def _with_variables(value: str, environment: Mapping[str, str], name: str, faults: list[str]) -> str:
    in_url = "://" in value

    def replace(match: re.Match[str]) -> str:
        if match[1] not in environment:
            faults.append(str(text("{name}: the environment variable {variable} is not set", name=name, variable=match[1])))
            return ""
        return quote(environment[match[1]], safe="") if in_url else environment[match[1]]

    return _VARIABLE.sub(replace, value)


def _without_kind(place: Sequence[str | int]) -> Sequence[str | int]:
    """A place in the settings as it stands in the file, where the kind of log is no table."""
    return (place[0], *place[2:]) if place[:1] == ("log",) and len(place) > 1 and place[1] in ("embedded", "kafka") else place


_FAULTS: dict[str, Text] = {
    "missing": text("is missing"),
    "extra_forbidden": text("is no setting"),
    "bool_type": text("must be true or false"),
    "bool_parsing": text("must be true or false"),
    "int_parsing": text("must be a whole number"),
    "int_type": text("must be a whole number"),
    "float_parsing": text("must be a number"),
    "float_type": text("must be a number"),
    "string_type": text("must be a text"),
    "string_pattern_mismatch": text("is not written as it must be (see the README)"),
}
_FAULTS_WITH: dict[str, tuple[Text, str]] = {
    "literal_error": (text("must be one of {limit}"), "expected"),
    "greater_than": (text("must be more than {limit}"), "gt"),
    "greater_than_equal": (text("must be at least {limit}"), "ge"),
    "less_than_equal": (text("must be at most {limit}"), "le"),
}


def _fault(problem: Any) -> str:
    name = ".".join(map(str, _without_kind(problem["loc"]))) or "—"
    kind, context = problem["type"], problem.get("ctx", {})
    if kind in _FAULTS:
        return f"{name}: {_FAULTS[kind]}"
    if kind in _FAULTS_WITH:
        template, value = _FAULTS_WITH[kind]
        return f"{name}: {Text(template.template, (('limit', context[value]),))}"
    return f"{name}: {context['error'] if 'error' in context else problem['msg']}"
