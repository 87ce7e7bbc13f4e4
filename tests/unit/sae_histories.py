"""What happens to a SAE, and a site that judges every event of its producer: for tests that draw histories."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from foundation.errors import RetryableError
from foundation.eventlog.port import Record
from producer.sae.tables import Almacenes, Clie, Clin, CvesAlter, Impu, Inve, Moned, Mult, ParamInventario, Precios, PrecioXProd
from tests.fakes.sae import Copy, raw_key, row
from tests.unit.producing import TOPICS, Mode, Site, told_hash

NUMBERS = st.sampled_from([None, 0.0, 1.0, 2.0, 1e300])
TEXTS = st.sampled_from([None, "", "a", "b"])
KEYS = st.sampled_from(["A", " A", "A\t", "B", " "])
WAREHOUSES = st.sampled_from([1, 2])
ROWS = st.one_of(
    st.builds(lambda key, words: row(Clin, key, desc_lin=words), KEYS, TEXTS),
    st.builds(lambda number, rate: row(Moned, number, tcambio=rate), st.integers(1, 2), NUMBERS),
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
)  # fmt: skip
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


def late_commit(rows: list[Any]) -> Step:
    """A transaction that began before a pass and commits after it."""

    def step(site: Judged) -> None:
        number = site.sae.begin()
        site.attempt()
        site.sae.write(number, *rows)
        site.sae.commit(number)

    return step


def written_by(place: int, rows: list[Any], gone: list[Any]) -> Step:
    """One of the transactions that run, or a new one, writes and deletes; who sees it?"""

    def step(site: Judged) -> None:
        number = _running(site, place) if place < len(site.sae.running) else site.sae.begin()
        site.sae.write(number, *rows)
        for found in gone:
            site.sae.erase(number, type(found), *found[:1])

    return step


def ended(place: int, *, commits: bool) -> Step:
    def step(site: Judged) -> None:
        if site.sae.running:
            (site.sae.commit if commits else site.sae.end)(_running(site, place))

    return step


def _running(site: Judged, place: int) -> int:
    return sorted(site.sae.running)[place % len(site.sae.running)]


def restored(how: int) -> Step:
    """A copy of SAE is made, or put back: from its file, or by gbak."""

    def step(site: Judged) -> None:
        if how == 0 or site.saved is None:
            site.saved = site.sae.copied()
        else:
            site.sae.restore(site.saved, gbak=how == 1)

    return step


def put(rows: list[Any]) -> Step:
    return lambda site: site.sae.put(*rows)


def drop(found: Any, whole: bool) -> Step:
    """One row, or all whose key begins like its."""
    return lambda site: site.sae.drop(type(found), *(raw_key(found) if whole else found[:1]))


def replaced(gone: Any, new: Any) -> Step:
    """One goes and one comes in one transaction: as many rows as before."""

    def step(site: Judged) -> None:
        number = site.sae.begin()
        site.sae.erase(number, type(gone), *raw_key(gone))
        site.sae.write(number, new)
        site.sae.commit(number)

    return step


def passes(site: Judged) -> None:
    site.attempt()


TOGGLES = st.sampled_from("SN").map(lambda flag: put([row(ParamInventario, multialmacen=flag)]))
"""Stock stands in MULT, or in INVE: the exact mode compares all."""
EDITS: st.SearchStrategy[Step] = st.one_of(
    st.lists(ROWS, min_size=1, max_size=3).map(put),
    st.builds(drop, ROWS, st.booleans()),
    st.builds(replaced, ROWS, ROWS),
    st.lists(ROWS, min_size=1, max_size=2).map(late_commit),
    st.builds(written_by, st.integers(0, 2), st.lists(ROWS, max_size=2), st.lists(ROWS, max_size=2)),
    st.builds(ended, st.integers(0, 2), commits=st.booleans()),
)
