"""What must hold at rest.

I1 the log is the mapping of SAE. I2 every CAJA is policy(mapping(SAE)). I5 what is not applied waits, is the newest, and has a cause.
L nothing is left to be done.
"""

from collections.abc import Collection, Iterable, Iterator

from consumer.ledger.parked import Parked, Reason
from consumer.policies import SoftDeleted
from foundation.errors import PoisonError
from producer.capture.comparison import LogKey
from schemas.entities import Entity, Subject
from schemas.keys import Key
from tests.simulation.actors import ConsumerProcess, Site
from tests.simulation.caja import SimCaja
from tests.simulation.truth import SUBJECTS, UNFIT, Said, SubjectKey, in_event, match_of, rows_of, shown, shown_for, table_of
from tests.simulation.watch import Violation
from tests.unit.consuming import TOPICS


def check_log(site: Site) -> Iterator[Violation]:
    """I1. A row that no event can hold leaves its key as the log has it."""
    for subject in SUBJECTS:
        live = {(subject, key.decode()): event for key, event in site.store.newest(TOPICS.of(subject)).items()}
        truth = {place: said for place, said in site.sae.current.items() if place[0] == subject}
        for place in sorted(live.keys() | truth.keys()):
            said = None if place not in live else _told(subject, live[place].value or b"")
            if said != truth.get(place) and truth.get(place) != UNFIT:
                yield Violation("I1 log is not SAE", f"{place[0]} {place[1]}: log {said} SAE {truth.get(place)}")


def check_held(site: Site, held: Iterable[Collection[LogKey]]) -> Iterator[Violation]:
    """I8. Nothing waits for a person that SAE took back."""
    for subject, key in sorted({place for places in held for place in places}):
        event = site.store.newest(TOPICS.of(subject)).get(key)
        said = None if event is None else _told(subject, event.value or b"")
        if said == site.sae.current.get((subject, key.decode())):
            yield Violation("I8 held though SAE took it back", f"{subject} {key.decode()}")


def _told(subject: Subject, framed: bytes) -> Said:
    try:
        return in_event(subject.entity, framed)
    except PoisonError:
        return ("garbage", False)


class CajaCheck:
    """One CAJA at rest, as the consumer that serves it is set up."""

    def __init__(self, site: Site, caja: SimCaja, process: ConsumerProcess) -> None:
        self._site, self._caja, self._policies = site, caja, process.policies
        self._subjects = process.subjects()

    def violations(self) -> Iterator[Violation]:
        yield from self._unfinished()
        yield from self._wrong_totals()
        content = self._caja.content
        places = {place for place, _ in rows_of(content.rows)} | self._site.sae.current.keys() | set(content.parked)
        for place in sorted(places):
            if place[0] in self._subjects and self._site.sae.current.get(place) != UNFIT:
                for kind in self._wrong(place):
                    row = content.table(table_of(place[0].entity)).get(match_of(*place))
                    seen = None if row is None else shown(place[0].entity, row)
                    yield Violation(kind, f"{self._caja.name} {place[0]} {place[1]}: CAJA {seen} SAE {self._site.sae.current.get(place)}")

    def _wrong_totals(self) -> Iterator[Violation]:
        stock = [self._caja.content.hashes.get(subject, {}) for subject in self._subjects if subject.entity is Entity.STOCK]
        for product in self._caja.wrong_totals():
            if any(product in known for known in stock):
                yield Violation("I2 a total is not the sum", f"{self._caja.name} {product}")

    def _unfinished(self) -> Iterator[Violation]:
        for subject in self._subjects:
            topic = TOPICS.of(subject)
            progress = self._caja.content.progress.get(topic)
            if topic not in self._site.store.topics:
                continue
            if progress is None:
                yield Violation("L never read", f"{self._caja.name} {topic}")
            elif progress.position.next_offset != self._site.store.topics[topic].end:
                yield Violation("L not at the end", f"{self._caja.name} {topic}")
            elif progress.sweep is not None:
                yield Violation("L sweep never comes", f"{self._caja.name} {topic} {progress.sweep}")

    def _wrong(self, place: SubjectKey) -> Iterator[str]:
        said = self._site.sae.current.get(place)
        parked = self._caja.content.parked.get((place[0], Key(place[1])))
        if parked is not None:
            yield from self._wrongly_parked(place, parked, said)
        elif not self._is_right(place, said):
            yield "I2 active but gone from SAE" if said is None else "I2 CAJA is not SAE"

    def _row(self, place: SubjectKey) -> tuple[object, ...] | None:
        row = self._caja.content.table(table_of(place[0].entity)).get(match_of(*place))
        return None if row is None else shown(place[0].entity, row)

    def _is_right(self, place: SubjectKey, said: Said | None) -> bool:
        entity, row = place[0].entity, self._row(place)
        if entity is Entity.STOCK:
            return (row[0] if row else 0.0) == (said[0] if said else 0.0)
        if said is None:
            return row is None or not row[-1] or not self._inactivates(entity)
        if entity in (Entity.PRODUCT, Entity.CUSTOMER) and not said[-1]:
            return row is None or self._policies.soft_deleted is SoftDeleted.IGNORE or row == shown_for(entity, said)
        return row == shown_for(entity, said)

    def _inactivates(self, entity: Entity) -> bool:
        if entity is Entity.PRODUCT:
            return self._policies.inactivate_missing_products
        return entity is not Entity.CUSTOMER or self._policies.inactivate_missing_customers

    def _wrongly_parked(self, place: SubjectKey, parked: Parked, said: Said | None) -> Iterator[str]:
        told = None if parked.value is None else _told(place[0], parked.value)
        if told != said:
            yield "I5 something old is waiting"
        match parked.reason:
            case Reason.REJECTED:
                has_cause = (table_of(place[0].entity), match_of(*place)) in self._caja.forbidden
            case Reason.PARENT | Reason.KEPT_OUT:
                has_cause = place[0].entity is Entity.STOCK and self._lacks_product(place)
            case _:
                has_cause = False
        if not has_cause:
            yield f"I5 waits without a cause ({parked.reason})"

    def _lacks_product(self, place: SubjectKey) -> bool:
        ticked = Entity.PRODUCT in self._policies.entities
        return ticked and (place[1],) not in self._caja.content.table("CATINVEN")
