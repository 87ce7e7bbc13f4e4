"""What must hold at every append to the log and at every commit in a CAJA.

I3 no CAJA goes back to an earlier event, not even where the log lost the later one. I4 nothing that SAE has, and the log once said, is
inactivated. I6 one writer. I7 no stock is written over sales that SAE does not have, and none of a product that CAJA lacks. I8 no pass
takes more of a kind than is usual, and no sweep more than the cap. I9 a log that holds one SAE takes nothing of another;
what one writes who was displaced and has not heard of it is put right. I10 nothing is written to a CAJA whose interface with SAE is off,
and no stock where «Cambio a existencias» is.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from consumer.resync import sweep
from foundation.errors import PoisonError
from foundation.eventlog.port import Event, Offset, Topic
from producer import mass_change
from schemas.codec import Decoder
from schemas.control import SAE, SaeIdentity, parse, run_of
from schemas.entities import Entity, Subject
from schemas.headers import CAPTURED, RUN, read_headers
from tests.simulation.actors import START, Site
from tests.simulation.caja import SimCaja, SimTransaction
from tests.simulation.sae import OWN
from tests.simulation.truth import (
    ANOTHERS,
    UNFIT,
    Said,
    Shown,
    SubjectKey,
    in_event,
    lost,
    match_of,
    rows_of,
    shown,
    shown_for,
    table_of,
)
from tests.unit.consuming import TOPICS


@dataclass(frozen=True)
class Violation:
    """`kind` begins with the invariant's name."""

    kind: str
    about: str


