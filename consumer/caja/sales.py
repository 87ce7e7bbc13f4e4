"""The sales of a CAJA that SAE does not have yet, which guard its stock, and the index by which they are found.

A till keeps its sales for years, and nearly all of them were posted: without an index every look would read all of them. On the column that
tells so an index would serve badly, for it holds one value a million times. Ours is on an expression that is NULL for what was posted.
"""

from collections.abc import Collection

import sqlalchemy as sa

from consumer.mapping.parts import Sales
from consumer.mapping.profile import Profile
from foundation.engines.catalogue import Catalogue
from foundation.engines.database import Reader
from schemas.keys import Key, trim

INDEX = "PUENTE_UNPOSTED"
LETTER = sa.String(60)
"""Said, for a text of no known type is compared as a large object, which no index helps."""


def expression(sales: Sales) -> str:
    """1 where SAE does not have a sale, NULL where it has. An index on it serves a query that says the same, literally."""
    value = sales.posted.value.replace("'", "''")
    return f"case when {sales.posted.column} = '{value}' then null else 1 end"


def read_unposted(reader: Reader, profile: Profile) -> Collection[tuple[int, Key]]:
    """(store, product) with sales that SAE does not have yet.

    The outer join has Firebird begin with the sales, where it would else read all lines that there are.
    """
    s = profile.sales
    notes = sa.table(s.table, *map(sa.column, (s.note, s.store)), sa.column(s.cancelled.column, LETTER))
    lines = sa.table(s.lines.table, *map(sa.column, (s.lines.note, s.lines.product)))
    unposted: sa.ColumnClause[int] = sa.literal_column(expression(s), sa.Integer)
    cancelled = notes.c[s.cancelled.column]
    query = (
        sa.select(notes.c[s.store], lines.c[s.lines.product])
        .distinct()
        .select_from(notes.outerjoin(lines, lines.c[s.lines.note] == notes.c[s.note]))
        .where(unposted == 1, sa.or_(cancelled.is_(None), cancelled != s.cancelled.value))
    )
    return {(store, trim(product)) for store, product in reader.rows(query) if product is not None}


def is_indexed(profile: Profile, catalogue: Catalogue) -> bool:
    """Whether unposted sales can be found without reading the posted ones."""
    sales = profile.sales
    return f"({expression(sales)})" in catalogue[sales.table].computed.values()
