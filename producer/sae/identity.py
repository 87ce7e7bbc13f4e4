"""What SAE itself holds that tells it from every other one, and an old copy of it from a newer one.

The company's RFC (PARAM_DATOSEMP; the name beside it is encrypted), and the UUIDs that SAE gave its currencies, tax schemes, price lists
and warehouses: a handful of rows that every SAE has and hardly anybody deletes. Both survive gbak and a copy of the file. How far this SAE
has come is told by the newest stamp of its products, which every sale moves.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from hashlib import blake2b

import sqlalchemy as sa

from foundation.engines.catalogue import Catalogue, Table
from foundation.engines.database import Reader
from foundation.engines.errors import RowInLimbo
from producer.sae.tables import TABLES, Almacenes, Impu, Inve, Moned, Precios
from schemas.control import SaeIdentity

COMPANY_DATA = "PARAM_DATOSEMP"
RFC, UUID, STAMP = "RFC", "UUID", "VERSION_SINC"
MARKED = tuple(TABLES[table] for table in (Moned, Impu, Precios, Almacenes))
STAMPED = TABLES[Inve]
MOST_MARKS = 64
"""Of more, the same ones are taken each time."""
NOBODYS = frozenset({"XAXX010101000", "XEXX010101000"})
"""The RFC of the public in general, and of foreigners: what stands in a SAE whose owner gave none."""
_NO_PART = re.compile(r"[^A-Z0-9&Ñ]")

Held = Mapping[str, Table]
"""What a company has of the tables that tell it, by name without the company."""


def held(catalogue: Catalogue, company: str) -> Held:
    """A version of SAE, or a test's database, may lack some."""
    names = (COMPANY_DATA, *MARKED, STAMPED)
    return {name: catalogue[f"{name}{company}"] for name in names if f"{name}{company}" in catalogue}


def hides_company(reader: Reader, tables: Held) -> bool:
    """Whether the company's data is there and this user may not read it."""
    return COMPANY_DATA in tables and not reader.may_read(tables[COMPANY_DATA].name)


def read_identity(reader: Reader, tables: Held, place: str, until: datetime) -> SaeIdentity:
    """What can be read of it, and no error for what cannot. A stamp after `until` (SAE's local time) is some clock's mistake."""
    return SaeIdentity(rfc=_rfc(reader, tables), marks=_marks(reader, tables), newest=_newest(reader, tables, until), place=place)


def _rfc(reader: Reader, tables: Held) -> str | None:
    table = tables.get(COMPANY_DATA)
    if table is None or not reader.may_read(table.name):
        return None
    found = {hashed_rfc(raw) for raw in _texts(reader, table, RFC)}
    return min((one for one in found if one is not None), default=None)


def hashed_rfc(raw: str) -> str | None:
    """However it is spelt; None where it is nobody's."""
    plain = _NO_PART.sub("", raw.upper())
    return None if not plain or plain in NOBODYS else _hash(RFC, plain)


def _marks(reader: Reader, tables: Held) -> tuple[str, ...]:
    names = (name for name in MARKED if name in tables)
    found = {mark for name in names for raw in _texts(reader, tables[name], UUID) if (mark := hashed_uuid(name, raw)) is not None}
    return tuple(sorted(found)[:MOST_MARKS])


def hashed_uuid(table: str, raw: str) -> str | None:
    """None where the row has none."""
    plain = raw.strip().upper()
    return _hash(table, plain) if plain else None


def _newest(reader: Reader, tables: Held, until: datetime) -> datetime | None:
    table = tables.get(STAMPED)
    if table is None or STAMP not in table.columns:
        return None
    stamp: sa.ColumnClause[datetime] = sa.column(STAMP, sa.DateTime())
    query = sa.select(sa.func.max(stamp)).select_from(sa.table(table.name)).where(stamp <= until)
    with suppress(RowInLimbo):
        for row in reader.rows(query):
            return row[0] if isinstance(row[0], datetime) else None
    return None


def _texts(reader: Reader, table: Table, column: str) -> Iterator[str]:
    """The column's texts; of a table with a row in limbo those before it, of one without the column none."""
    if column not in table.columns:
        return
    query = sa.select(sa.column(column, sa.String(table.columns[column].length))).select_from(sa.table(table.name))
    with suppress(RowInLimbo):
        for (found,) in reader.rows(query):
            if isinstance(found, str):
                yield found


def _hash(kind: str, plain: str) -> str:
    return blake2b(f"{kind} {plain}".encode(), digest_size=8).hexdigest()