@dataclass
class Watch:
    """Judges as things happen. `disturbed`: somebody else wrote to the log, or SAE went back; then I4 has nothing to go by."""

    site: Site
    found: list[Violation] = field(default_factory=list)
    disturbed: bool = False
    restored: bool = False
    allowed: int = 0
    """How many of a kind somebody let through at once, at most."""
    sweeps_allowed: bool = False
    speakers: set[str | None] = field(default_factory=set)
    """The runs of the producers that spoke since somebody emptied this."""
    appended: dict[SubjectKey, int] = field(default_factory=dict)
    """When (in commits of SAE) the newest event of a key that is no tombstone was appended."""
    _lost: Counter[tuple[object, ...]] = field(default_factory=Counter)
    _swept: Counter[tuple[object, ...]] = field(default_factory=Counter)

    def report(self, kind: str, about: object) -> None:
        self.found.append(Violation(kind, str(about)))

    # the log

    def on_append(self, topic: Topic, event: Event) -> None:
        if topic == TOPICS.control:
            self.speakers.add(run_of(event))
            self._judge_identity(event)
        subject = TOPICS.subject(topic)
        if subject is None:
            return
        if event.value is not None:
            if ANOTHERS.encode() in event.value and self.which_sae() == OWN and run_of(event) == self._newest_claim():
                self.report("I9 another SAE in the log", topic)
            self.appended[subject, event.key.decode()] = self.site.sae.commits
        for loss in self._losses(subject, event):
            one_pass = (event.header(RUN), event.header(CAPTURED), subject.entity, loss)
            self._lost[one_pass] += 1
            if self._lost[one_pass] > max(mass_change.AT_LEAST, self.allowed):
                self.report(f"I8 more {loss} at once than is usual", topic)

    def _losses(self, subject: Subject, event: Event) -> set[str]:
        """What the event takes from what stood there when SAE was read for it, and stands there still: what others wrote in between, a
        producer that was displaced meanwhile knows only in part.
        """
        if event.value is None:
            return {"deleted"}
        entity, topic = subject.entity, self.site.store.topic(TOPICS.of(subject))
        try:
            read, new = read_headers(event).captured, in_event(entity, event.value)
        except PoisonError:
            return set()
        earlier = [one for one in topic.events if one.key == event.key and one.offset < event.offset]
        known = [one for one in earlier if START + timedelta(seconds=topic.times[one.offset]) <= read]
        return _lost(entity, known, new) & _lost(entity, earlier, new)

    def which_sae(self, before: Offset | None = None) -> SaeIdentity | None:
        """The one that the log holds, or held before an event; None where it says none."""
        topic = self.site.store.topics.get(TOPICS.control)
        events = [event for event in (topic.events if topic else ()) if event.key == SAE and event.value and event.offset != before]
        return parse(Decoder(), events[-1].value or b"").sae if events else None

    def _judge_identity(self, event: Event) -> None:
        """But for one that was displaced and has not heard of it: what it writes there is put right, as what it writes elsewhere is."""
        if run_of(event) != self._newest_claim():
            return
        if event.key == SAE and self.which_sae(before=event.offset) == OWN and self.which_sae() != OWN and not self.site.accepts_sae:
            self.report("I9 another SAE in the log", event.offset)

    def _newest_claim(self) -> str | None:
        """The run that spoke first last."""
        runs = dict.fromkeys(run_of(event) for event in self.site.store.topic(TOPICS.control).events)
        return next(reversed(runs), None)

    # CAJA

    def on_commit(self, caja: SimCaja, transaction: SimTransaction) -> None:
        if transaction.token != caja.content.lease.token:
            self.report("I6 two writers", caja.name)
        if caja.content.lease.caja != caja.name:
            self.report("I6 wrote to a copy of another CAJA", caja.name)
        if transaction.seen.over_sales:
            self.report("I7 stock over unposted sales", f"{caja.name} {transaction.seen.over_sales}")
        before = caja.content.rows
        for place, row in rows_of(transaction.content.rows):
            entity = place[0].entity
            old = before.get(table_of(entity), {}).get(match_of(*place))
            if old != row:
                self._judge_switches(caja, transaction, entity)
            if old != row and (old is None or shown(entity, old) != shown(entity, row)):
                if old is None and place[0].entity is Entity.STOCK:
                    self._judge_new_stock(place, transaction)
                self._moved(caja, place, None if old is None else shown(entity, old), shown(entity, row))

    def _judge_switches(self, caja: SimCaja, transaction: SimTransaction, entity: Entity) -> None:
        """By those that the transaction's snapshot shows."""
        switches, policies = transaction.seen.parameters, transaction.policies
        if policies.interface_required and not switches.interface:
            self.report("I10 written while the interface is off", caja.name)
        if entity is Entity.STOCK and not policies.stock.is_taken_now(stock_changes=switches.stock_changes):
            self.report("I10 stock written while it is switched off", caja.name)

    def _moved(self, caja: SimCaja, place: SubjectKey, old: Shown | None, new: Shown) -> None:
        """I3: what a row shows is some event at or after the one that it showed before."""
        is_retired = old is not None and _only_retired(place, old, new)
        told = [number for number, event in self._published(place, all_of_them=not is_retired) if _tells(place, event, old, new)]
        since = caja.memory.shown.pop(place, 0)
        later = next((number for number in told if number >= since), None)
        if later is not None:
            caja.memory.shown[place] = later
        elif is_retired:
            self._judge_sweep(caja, place)
        elif told and not self._says_sae(place, new):
            self.report("I3 older over newer", f"{caja.name} {place[0]} {place[1]}: {old} -> {new}")
        if old is not None and old[-1] and not new[-1] and old[0] != "hand":
            self._judge_retired(caja, place)

    def _says_sae(self, place: SubjectKey, new: Shown) -> bool:
        """What is true is not old, whoever said it first; where no event can hold what is, nobody can say what the log lost."""
        said = self.site.sae.current.get(place)
        return said == UNFIT or (said is not None and shown_for(place[0].entity, said) == new)

    def _judge_new_stock(self, place: SubjectKey, transaction: SimTransaction) -> None:
        has_product = (place[1],) in transaction.content.table("CATINVEN")
        if Entity.PRODUCT in transaction.policies.entities and not has_product:
            self.report("I7 stock of a product that CAJA lacks", place)

    def _published(self, place: SubjectKey, *, all_of_them: bool) -> Iterator[tuple[int, Event]]:
        """A key's events as they were published, numbered; or those that stand in the log, and the last that it lost: it may come late."""
        published = self.site.store.published[TOPICS.of(place[0]), place[1].encode()]
        lost = [number for number, (_, stands) in enumerate(published) if not stands]
        for number, (event, stands) in enumerate(published):
            if all_of_them or stands or number == lost[-1]:
                yield number, event

    def _judge_sweep(self, caja: SimCaja, place: SubjectKey) -> None:
        """I4: SAE has it, and an event of it went out since SAE last lacked it. I8: so many in one turn, during which time stands still."""
        one_turn = (caja.name, place[0], self.site.times.seconds)
        self._swept[one_turn] += 1
        if self._swept[one_turn] > sweep.CAP_ROWS and not self.sweeps_allowed:
            self.report("I8 more swept than the cap", f"{caja.name} {place[0]}")
        said = self.site.sae.current.get(place)
        if said is None or not said[-1] or place not in self.appended:
            return
        is_there = place[0].entity is not Entity.STOCK or said[0]
        if is_there and self.site.sae.says(place, None) <= self.appended[place]:
            self.report("I4 swept though SAE has it", f"{caja.name} {place[0]} {place[1]}")

    def _judge_retired(self, caja: SimCaja, place: SubjectKey) -> None:
        """I4: SAE has it, and never had it otherwise."""
        sae = self.site.sae
        said = sae.current.get(place)
        if self.disturbed or self.restored or said is None or not said[-1]:
            return
        if not any(other == place and (was is None or not was[-1]) for other, was in sae.said_until):
            self.report("I4 inactivated while active in SAE", f"{caja.name} {place[0]} {place[1]}")


def _lost(entity: Entity, events: Sequence[Event], new: Said) -> set[str]:
    """What is lost of the last of a key's events; what cannot be read no till shows."""
    for event in reversed(events):
        with suppress(PoisonError):
            return set() if event.value is None else lost(entity, in_event(entity, event.value), new)
    return set()


def _tells(place: SubjectKey, event: Event, old: Shown | None, new: Shown) -> bool:
    """Whether an event makes a row that showed `old` show `new`."""
    if event.value is None:
        return old is not None and _only_retired(place, old, new)
    try:
        return shown_for(place[0].entity, in_event(place[0].entity, event.value)) == new
    except PoisonError:
        return False


def _only_retired(place: SubjectKey, old: Shown, new: Shown) -> bool:
    return new == ((0.0, True) if place[0].entity is Entity.STOCK else (*old[:-1], False))


def kinds(found: Iterable[Violation]) -> set[str]:
    return {one.kind for one in found}
