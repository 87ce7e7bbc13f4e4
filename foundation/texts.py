"""Texts for users, in Spanish and English.

The source holds English; `locale/es` holds the Spanish. A message is a `Text`: the English template and its values, translated when
somebody reads it, so that errors can be raised deep down without knowing the reader's language. The language is set once, by the
command line, through `use`.
"""

import gettext
import locale
import os
from dataclasses import dataclass
from pathlib import Path

LANGUAGES = ("es", "en")
DOMAIN = "puente"
_FOLDER = Path(__file__).parent / "locale"
_translation: gettext.NullTranslations = gettext.NullTranslations()


@dataclass(frozen=True)
class Text:
    """An English template with its values; `str()` gives it in the reader's language."""

    template: str
    values: tuple[tuple[str, object], ...] = ()

    def __str__(self) -> str:
        return _translation.gettext(self.template).format(**dict(self.values))


def text(template: str, /, **values: object) -> Text:
    """A translatable message; `template` must be a literal, so that it can be extracted."""
    return Text(template, tuple(values.items()))


def choose_language(option: str | None, environment: dict[str, str] | None = None) -> str:
    """`--lang`, then PUENTE_LANG, then the locale where it is one of ours, else Spanish."""
    environment = dict(os.environ) if environment is None else environment
    for candidate in (option, environment.get("PUENTE_LANG")):
        if candidate in LANGUAGES:
            return candidate
    name = environment.get("LC_ALL") or environment.get("LC_MESSAGES") or environment.get("LANG") or locale.getlocale()[0] or ""
    return name[:2].lower() if name[:2].lower() in LANGUAGES else "es"


def use(language: str) -> None:
    """Translates from now on to `language`; click's own words are in the same catalogue."""
    global _translation  # noqa: PLW0603 - one language per process, set once by the command line
    _translation = gettext.translation(DOMAIN, str(_FOLDER), languages=[language], fallback=language == "en")
    os.environ["LANGUAGE"] = language  # where click's gettext looks
    gettext.bindtextdomain(DOMAIN, str(_FOLDER))
    gettext.textdomain(DOMAIN)


def translate(message: str) -> str:
    """The message in the reader's language, without values."""
    return _translation.gettext(message)


def marked(message: str) -> str:
    """Marks a literal that is translated later, for the catalogue to have it."""
    return message
