"""A set of raw keys, held against Python's own."""

from hypothesis import given
from hypothesis import strategies as st

from foundation.packed import PackedKeys
from producer.capture.raw_keys import MANY, RawKeys
from producer.sae.tables import RawKey

FIRST = st.sampled_from(["A", "B", " A", "ñ", ""])
REST = st.integers(1, 3 * MANY) | st.sampled_from(["750", "x", ""])
ONE, TWO = st.tuples(FIRST), st.tuples(FIRST, REST)
Doings = list[tuple[bool, RawKey]]


def held(doings: Doings) -> None:
    ours, plain = RawKeys(), set[RawKey]()
    for adds, key in doings:
        assert (key in ours) == (key in plain)
        (ours.add if adds else ours.discard)(key)
        (plain.add if adds else plain.discard)(key)
        assert len(ours) == len(plain)
    listed = list(ours)
    assert len(listed) == len(plain)
    assert set(listed) == plain
    assert all(key in ours for key in plain)
    assert set(ours.untrimmed) == {key[0] for adds, key in doings if adds and key[0].strip() != key[0]}
    ours -= plain
    assert len(ours) == 0
    assert list(ours) == []


@given(st.lists(st.tuples(st.booleans(), ONE), max_size=30))
def test_keys_of_one_column_are_as_in_a_set(doings: Doings) -> None:
    held(doings)


@given(st.lists(st.tuples(st.booleans(), TWO), max_size=200))
def test_keys_of_two_columns_are_as_in_a_set(doings: Doings) -> None:
    held(doings)


@given(st.sets(st.integers(1, 1000), min_size=2 * MANY, max_size=4 * MANY))
def test_very_many_of_one_product_come_and_go(rests: set[int]) -> None:
    held([*((True, ("A", rest)) for rest in rests), *((False, ("A", rest)) for rest in sorted(rests)[3:])])


@given(st.lists(st.lists(TWO, max_size=40), max_size=4), st.lists(ONE, max_size=10))
def test_keys_learnt_of_rows_are_as_those_added_and_tables_may_share_what_they_begin_with(
    parts: list[list[RawKey]], others: list[RawKey]
) -> None:
    firsts = PackedKeys()
    ours, theirs = RawKeys(firsts=firsts), RawKeys(firsts=firsts)
    plain = set[RawKey]()
    for part in parts:
        ours.learn([(*key, "more") for key in part], 2)
        theirs.learn([(*key, "more") for key in others], 1)
        plain.update(part)
    assert len(ours) == len(plain)
    assert set(ours) == plain
    assert set(theirs) == (set(others) if parts else set())
    assert all((first in theirs) == (first in set(theirs)) for first in (("A",), ("B",), ("Z",)))
    assert {key[0] for key in plain if key[0].strip() != key[0]} == set(ours.untrimmed)
