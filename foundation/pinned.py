"""Libraries that are used beneath what they promise to keep: only in the series that Puente was written against.

`pyproject.toml` asks for the same versions. An installer that was told otherwise (`pip install --upgrade`, a package of the system) would
leave a program that reads memory by attributes that mean something else now; so whoever opens the door to a library asks first.
"""

import re
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

from foundation.errors import ConfigError
from foundation.texts import text

PINNED = {"firebird-driver": "2.1.0", "kafka-python": "3.0.12"}
"""Distribution → the version that was tried; later ones of its series (all but the last number) do as well, as `~=` has it."""
_RELEASE = re.compile(r"(\d+(?:\.\d+)+)(?:\.post\d+)?(?:\+\w+)?", re.ASCII)


def require(name: str, installed: Callable[[str], str] = version) -> None:
    """Raises `ConfigError` where a pinned library is not installed, or not in a version of its series. To be called before its import."""
    wanted = PINNED[name]
    try:
        found = installed(name)
    except PackageNotFoundError as error:
        raise ConfigError(text('{name} is not installed: pip install "{name}~={wanted}"', name=name, wanted=wanted)) from error
    if not _is_of_series(found, wanted):
        raise ConfigError(
            text(
                "Puente needs {name} {series} ({wanted} or later), for it uses what another version may have changed, and {found} is "
                'installed: pip install "{name}~={wanted}"',
                name=name,
                series=wanted.rpartition(".")[0],
                wanted=wanted,
                found=found,
            )
        )


def _is_of_series(found: str, wanted: str) -> bool:
    """A release that is not final is of no series."""
    release = _RELEASE.fullmatch(found)
    have, least = _numbers(f"{release[1]}.0") if release else [], _numbers(wanted)
    return have[: len(least) - 1] == least[:-1] and have >= least


def _numbers(release: str) -> list[int]:
    return [int(number) for number in release.split(".")]
