"""A ledger that is made, brought to this version, or begun anew for another CAJA. Killed within, each of them goes on when it is run again.

Up to version 3 two tables and some columns had other names, and states stood in the columns of hashes.
"""

from collections.abc import Collection, Sequence

import sqlalchemy as sa

from consumer.ledger import tables
from consumer.ledger.adopt import ledger_row
from consumer.ledger.parked import SubjectKey
from consumer.ledger.state import PositionState, RowState
from foundation.engines.catalogue import Catalogue, Table
from foundation.engines.database import Database, Reader, Writer

OLD_LEASE, OLD_PARKED = "PUENTE_GUARD", "PUENTE_WAITING"
LEASES = (tables.lease.name, OLD_LEASE)
_OLD = sa.MetaData()
_OLD_TABLES = {tables.lease: sa.Table(OLD_LEASE, _OLD), tables.parked: sa.Table(OLD_PARKED, _OLD)}
_OLD_COLUMNS = {
    tables.lease.name: {"FENCING_TOKEN": "TOKEN", "HEARTBEAT": "BEAT", "HEARTBEAT_AT": "BEAT_AT"},
    tables.positions.name: {"TOPIC_ID": "TOPIC_IDENTITY", "SWEEP_CONTROL_ID": "SWEEP_IDENTITY"},
}
"""This version's name, and the one of before."""
_OLD_REASONS = {"guard": "unposted-sales", "held": "doubtful", "kept out": "kept-out"}
_OLD_STATES = {"": PositionState.RESYNC_ASKED, "-": PositionState.RESYNC_UNFINISHED, "!": PositionState.RESYNC_DOUBTFUL}
_OLD_UNSEEN = "?"
WITHOUT_LEFT_OUT = 2
"""The version that did not know what rows lack: only a resync finds that out."""


def names_of_old() -> Collection[str]:
    """The tables that only an older version has."""
    return _OLD.tables.keys()


def version_and_owner(reader: Reader, catalogue: Catalogue) -> tuple[int | None, str | None]:
    """Of the ledger that is there, of whatever version; None and None where there is none."""
    for name in LEASES:
        if name in catalogue:
            query = sa.select(sa.column("LEDGER_VERSION", sa.Integer), sa.column("CAJA", sa.String)).select_from(sa.table(name))
            for version, caja in list(reader.rows(query)):  # an open cursor would keep the table in use
                return int(version), str(caja)
    return None, None


def create(writer: Writer, caja: str, stock: Sequence[SubjectKey]) -> None:
    """Fills the tables of a ledger that is new: `stock` is what a resync must prove."""
    writer.execute(sa.insert(tables.lease).values(ID=1, LEDGER_VERSION=tables.VERSION, CAJA=caja, HEARTBEAT=0))
    writer.insert(tables.rows, [ledger_row(*place) for place in stock])


def drop(database: Database) -> None:
    """All of its tables, of whatever version."""
    database.drop_tables(tables.metadata)
    database.drop_tables(_OLD)


def adopt(writer: Writer, caja: str, stock: Sequence[SubjectKey]) -> None:
    """CAJA's rows are kept as they are; what was applied is forgotten, so that the whole log is compared with them.

    How far the original had read is kept: a log that has lost events since then is known by that.
    """
    for table in (tables.rows, tables.parked, tables.left_out):
        writer.execute(sa.delete(table))
    asked = {"STATE": PositionState.RESYNC_ASKED.value, "SWEEP_CONTROL_ID": None, "SWEEP_AFTER": None, "SWEEP_HELD": None}
    writer.execute(sa.update(tables.positions).values(**asked))
    writer.insert(tables.rows, [ledger_row(*place) for place in stock])
    heartbeat = tables.lease.c.HEARTBEAT + 1
    writer.execute(sa.update(tables.lease).values(CAJA=caja, FENCING_TOKEN=sa.null(), HEARTBEAT=heartbeat, READY_AT=sa.null()))


def upgrade(database: Database) -> None:
    """Brings a ledger of an older version to this one. Its rows and positions stay; the version comes last."""
    present = database.catalogue()
    for new, old in _OLD_COLUMNS[tables.positions.name].items():
        if old in present[tables.positions.name].columns:
            database.rename_column(tables.positions.name, old, new)
    database.create_tables(tables.metadata)
    database.add_columns(tables.metadata)
    with database.reading() as reader:
        is_taken_over = bool(list(reader.rows(sa.select(tables.lease.c.ID))))
    if not is_taken_over:
        with database.writing() as writer:
            _take_over(writer, present)
    database.drop_tables(_OLD)


def _take_over(writer: Writer, old: Catalogue) -> None:
    version, _ = version_and_owner(writer, old)
    for table, source in _OLD_TABLES.items():
        _copy(writer, table, old[source.name])
    r, p = tables.rows.c, tables.positions.c
    unseen, deleted = r.CONTENT_HASH == _OLD_UNSEEN, sa.or_(r.CONTENT_HASH.is_(None), r.CONTENT_HASH == "")
    row_state = sa.case((unseen, _literal(RowState.UNSEEN)), (deleted, _literal(RowState.DELETED)), else_=_literal(RowState.APPLIED))
    writer.execute(sa.update(tables.rows).values(STATE=row_state))
    writer.execute(sa.update(tables.rows).where(r.CONTENT_HASH == _OLD_UNSEEN).values(CONTENT_HASH=""))
    followed = PositionState.RESYNC_ASKED if version == WITHOUT_LEFT_OUT else PositionState.FOLLOWED
    state = sa.case(*((p.FINGERPRINT == old_state, _literal(new)) for old_state, new in _OLD_STATES.items()), else_=_literal(followed))
    writer.execute(sa.update(tables.positions).values(STATE=state))
    writer.execute(sa.update(tables.positions).where(p.FINGERPRINT.in_(list(_OLD_STATES))).values(FINGERPRINT=""))
    for old_reason, reason in _OLD_REASONS.items():
        writer.execute(sa.update(tables.parked).where(tables.parked.c.REASON == old_reason).values(REASON=reason))
    heartbeat = tables.lease.c.HEARTBEAT + 1
    writer.execute(sa.update(tables.lease).values(LEDGER_VERSION=tables.VERSION, HEARTBEAT=heartbeat, FENCING_TOKEN=sa.null()))


def _literal(state: RowState | PositionState) -> sa.BindParameter[str]:
    return sa.literal(state.value, sa.String(20))


def _copy(writer: Writer, table: sa.Table, old: Table) -> None:
    """What both have; the server does it."""
    was = _OLD_COLUMNS.get(table.name, {})
    names = {column.name: was.get(column.name, column.name) for column in table.columns}
    names = {new: name for new, name in names.items() if name in old.columns}
    columns: list[sa.ColumnClause[object]] = [sa.column(name) for name in names.values()]
    writer.execute(sa.insert(table).from_select(list(names), sa.select(*columns).select_from(sa.table(old.name))))
