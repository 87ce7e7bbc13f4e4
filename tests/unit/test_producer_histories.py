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
from tests.fakes.sae import Copy, row
from tests.unit.producing import MODES, TOPICS, Mode, Site, foreign, told_hash

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

    def __init__(self, mode: Mode) -> None:
        super().__init__(mode=mode)
        self.saved: Copy | None = None
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
        site.sae.running.clear()

    return step


def _late_commit(rows: list[Any]) -> Step:
    """A transaction that began before a pass and commits after it."""

    def step(site: Judged) -> None:
        number = site.sae.begin()
        site.attempt()
        site.sae.write(number, *rows)
        site.sae.commit(number)

    return step


def _written_by(place: int, rows: list[Any], gone: list[Any]) -> Step:
    """One of the transactions that run, or a new one, writes and deletes; who sees it?"""

    def step(site: Judged) -> None:
        number = _running(site, place) if place < len(site.sae.running) else site.sae.begin()
        site.sae.write(number, *rows)
        for found in gone:
            site.sae.erase(number, type(found), *found[:1])

    return step


def _ended(place: int, *, commits: bool) -> Step:
    def step(site: Judged) -> None:
        if site.sae.running:
            (site.sae.commit if commits else site.sae.end)(_running(site, place))

    return step


def _running(site: Judged, place: int) -> int:
    return sorted(site.sae.running)[place % len(site.sae.running)]


def _restored(how: int) -> Step:
    """A copy of SAE is made, or put back: from its file, or by gbak."""

    def step(site: Judged) -> None:
        if how == 0 or site.saved is None:
            site.saved = site.sae.copied()
        else:
            site.sae.restore(site.saved, gbak=how == 1)

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
    st.builds(_written_by, st.integers(0, 2), st.lists(ROWS, max_size=2), st.lists(ROWS, max_size=2)),
    st.builds(_ended, st.integers(0, 2), commits=st.booleans()),
    st.builds(_restored, st.integers(0, 2)),
    st.just(lambda site: site.restart()),
    st.just(lambda site: site.log.store.compact()),
    st.builds(_slip_in, SUBJECTS, st.sampled_from(["A", "B", "Z"])),
    st.builds(_refilled, SUBJECTS, st.integers(1, 3), st.lists(st.sampled_from(["A", "B"]), max_size=3)),
    st.builds(_on_topic, CHANGES, SUBJECTS, st.booleans()),
)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(MODES), st.lists(ROWS, max_size=12), st.lists(STEPS, min_size=3, max_size=30))
def test_at_rest_the_log_equals_sae_and_no_event_was_needless(mode: Mode, rows: list[Any], steps: list[Step]) -> None:
    site = Judged(mode)
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
