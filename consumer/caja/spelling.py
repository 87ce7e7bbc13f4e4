"""Keys that CAJA writes otherwise than SAE's events: with blanks around, as the vendor's wizard may have left them, or a till.

They mean the same key, so their rows are SAE's, as they stand: a second row beside one of them would sell at another price. The keys of
such rows are read once, when this process takes CAJA over: next to no CAJA has any.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from consumer.leftout import LISTED
from consumer.mapping.mapper import RowMapper
from foundation.engines.catalogue import Column, Kind, Scalar
from foundation.engines.database import Reader
from foundation.engines.writing import RowWrite
from schemas.entities import Entity
from schemas.keys import KEY_FIELD, Key, trim

OF_FIELD = {KEY_FIELD[entity]: entity for entity in (Entity.PRODUCT_LINE, Entity.PRODUCT, Entity.CUSTOMER)}
"""Whose key a field of an event is, of the entities whose keys are texts."""

log = logging.getLogger("puente.consumer")


@dataclass(frozen=True, slots=True)
class Spelling:
    """How CAJA writes those keys: by entity, the trimmed key → the one that stands in CAJA."""

    odd: Mapping[Entity, Mapping[Key, str]] = field(default_factory=dict)

    def spelled(self, mapper: RowMapper, rows: Sequence[RowWrite]) -> Sequence[RowWrite]:
        """The rows with CAJA's own keys, its references to other rows' keys included."""
        places = [
            (place, self.odd[OF_FIELD[column.source]])
            for place, column in enumerate(mapper.columns.values())
            if column.conversion == "key" and OF_FIELD.get(column.source) in self.odd
        ]
        return [_spelled(row, places) for row in rows] if places else rows


def _spelled(row: RowWrite, places: Sequence[tuple[int, Mapping[Key, str]]]) -> RowWrite:
    values: list[Scalar] = list(row.values)
    for place, odd in places:
        if place < len(values) and isinstance(value := values[place], str):
            values[place] = odd.get(Key(value), value)
    return replace(row, values=tuple(values))


def read_spelling(reader: Reader, mappers: Mapping[Entity, RowMapper], caja: str) -> Spelling:
    """What CAJA's own tables say."""
    found: dict[Entity, Mapping[Key, str]] = {}
    for entity in OF_FIELD.values():
        odd, there = _keys(reader, mappers[entity])
        twins = sorted(odd.keys() & there)
        if twins:
            extra = {"action": "twins", "caja": caja, "entity": entity.value, "count": len(twins), "keys": ", ".join(twins[:LISTED])}
            log.warning("CAJA has two rows of one key, one of them with blanks around it, which is left alone", extra=extra)
        if odd.keys() - there:
            found[entity] = {key: raw for key, raw in odd.items() if key not in there}
    return Spelling(found)


def _keys(reader: Reader, mapper: RowMapper) -> tuple[dict[Key, str], set[Key]]:
    """The keys with blanks around, and those of them that stand there without, too."""
    written = next(column for column in mapper.plan.columns if column.name == mapper.key_column)
    if written.kind is not Kind.TEXT:
        return {}, set()
    column = Column(name=written.name, kind=Kind.TEXT, length=written.width, charset=written.charset)
    raw_keys = [str(raw).rstrip(" ") for (raw,) in reader.keys(mapper.plan.table, (column,)) if raw is not None]  # as SQL compares them
    odd = {trim(raw): raw for raw in sorted(raw_keys) if raw != trim(raw) and trim(raw)}
    return odd, {Key(raw) for raw in raw_keys if raw in odd} if odd else set()
