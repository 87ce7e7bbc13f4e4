"""Packed rows, taken apart again as the block does it."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.engines.firebird.packing import BASE, FIRST, NARROW, PARAMETER_LENGTH, PARAMETERS, calls, packer, whole

WIDTHS = (1, NARROW, NARROW + 1, 8000)
CHARACTERS = st.characters(max_codepoint=255)
FIELDS = tuple(st.none() | st.text(CHARACTERS, max_size=min(width, 300)) for width in WIDTHS)
PACK = packer([(width, str) for width in WIDTHS])


def taken_apart(row: str) -> tuple[str | None, ...]:
    """The fields, by the arithmetic of the block."""
    length, row = _number(row), row[2:]
    assert length == len(row)
    found: list[str | None] = []
    for width in WIDTHS:
        head = 1 if width <= NARROW else 2
        length, row = (ord(row[0]) - FIRST - 1) if head == 1 else _number(row) - 1, row[head:]
        found.append(None if length < 0 else row[:length])
        row = row[max(0, length) :]
    assert row == ""
    return tuple(found)


def _number(text: str) -> int:
    return (ord(text[0]) - FIRST) * BASE + ord(text[1]) - FIRST


@given(st.tuples(*FIELDS))
def test_each_field_comes_back(fields: tuple[str | None, ...]) -> None:
    assert taken_apart(whole(PACK(fields))) == fields


@pytest.mark.parametrize(
    "lengths", [(0, 0, 0, 0), (1, NARROW, NARROW + 1, 8000), (1, NARROW - 1, NARROW, BASE - 1), (1, 1, BASE, BASE * 2 - 1)]
)
def test_lengths_at_the_edges_come_back(lengths: tuple[int, ...]) -> None:
    fields = tuple("ÿ" * length for length in lengths)
    packed = whole(PACK(fields))
    assert taken_apart(packed) == fields
    assert max(map(ord, packed)) < 256
    assert min(map(ord, packed)) >= FIRST


@pytest.mark.parametrize("place", range(len(WIDTHS)))
def test_a_field_that_is_too_long_is_an_error(place: int) -> None:
    with pytest.raises(IndexError):
        PACK(["x" * (width + 1) if number == place else None for number, width in enumerate(WIDTHS)])


@given(st.lists(st.integers(1, PARAMETER_LENGTH) | st.integers(PARAMETER_LENGTH // 3, PARAMETER_LENGTH // 2), max_size=30))
def test_rows_go_in_few_calls_in_their_order_and_each_is_whole(lengths: list[int]) -> None:
    rows = [chr(ord("a") + number) * length for number, length in enumerate(lengths)]
    made = list(calls(rows))
    assert [place for places, _ in made for place in places] == list(range(len(rows)))
    for places, given_ in made:
        assert len(given_) == len(PARAMETERS)
        assert "".join(given_) == "".join(rows[place] for place in places)
        assert all(len(one) <= PARAMETER_LENGTH for one in given_)
        assert all(one.count(rows[place]) in (0, 1) for one in given_ for place in places)
        assert given_[0]
    for (_, one), (places, _) in pairwise(made):
        assert len(one[-1]) + len(rows[places[0]]) > PARAMETER_LENGTH
