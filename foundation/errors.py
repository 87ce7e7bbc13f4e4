"""What can go wrong, told apart by what the program does next.

    PuenteError
    ├── ConfigError      somebody must change a setting or a database first   stop, exit 2
    │   └── NoTopic          the log lacks a topic; raised again by what makes the topics: one was deleted
    ├── RetryableError   something is down, busy or full                      wait and try again, then exit 3
    │   ├── ConnectionLost   the session with a database ended: everything read through it must be read again
    │   ├── LostLease        another process writes to this CAJA now: stand by
    │   ├── SwitchedOff      its owner switched it off: keep what is open, look again in some seconds
    │   └── Occupied         another process does this work and lives: waiting a little helps nobody
    │       └── Displaced    it began after us: stop and stand by
    ├── PoisonError      this one change cannot be read or applied            set it aside as *rejected*, go on
    └── InvariantError   the program contradicts itself: a bug                end this unit alone, exit 1

What is neither `ConfigError` nor `RetryableError` and comes out of a unit (a CAJA's consumer, the producer) is a bug: so is every exception
of no class of ours. `run` ends that unit's objects, tells the traceback and begins them anew after a minute.
Foreign exceptions are translated where they enter (the engines and the event log), by code and never by their text, with `raise … from`.
Every message names the thing at fault and, where there is one, the remedy; it is translated for the user by `foundation.texts`.
"""

from collections.abc import Iterable
from enum import IntEnum

from foundation.texts import Text


class ExitCode(IntEnum):
    """What the process returns; the table in docs/commands.md says the same."""

    OK = 0
    DIFFERENCES = 1
    CONFIG = 2
    DOWN = 3
    INTERRUPTED = 130
    TERMINATED = 143


def gravest(codes: Iterable[ExitCode]) -> ExitCode:
    """Of several, the one to exit with: a bug before what somebody must mend, that before what is down."""
    found = set(codes)
    return next((code for code in (ExitCode.DIFFERENCES, ExitCode.CONFIG, ExitCode.DOWN) if code in found), ExitCode.OK)


class PuenteError(Exception):
    """Base of all errors that Puente raises on purpose; `text` is what a user reads."""

    exit_code = ExitCode.DIFFERENCES

    def __init__(self, text: Text) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return str(self.text)


class ConfigError(PuenteError):
    """A setting or a database is not as it must be; trying again changes nothing."""

    exit_code = ExitCode.CONFIG


class NoTopic(ConfigError):
    """The log lacks a topic."""

    def __init__(self, text: Text, topic: str) -> None:
        super().__init__(text)
        self.topic = topic


class RetryableError(PuenteError):
    """Something is down, busy or full; trying again may help."""

    exit_code = ExitCode.DOWN


class ConnectionLost(RetryableError):
    """The session with a database ended."""


class LostLease(RetryableError):
    """Another process holds this CAJA's lease."""


class SwitchedOff(RetryableError):
    """Its owner does not want anything written now."""


class Occupied(RetryableError):
    """Another process does this work."""


class Displaced(Occupied):
    """Another producer claimed the log after this one."""


def is_bug(error: BaseException) -> bool:
    """Of an error that came out of a unit."""
    return not isinstance(error, ConfigError | RetryableError)


class PoisonError(PuenteError):
    """One change cannot be read, mapped or applied."""


class InvariantError(PuenteError):
    """What cannot be is: a bug."""
