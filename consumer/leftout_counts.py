"""What rows of a CAJA lack of what SAE holds, in numbers: what the ledger keeps, and what CAJA's own rows show.

Which bar code is another product's key changes with either product, so it is looked for when somebody asks.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

import sqlalchemy as sa

from consumer.caja.port import Store
from consumer.ledger import tables
from consumer.ledger.state import subject_of
from consumer.leftout import LISTED, Cause, LeftOut, merged
from consumer.mapping.mapper import RowMapper
from foundation.engines.database import Reader
from schemas.entities import Entity, Subject
from schemas.keys import Key, trim


def count_left_out(reader: Reader, takes: Callable[[Subject], bool]) -> list[LeftOut]:
    """The same in numbers, of the subjects that this CAJA takes."""
    t = tables.left_out.c
    group = (t.ENTITY, t.WAREHOUSE, t.REASON, t.COLUMN_NAME)
    counts = [tuple(row) for row in reader.rows(sa.select(*group, sa.func.count()).group_by(*group))]
    found = []
    for entity, warehouse, cause, column, count in counts:
        if takes(subject_of(entity, warehouse)):
            same = [c == value for c, value in zip(group, (entity, warehouse, cause, column), strict=True)]
            keys = reader.rows(sa.select(t.ROW_KEY).where(*same).order_by(t.ROW_KEY))
            first = tuple(Key(row[0]) for row in islice(keys, LISTED))
            found.append(LeftOut(entity=Entity(entity), cause=Cause(cause), column=column, count=count, keys=first))
    return merged(found)


def anothers_keys(reader: Reader, mapper: RowMapper) -> Iterator[LeftOut]:
    """Bar codes that are keys of other products; both are in use."""
    active, key = mapper.active, mapper.key_column
    columns = [name for name, column in mapper.columns.items() if column.source.startswith("alternates.")]
    table = sa.table(mapper.plan.table, sa.column(key), *map(sa.column, columns), *([sa.column(active.column)] if active else []))
    one, other = table.alias("ONE"), table.alias("OTHER")
    in_use = [] if active is None else [of.c[active.column] == active.yes for of in (one, other)]
    queries = []
    for place, name in enumerate(columns):
        clash = sa.and_(other.c[key] == one.c[name], other.c[key] != one.c[key])
        which = sa.literal_column(str(place), sa.Integer)
        queries.append(sa.select(which, one.c[key]).select_from(one.join(other, clash)).where(*in_use))
    found: dict[int, list[Key]] = {}
    for place, raw in reader.rows(sa.union_all(*queries)) if queries else ():
        found.setdefault(place, []).append(trim(str(raw)))
    for place, keys in sorted(found.items()):
        first = tuple(sorted(keys)[:LISTED])
        yield LeftOut(entity=Entity.PRODUCT, cause=Cause.ANOTHERS_KEY, column=columns[place], count=len(keys), keys=first)


def with_stores(found: LeftOut, stores: Sequence[Store], price_columns: Sequence[str]) -> LeftOut:
    """Told of the stores whose «Precio por omisión» it is that lacks: its number counts CAJA's prices."""
    if found.cause is not Cause.NO_PRICE:
        return found
    number = price_columns.index(found.column) + 1 if found.column in price_columns else None
    return replace(found, stores=tuple(store.number for store in stores if store.price is not None and store.price == number))
