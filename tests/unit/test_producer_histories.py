"""Any history of SAE, the log and the producer ends in a log that equals SAE, and no event on the way was needless or untrue."""

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from producer.tables import Almacenes, Clie, Clin, CvesAlter, Impu, Inve, Mult, ParamInventario, Precios, PrecioXProd
from puente.errors import ConnectionLost, RetryableError
from puente.eventlog.port import Record, Topic
from puente.texts import text
from schemas.changes import Entity, Subject
from tests.fakes.failing_log import FailingLog, How
from tests.fakes.sae import row
from tests.unit.producing import TOPICS, Site, foreign, told_hash

NUMBERS = st.sampled_from([None, 0.0, 1.0, 2.0, 1e300])
TEXTS = st.sampled_from([None, "", "a", "b"])
KEYS = st.sampled_from(["A", " A", "A\t", "B", " "])
WAREHOUSES = st.sampled_from([1, 2])
ROWS = st.one_of(
    st.builds(lambda key, words: row(Clin, key, desc_lin=words), KEYS, TEXTS),
    st.builds(lambda number, tax: row(Impu, number, impuesto1=tax), st.integers(1, 2), NUMBERS),
    st.builds(
        lambda key, words, scheme, exist: row(Inve, key, descr=words, cve_esqimpu=scheme, exist=exist),
        KEYS, TEXTS, st.sampled_from([None, 1, 2]), NUMBERS,
    ),
    st.builds(lambda key, number, price: row(PrecioXProd, key, number, precio=price), KEYS, WAREHOUSES, NUMBERS),
    st.builds(lambda number, flag: row(Precios, number, con_impu=flag), WAREHOUSES, st.sampled_from("SN")),
    st.builds(lambda key, other: row(CvesAlter, key, other), KEYS, KEYS),
    st.builds(lambda key, prospect: row(Clie, key, prospecto=prospect), KEYS, st.sampled_from("NNNS")),
    st.builds(lambda key, number, exist: row(Mult, key, number, exist=exist), KEYS, WAREHOUSES, NUMBERS),
    st.builds(lambda number: row(Almacenes, number), WAREHOUSES),
    st.builds(lambda flag: row(ParamInventario, multialmacen=flag), st.sampled_from("SSN")),
)  # fmt: skip
SUBJECTS = st.sampled_from([*map(Subject, list(Entity)[:-1]), Subject(Entity.STOCK, 1), Subject(Entity.STOCK, 2)])
HOW = st.sampled_from(["before", "after", "half"])
Step = Callable[["Judged"], None]


class Judged(Site):
    """Judges every record of the producer when it is appended."""

    def __init__(self) -> None:
        super().__init__()
        self.log.before_append = self.judge  # type: ignore[method-assign]

    def judge(self, record: Record) -> None:
        subject = TOPICS.subject(record.topic)
        if subject is None:
            return
        place, before = (subject, record.key), self.log.newest(record.topic).get(record.key)
        hashes, unmappable = self.expected()
        assert place not in unmappable
        told = dict(record.headers).get("hash", b"").decode()
        assert (record.value is None) == (place not in hashes), "a tombstone for what is there, or an event of what is gone"
        assert told == hashes.get(place, ""), "not what SAE holds"
        assert before is None or told_hash(before) != told, "published without need"
        assert before is not None or record.value is not None, "a tombstone of nothing"

    def attempt(self) -> None:
        """One pass, which may fail as was planned, or because the log is not the one that was read."""
        try:
            self.run()
        except RetryableError:
            pass
        finally:
            self.log.plan(0)


def _pass(site: Judged) -> None:
    site.attempt()


def _failing_log(at: int, how: How, crash: bool) -> Step:
    def step(site: Judged) -> None:
        site.log.plan(at, how)
        site.attempt()
        if crash:
            site.restart()

    return step


def _failing_sae(place: object) -> Step:
    def step(site: Judged) -> None:
        site.sae.fail[place] = ConnectionLost(text("gone"))
        site.attempt()
        site.sae.fail.clear()
        site.sae.connections += 1

    return step


def _late_commit(rows: list[Any]) -> Step:
    """A transaction that began before a pass and commits after it."""

    def step(site: Judged) -> None:
        number = site.sae.begin()
        site.attempt()
        before = site.sae.last_id
        site.sae.put(*rows)
        site.sae.last_id = before
        site.sae.end(number)

    return step


def _rolled_back(site: Judged) -> None:
    number = site.sae.begin()
    site.attempt()
    site.sae.end(number)


def _slip_in(subject: Subject, key: str) -> Step:
    """A tombstone of somebody else, or a line that SAE does not hold."""

    def step(site: Judged) -> None:
        site.log.create({TOPICS.of(subject): TOPICS.fixed()[TOPICS.control]})
        line = {"line": key, "description": "other", "is_group": True, "status": "active"}
        site.log.slip_in(foreign(subject, key, line if subject.entity is Entity.PRODUCT_LINE else None))

    return step


def _refilled(subject: Subject, count: int, keys: list[str]) -> Step:
    """The tail is lost, and somebody else writes."""

    def step(site: Judged) -> None:
        topic = TOPICS.of(subject)
        if topic in site.log.store.topics:
            site.log.cut(topic, count)
            site.log.slip_in(*(foreign(subject, key, None) for key in keys))

    return step


def _on_topic(change: Callable[[FailingLog, Topic], None], subject: Subject, and_control: bool) -> Step:
    def step(site: Judged) -> None:
        for topic in (TOPICS.of(subject), TOPICS.control)[: 1 + and_control]:
            if topic in site.log.store.topics:
                change(site.log, topic)

    return step


CHANGES = st.one_of(
    st.just(FailingLog.make_again),
    st.integers(1, 4).map(lambda count: lambda log, topic: log.cut(topic, count)),
)
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.lists(ROWS, min_size=1, max_size=3).map(lambda rows: lambda site: site.sae.put(*rows)),
    ROWS.map(lambda found: lambda site: site.sae.drop(type(found), *found[:1])),
    st.just(_pass),
    st.just(_pass),
    st.builds(_failing_log, st.integers(1, 40), HOW, st.booleans()),
    st.builds(_failing_sae, st.sampled_from(["snapshot", Clin, Inve, Mult])),
    st.lists(ROWS, min_size=1, max_size=2).map(_late_commit),
    st.just(_rolled_back),
    st.just(lambda site: site.restart()),
    st.just(lambda site: site.log.store.compact()),
    st.builds(_slip_in, SUBJECTS, st.sampled_from(["A", "B", "Z"])),
    st.builds(_refilled, SUBJECTS, st.integers(1, 3), st.lists(st.sampled_from(["A", "B"]), max_size=3)),
    st.builds(_on_topic, CHANGES, SUBJECTS, st.booleans()),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(ROWS, max_size=12), st.lists(STEPS, min_size=3, max_size=30))
def test_at_rest_the_log_equals_sae_and_no_event_was_needless(rows: list[Any], steps: list[Step]) -> None:
    site = Judged()
    site.sae.put(*rows)
    site.settled()
    for step in steps:
        step(site)
    site.attempt()
    site.attempt()
    assert site.settled() == []
    assert site.agrees()
    lacking = {subject for subject, key in site.expected()[1] if (subject, key) not in site.in_log()}
    told = {TOPICS.subject(topic.topic): topic.complete for topic in site.words()[-1].topics}
    assert {subject for subject, complete in told.items() if not complete} == lacking
