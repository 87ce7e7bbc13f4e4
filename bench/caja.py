"""A CAJA with an empty ledger, whose writer holds the lease."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from consumer.caja.port import Holder
from consumer.caja.sql import SqlCaja
from consumer.ledger import tables
from consumer.mapping import profile
from consumer.mapping.mapper import RowMapper, mappers
from consumer.mapping.profile import Profile
from foundation.engines import open_database
from foundation.engines.database import Database
from puente.reference import Store, build_caja
from schemas.entities import CATALOGUES, Entity

NAME, TOKEN = "bench", "bench"
HOLDER = Holder(host="bench", process=1, started=1)
LEFT_OUT = frozenset({"TIPO", "CLVALTER3", "CVEPROSAT", "CVEUNISAT"})


def fourteen_columns() -> Profile:
    """The shipped profile, its products cut to the fourteen columns that the target was set on."""
    shipped = profile.load("caja50")
    kept = {name: column for name, column in shipped.product.columns.items() if name not in LEFT_OUT}
    return shipped.model_copy(update={"product": shipped.product.model_copy(update={"columns": kept})})


def build(url: str) -> None:
    """CAJA's own tables, one store with warehouse 1, and the ledger."""
    database = open_database(url)
    try:
        build_caja(database, [Store(1, "Centro", 1)])
        database.create_tables(tables.metadata)
        with database.writing() as writer:
            writer.execute(sa.insert(tables.lease).values(ID=1, LEDGER_VERSION=tables.VERSION, CAJA=NAME, HEARTBEAT=0))
    finally:
        database.close()


def opened(database: Database, used: Profile) -> tuple[SqlCaja, Mapping[Entity, RowMapper]]:
    """CAJA as the consumer has it once it took over."""
    made = mappers(used, database.catalogue(), {}, CATALOGUES)
    caja = SqlCaja(NAME, database, used, made)
    assert caja.claim(caja.read_lease(), TOKEN, HOLDER)
    return caja, made


def rows_of(database: Database, select: str) -> list[tuple[Any, ...]]:
    """The rows of a query; `select` is what stands after SELECT."""
    with database.reading() as reader:
        return [tuple(row) for row in reader.rows(sa.text(f"SELECT {select}"))]
