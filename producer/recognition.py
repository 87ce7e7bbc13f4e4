"""Which SAE the log holds: another one, or one much older, waits for a person. The judgement is pure.

Another one is known by another RFC, or by the UUIDs of its small tables, of which it shares less than half; where those tell nothing, or
the same, by its products, of which it shares hardly any with the log. One much older has stopped a month or more before the one that the
log holds, and would change a tenth of it or more. A backup that is put back is neither: it is told, and goes on.

What is not known on either side tells nothing: a company without an RFC, a user who may not read it, a log of an earlier release.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from time import monotonic
from typing import Protocol

from foundation.errors import ConfigError, ConnectionLost
from foundation.texts import Text, text
from producer.capture.port import Captured
from producer.index import LogIndex
from schemas.control import SaeIdentity
from schemas.entities import Entity, Subject

FEWEST_MARKS = 3
FEWEST_PRODUCTS = 20
"""Of fewer nobody can tell what they have in common."""
HARDLY_ANY = 0.1
OLDER = timedelta(minutes=1)
MUCH_OLDER = timedelta(days=30)
MUCH_CHANGED = 0.1
READ_AGAIN_SECONDS = 6 * 3600.0
"""Where SAE is compared as a whole and no session ends, its newest stamp is read again now and then."""
PRODUCTS = Subject(Entity.PRODUCT)

log = logging.getLogger("puente.producer")


class AnotherSae(ConfigError):
    """Not the SAE that the log holds, or one much older: a person must say that it is meant."""


class Identified(Protocol):
    """What is asked of `Sae`."""

    @property
    def connections(self) -> int: ...

    def identity(self) -> SaeIdentity: ...


def refuse_another(known: SaeIdentity, found: SaeIdentity) -> None:
    """Raises `AnotherSae` where SAE itself tells that it is another one."""
    why = difference(known, found)
    if why is not None:
        raise _another(known, found, why)


def difference(known: SaeIdentity, found: SaeIdentity) -> Text | None:
    """What tells that it is another SAE; None where nothing does."""
    if known.rfc is not None and found.rfc is not None and known.rfc != found.rfc:
        return text("its company has another RFC")
    shared, fewest = len(set(known.marks) & set(found.marks)), min(len(known.marks), len(found.marks))
    if fewest >= FEWEST_MARKS and 2 * shared < fewest:
        return text("its currencies, tax schemes, price lists and warehouses are others")
    return None


def is_recognised(known: SaeIdentity, found: SaeIdentity) -> bool:
    """Whether anything that is known on both sides tells the same, and nothing tells otherwise."""
    tells = (known.rfc is not None and found.rfc is not None) or min(len(known.marks), len(found.marks)) >= FEWEST_MARKS
    return tells and difference(known, found) is None


def refuse_strange_products(known: SaeIdentity, found: SaeIdentity, in_log: int, in_sae: int, shared: int) -> None:
    """Raises `AnotherSae` where the log and SAE have products, and hardly any in common."""
    fewest = min(in_log, in_sae)
    if fewest >= FEWEST_PRODUCTS and shared < HARDLY_ANY * fewest:
        why = text("of its {count} products the log has {shared}", count=in_sae, shared=shared)
        raise _another(known, found, why)


def age(known: SaeIdentity, found: SaeIdentity) -> timedelta:
    """How much earlier this SAE stopped than the one that the log holds; nothing where it did not, or nobody can tell."""
    if known.newest is None or found.newest is None or known.newest - found.newest < OLDER:
        return timedelta()
    return known.newest - found.newest


def refuse_much_older(known: SaeIdentity, found: SaeIdentity, in_log: int, changed: int) -> None:
    """Raises `AnotherSae` where it is that old that most of what the log has since then would be taken back."""
    behind = age(known, found)
    if behind >= MUCH_OLDER and changed and changed >= MUCH_CHANGED * in_log:
        raise AnotherSae(
            text(
                "{place} is {days} days older than the SAE that the log holds, and {count} of its {all} keys would go back with it. "
                "Nothing is published. If it is meant: puente produce --accept-sae",
                place=found.place,
                days=behind.days,
                count=changed,
                all=in_log,
            )
        )


def _another(known: SaeIdentity, found: SaeIdentity, why: Text) -> AnotherSae:
    return AnotherSae(
        text(
            "{place} is not the SAE that the log holds, which was read from {known}: {why}. Nothing is published. If it is meant: "
            "puente produce --accept-sae",
            place=found.place,
            known=known.place,
            why=why,
        )
    )


def remembered(known: SaeIdentity | None, found: SaeIdentity) -> SaeIdentity:
    """What the log is to hold: what was found, and of what SAE no longer tells what it told before."""
    if known is None:
        return found
    return replace(found, rfc=found.rfc or known.rfc, marks=found.marks or known.marks, newest=found.newest or known.newest)


class Recognition:
    """Of one producer. With `is_accepted` somebody said that this SAE is meant; that counts until the log remembers it."""

    def __init__(self, sae: Identified, *, is_accepted: bool = False, clock: Callable[[], float] = monotonic) -> None:
        self._sae, self._is_accepted, self._clock = sae, is_accepted, clock
        self._known: SaeIdentity | None = None
        self._found = SaeIdentity()
        self._session = 0
        self._read_at = 0.0
        self._is_judged = False

    def meet(self, known: SaeIdentity | None) -> None:
        """At every start over, before anything is sent: which SAE the log holds. Raises `AnotherSae`, and what `Database` does."""
        self._known = known
        self._look()

    def _look(self) -> None:
        self._found = self._sae.identity()
        self._session, self._read_at, self._is_judged = self._sae.connections, self._clock(), False
        if self._known is None or self._is_accepted:
            return
        refuse_another(self._known, self._found)
        if not is_recognised(self._known, self._found):
            log.info("Nothing in SAE tells whether it is the one that the log holds; its products do", extra={"action": "unrecognised"})

    def admit(self, captured: Captured, index: LogIndex) -> SaeIdentity | None:
        """Before anything of it is published; returns what the log is to remember now, None where that is nothing new.

        Raises `AnotherSae`, and `ConnectionLost` where nobody can tell any more which SAE was read.
        """
        session = self._sae.connections
        if session != self._session:
            self._look()
        if session != self._sae.connections:
            raise ConnectionLost(text("The session with SAE ended while it was read"))
        if index.sae_overwritten and not self._is_accepted:
            return self._known
        if captured.only is not None:
            return None
        if not self._is_judged:
            self._judge(captured, index)
        elif self._clock() - self._read_at >= READ_AGAIN_SECONDS:  # in one session it is one database, whatever its owner edits
            self._found, self._read_at = self._sae.identity(), self._clock()
        new = remembered(None if self._is_accepted else self._known, self._found)
        if new in (self._known, SaeIdentity()):
            self._is_accepted = False
            return None
        return new

    def keep(self, sae: SaeIdentity) -> None:
        """The log remembers it."""
        self._known, self._is_accepted = sae, False

    def _judge(self, captured: Captured, index: LogIndex) -> None:
        known, found = self._known, self._found
        if known is not None and not self._is_accepted:
            in_log, in_sae, shared = _products(captured, index)
            refuse_strange_products(known, found, in_log, in_sae, shared)
            refuse_much_older(known, found, *_changed(captured, index))
            _tell_age(age(known, found))
        self._is_judged = True


def _products(captured: Captured, index: LogIndex) -> tuple[int, int, int]:
    """Of a comparison of all: how many the log has, how many SAE has, and how many both."""
    known = index.hashes(PRODUCTS)
    found = [difference for difference in captured.differences if difference.subject == PRODUCTS]
    shared = len(known) - sum(one.body is None for one in found)
    return len(known), shared + sum(one.key not in known for one in found), shared


def _changed(captured: Captured, index: LogIndex) -> tuple[int, int]:
    """How many keys the log has, and how many of them would change or go."""
    hashes = {subject: index.hashes(subject) for subject in index.subjects()}
    changed = sum(difference.key in hashes.get(difference.subject, ()) for difference in captured.differences)
    return sum(map(len, hashes.values())), changed


def _tell_age(behind: timedelta) -> None:
    if behind:
        days = f"{behind / timedelta(days=1):.1f}"
        log.warning(
            "SAE is older than the log: a backup was put back, and every CAJA goes back with it", extra={"action": "older", "days": days}
        )
