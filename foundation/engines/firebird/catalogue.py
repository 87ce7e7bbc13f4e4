"""Tables, columns, keys and indexes out of RDB$ (the dialect's reflection fails on Firebird 2.5)."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from foundation.engines.catalogue import Catalogue, Column, Kind, Table

COLUMNS = """
select trim(rf.rdb$relation_name), trim(rf.rdb$field_name), f.rdb$field_type, f.rdb$field_scale, f.rdb$character_length,
       coalesce(rf.rdb$null_flag, f.rdb$null_flag, 0), trim(cs.rdb$character_set_name),
       case when r.rdb$view_blr is null then 0 else 1 end
from rdb$relation_fields rf
join rdb$relations r on r.rdb$relation_name = rf.rdb$relation_name
join rdb$fields f on f.rdb$field_name = rf.rdb$field_source
left join rdb$character_sets cs on cs.rdb$character_set_id = f.rdb$character_set_id
where coalesce(r.rdb$system_flag, 0) = 0
order by rf.rdb$relation_name, rf.rdb$field_position
"""

INDEXES = """
select trim(i.rdb$relation_name), trim(i.rdb$index_name), coalesce(trim(s.rdb$field_name), ''), i.rdb$expression_source,
       coalesce(i.rdb$unique_flag, 0)
from rdb$indices i
left join rdb$index_segments s on s.rdb$index_name = i.rdb$index_name
where coalesce(i.rdb$system_flag, 0) = 0 and coalesce(i.rdb$index_inactive, 0) = 0
  and (i.rdb$unique_flag = 1 or i.rdb$expression_source is not null)
"""
"""Unique ones by their columns, and those on an expression, whose only column is called nothing."""

CREATE_INDEX = "create index {name} on {table} computed by ({expression})"
DROP_INDEX = "drop index {name}"

_INTEGERS = (7, 8, 16)
_SINGLE = 10
_FLOATS = (_SINGLE, 27)
_TEXTS = (14, 37)
_TIMESTAMP = 35


def build(columns: Iterable[Sequence[Any]], indexes: Iterable[Sequence[Any]], names: Collection[str] | None) -> Catalogue:
    """The catalogue from the rows of `COLUMNS` and `INDEXES`."""
    by_table: dict[str, dict[str, Column]] = defaultdict(dict)
    views: set[str] = set()
    for table, name, type_, scale, length, not_null, charset, is_view in columns:
        kind = _kind(type_, scale)
        text = kind is Kind.TEXT
        if is_view:
            views.add(table)
        by_table[table][name] = Column(
            name=name,
            kind=kind,
            length=length if text else None,
            scale=-scale if kind is Kind.FLOAT and type_ in _INTEGERS else None,
            single=type_ == _SINGLE,
            nullable=not not_null,
            charset=charset if text else None,
        )
    segments: dict[tuple[str, str], set[str]] = defaultdict(set)
    computed: dict[str, dict[str, str]] = defaultdict(dict)
    for table, index, column, expression, is_unique in indexes:
        if is_unique:
            segments[table, index].add(column)
        if expression is not None:
            computed[table][index] = expression
    return {
        table: Table(
            name=table,
            columns=found,
            keys=[frozenset(s) for (owner, _), s in segments.items() if owner == table],
            computed=computed[table],
            view=table in views,
        )
        for table, found in by_table.items()
        if names is None or table in names
    }


def _kind(type_: int, scale: int | None) -> Kind:
    if type_ in _INTEGERS:
        return Kind.INTEGER if not scale else Kind.FLOAT
    if type_ in _FLOATS:
        return Kind.FLOAT
    if type_ in _TEXTS:
        return Kind.TEXT
    return Kind.TIMESTAMP if type_ == _TIMESTAMP else Kind.OTHER
