"""What is wrong with the settings, for people: each fault with its line, a mark, and what to write instead."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from foundation.errors import ConfigError
from foundation.texts import Text, text
from puente.config.places import Place
from puente.config.shown import shown


@dataclass(frozen=True, slots=True)
class Fault:
    """`about` is the setting's name, as people say it."""

    what: Text
    about: Text | str = ""
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class _Listed:
    """Several faults, in the reader's language when it is read."""

    faults: Sequence[Fault]
    lines: Sequence[str]

    def __str__(self) -> str:
        return "\n".join(part for fault in self.faults for part in self._one(fault))

    def _one(self, fault: Fault) -> list[str]:
        said = f"{fault.about}: {fault.what}" if str(fault.about) else f"{fault.what}"
        if fault.place is None:
            return [f"  {said}"]
        head = text("line {line}", line=fault.place.line)
        return [f"  {head}, {said}" if str(fault.about) else f"  {head}: {said}", *shown(self.lines, fault.place)]


def error(source: object, faults: Iterable[Fault], lines: Sequence[str] = ()) -> ConfigError:
    """All faults of a file, in the order of its lines."""
    ordered = sorted(faults, key=lambda fault: fault.place.line if fault.place else 0)
    return ConfigError(text("The settings {path} are wrong:\n{faults}", path=source, faults=_Listed(ordered, lines)))
