"""Packed keys, held against Python's own dicts and sets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.ledger.applied import Applied
from foundation.packed import PackedKeys
from producer.packed import LiveKeys, Marked, PackedBodies
from producer.sae.grouped import Grouped
from schemas.codec import ContentHash, content_hash
from schemas.keys import Key

KEY = st.sampled_from([b"", b"A", b"B", b"AB", b"a", b"\xff", b"0" * 300]) | st.binary(max_size=2)
CONTENT = st.sampled_from([content_hash(b"1"), content_hash(b"2"), ContentHash(""), ContentHash("ñ" * 8), ContentHash("x" * 99)])


@given(st.lists(KEY | st.integers(0, 999).map(lambda number: b"%d" % number), max_size=200))
def test_each_key_keeps_its_place(keys: list[bytes]) -> None:
    ours, plain = PackedKeys(), dict[bytes, int]()
    for key in keys:
        assert ours.place(key) == plain.get(key)
        assert ours.add(key) == plain.setdefault(key, len(plain))
        assert len(ours) == len(plain)
    assert [ours[place] for place in plain.values()] == list(plain)
    assert all(ours.place(key) == place for key, place in plain.items())


@given(st.lists(st.tuples(KEY, CONTENT | st.none()), max_size=60))
def test_live_keys_are_as_in_a_dict(events: list[tuple[bytes, ContentHash | None]]) -> None:
    ours, plain = LiveKeys(), dict[bytes, ContentHash]()
    for key, content in events:
        if content is None:
            ours.drop(key)
            plain.pop(key, None)
        else:
            ours.set(key, content)
            plain[key] = content
        assert len(ours) == len(plain)
        assert (key in ours) == (key in plain)
        assert ours.get(key) == plain.get(key)
    assert dict(ours) == plain


TEXT = st.sampled_from(["", "A", "ñ", "a€", "x" * 32, "?"])


@given(st.lists(st.tuples(TEXT.map(Key), TEXT | CONTENT | st.just("a\0") | st.none()), max_size=60))
def test_what_was_applied_is_as_in_a_dict(applied: list[tuple[Key, str | None]]) -> None:
    ours, plain = Applied(), dict[Key, str]()
    for key, content in applied:
        if content is not None:
            ours[key] = plain[key] = content
        elif key in plain:
            del ours[key], plain[key]
        assert (len(ours), key in ours, ours.get(key), ours.get(key, "none")) == (
            len(plain),
            key in plain,
            plain.get(key),
            plain.get(key, "none"),
        )
    assert dict(ours) == plain
    with pytest.raises(KeyError):
        del ours[Key("never there")]


@given(st.sets(KEY, max_size=10), st.sets(KEY, max_size=10), st.lists(KEY, max_size=30), st.sets(KEY, max_size=5))
def test_marked_keys_are_as_in_a_set_also_while_the_topic_grows(
    known: set[bytes], later: set[bytes], met: list[bytes], gone: set[bytes]
) -> None:
    live, grows = LiveKeys(), iter(sorted(later))
    for key in sorted(known):
        live.set(key, content_hash(key))
    ours, plain = Marked(live), set[bytes]()
    for key in met:
        assert ours.meet(key) == (key not in plain, in_header(live.get(key)))
        plain.add(key)
        live.set(next(grows, key), content_hash(key))
        assert ours.meet(key) == (False, in_header(live.get(key)))
    assert {key for key in {*known, *later, *met} if key in ours} == plain
    for key in sorted(gone):
        live.drop(key)
    other = LiveKeys()
    for key in live:
        other.set(key, content_hash(key))
    assert sorted(ours.unmet(live)) == sorted(ours.unmet(other)) == sorted(set(live) - plain)


def in_header(content: ContentHash | None) -> bytes | None:
    return None if content is None else content.encode()


RUN = st.lists(st.tuples(st.integers(1, 4), st.none() | st.integers()), min_size=1, max_size=4)


@given(st.lists(st.tuples(st.sampled_from(["A", "B", "", "ñ"]), RUN), max_size=20))
def test_values_are_grouped_by_product_as_in_a_dict_of_dicts(runs: list[tuple[str, list[tuple[int, int | None]]]]) -> None:
    ours, plain = Grouped[int, int | None](), dict[str, dict[int, int | None]]()
    for product, run in runs:
        names, values = zip(*run, strict=True)
        is_begun = ours.begin(product, names, values)
        assert is_begun == (product not in plain and len(set(names)) == len(names))
        found = plain.setdefault(product, {})
        for name, value in run:
            assert ours.has(product, name) == (is_begun or name in found)
            if not is_begun:
                ours.set(product, name, value)
            found[name] = value
        assert sorted(ours.of(product), key=repr) == sorted(found.items(), key=repr)
    assert {product: dict(ours.of(product)) for product in plain} == plain
    assert list(ours.of("Z")) == []


@given(st.lists(st.tuples(KEY, st.binary(max_size=4) | st.none()), max_size=60))
def test_bodies_are_as_in_a_dict(doings: list[tuple[bytes, bytes | None]]) -> None:
    ours, plain = PackedBodies(), dict[bytes, bytes]()
    for key, body in doings:
        if body is None:
            ours.drop(key)
            plain.pop(key, None)
        else:
            ours.set(key, body)
            plain[key] = body
        assert len(ours) == len(plain)
    listed = list(ours.items())
    assert len(listed) == len(plain)
    assert dict(listed) == plain
