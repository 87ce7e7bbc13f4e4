"""Every statement that Puente sends to Firebird stays inside Firebird 2.5, which most sites run."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import registry
from sqlalchemy.sql.base import Executable

from consumer.caja import sales
from consumer.caja.port import Holder
from consumer.caja.sql import SqlCaja
from consumer.ledger import making, tables
from consumer.ledger.lease_row import LeaseRow
from consumer.ledger.making import OLD_LEASE, OLD_PARKED
from consumer.ledger.parked import Parked, Reason
from consumer.ledger.state import Moment, Progress, Sweep
from consumer.leftout import Cause, Note
from foundation.engines.catalogue import Catalogue, Column, Kind, Privilege, Table
from foundation.engines.database import ActiveTransactions, Survey, TransactionIds
from foundation.engines.firebird import alter, catalogue, insert, keys, opening, packed, packing, privileges, writers
from foundation.engines.writing import LEDGER_COLUMNS, Prior, RowWrite, WritePlan, Written
from foundation.eventlog.lineage import LastEvent, Position
from foundation.eventlog.port import Offset, Topic, TopicId
from producer.sae.port import SqlSae
from producer.sae.tables import KEYS, TABLES
from puente.commands import grants
from puente.commands.privileges import lacking, needs_of_caja, needs_of_ledger, needs_of_sae
from puente.config import Settings
from puente.reference.columns import caja_metadata, sae_metadata
from schemas.entities import CATALOGUES, Entity, Subject
from schemas.keys import Key
from tests.fakes.caja import catalogue_of, reference_catalogue
from tests.unit.consuming import MAPPERS, NOW, PROFILE

SQL_BYTES = 65_535
CONTEXTS = 255
VARCHAR_BYTES = 32_765
BLOCK_BYTES = 65_535
IN_LIST = 1_499
NAME_LENGTH = 31
KINDS = {sa.String: Kind.TEXT, sa.Integer: Kind.INTEGER, sa.DOUBLE_PRECISION: Kind.FLOAT}
TOO_NEW = re.compile(
    r"\b(OFFSET|FETCH|BOOLEAN|IDENTITY|GENERATED|OVER|PARTITION|LATERAL|TRUE|FALSE|UNKNOWN|INT128|DECFLOAT|TIME ZONE|SKIP LOCKED"
    r"|IF NOT EXISTS|IF EXISTS|UNICODE_CHAR|CONTINUE|VARBINARY|DECLARE (PROCEDURE|FUNCTION)|FILTER|ROW_NUMBER|RETURNING)\b",
    re.IGNORECASE,
)
"""Words of Firebird 3, 4 and 5. RETURNING is of 2.1, but not for several rows: Puente needs none."""

DIALECT = registry.load("firebird.firebird")()
DIALECT.server_version_info = (2, 5, 9)


@dataclass
class Recorder:
    """A `Database` that runs nothing and keeps the text of all it was asked."""

    known: Catalogue
    answers: Mapping[str, Sequence[Sequence[Any]]] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    label: str = "recorded"
    connections: int = 1
    ids: TransactionIds | None = None

    def catalogue(self, names: Collection[str] | None = None) -> Catalogue:
        return {name: table for name, table in self.known.items() if names is None or name in names}

    def newest_transaction(self) -> int | None:
        return None

    def active_transactions(self) -> ActiveTransactions | None:
        return None

    @contextmanager
    def reading(self) -> Iterator["Recorder"]:
        yield self

    writing = reading

    def rows(self, query: Executable) -> Iterator[Sequence[Any]]:
        text = self._keep(query)
        return iter(next((rows for table, rows in self.answers.items() if table in text), []))

    def keys(self, table: str, columns: Sequence[Column], of: Mapping[str, str | int] = MappingProxyType({})) -> Iterator[tuple[Any, ...]]:
        self.texts.append(keys.build(table, columns, of) or "")
        self._keep(keys.plain(table, columns, of))
        return iter(())

    def survey_together(self, tables: Sequence[str]) -> None:
        raise AssertionError("Firebird 2.5 tells no versions")

    def survey(self, table: str, columns: Sequence[Column], since: int) -> Survey:
        raise AssertionError("Firebird 2.5 tells no versions")

    def permits(self, privilege: Privilege, table: str, columns: Sequence[str]) -> bool:
        self.texts.append(privileges.statement(privilege, table, columns))
        return True

    def may_read(self, table: str) -> bool:
        self.texts.append(privileges.READS.format(table=table))
        return True

    def permits_tables(self) -> bool:
        self.texts.append(privileges.MAKES_TABLES)
        return True

    def permits_index(self, table: str) -> bool:
        self.texts.append(privileges.OWNS.format(table=table))
        return True

    def permits_end_idle(self) -> bool:
        return True

    def sign(self) -> None:
        self.texts.append(writers.SIGN)

    def end_idle(self) -> int | None:
        self.texts.append(writers.END)
        return 0

    def execute(self, statement: Executable, parameters: Sequence[Mapping[str, Any]] = ()) -> int:
        text = self._keep(statement)
        return 0 if "PUENTE_POSITIONS" in text else 1

    def insert(self, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
        self.texts.append(insert.build(table))
        self._keep(sa.insert(table))

    def delete(self, table: sa.Table, names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
        self.texts.append(insert.build_delete(table, names))

    def open(self, prior: Sequence[Prior]) -> None:
        self.texts.append(self._opening(prior).sql)

    def write(self, plan: WritePlan, rows: Sequence[RowWrite], prior: Sequence[Prior] = ()) -> Written:
        self.texts += [packed.build(plan).sql, packed.build(plan, opening=self._opening(prior)).sql]
        return Written(0, [])

    def _opening(self, prior: Sequence[Prior]) -> opening.Opening:
        made = opening.build(prior, opening.named(DIALECT))
        assert len(made.values(prior)) == len(made.declared)
        return made

    def create_tables(self, metadata: sa.MetaData) -> list[str]:
        for table in metadata.sorted_tables:
            self._keep(sa.schema.CreateTable(table))
        return list(metadata.tables)

    def create_index(self, name: str, table: str, expression: str) -> None:
        self.texts += [catalogue.DROP_INDEX.format(name=name)]
        self.texts += [catalogue.CREATE_INDEX.format(name=name, table=table, expression=expression)]

    def add_columns(self, metadata: sa.MetaData) -> None:
        for table in metadata.sorted_tables:
            for column in table.columns:
                if column.nullable:
                    self.texts.append(alter.add_column(column, DIALECT))

    def rename_column(self, table: str, old: str, new: str) -> None:
        self.texts.append(alter.rename_column(table, old, new))

    def drop_tables(self, metadata: sa.MetaData) -> None:
        for table in metadata.sorted_tables:
            self._keep(sa.schema.DropTable(table))

    def close(self) -> None:
        pass

    def _keep(self, statement: Any) -> str:
        text = str(statement.compile(dialect=DIALECT, compile_kwargs={"render_postcompile": True}))
        self.texts.append(text)
        return text


def of_the_consumer() -> list[str]:
    lease = (1, tables.VERSION, "centro", None, 0, *[None] * (len(tables.lease.c) - 5))
    database = Recorder(
        {**reference_catalogue(), **catalogue_of(tables.metadata)},
        {
            'SELECT "LEDGER_VERSION", "CAJA"': [(tables.VERSION, "centro")],
            tables.lease.name: [lease],
            tables.ROWS: [("stock", 1)],
            tables.left_out.name: [("product", 0, "shortened", "shortened", 1)],
            "PARAMS": [("INTERFAZSAE", "T"), ("CAMBIOEXIS", "T"), ("PRECIOIMP", "F")],
        },
    )
    caja = SqlCaja("centro", database, PROFILE, MAPPERS)
    database.create_tables(tables.metadata)
    database.add_columns(tables.metadata)
    database.drop_tables(tables.metadata)
    database.create_index(sales.INDEX, PROFILE.sales.table, sales.expression(PROFILE.sales))
    database.permits_index(PROFILE.sales.table)
    caja.switches()
    caja.stores()
    seen = caja.read_lease()
    holder = Holder(host="here", process=1, started=1)
    for before in (seen, LeaseRow(**{name: getattr(seen, name) for name in seen.__slots__} | {"token": "other"})):
        caja.claim(before, "mine", holder)
        caja.end_idle()
    caja.state()
    caja.left_out(lambda _subject: True)
    with caja.transaction("mine", caja.switches()) as transaction:
        transaction.save(Topic("t"), progress())
        transaction.unposted()
        for entity in Entity:
            transaction.write(entity, [])
        transaction.park([parked()])
        transaction.leave_out({parked().place: (Note(Cause.SHORTENED, "NOMBRE"),)}, [parked().place])
        transaction.release([parked().place] * 2000)
        transaction.save(Topic("t"), progress())
        transaction.unsee(Subject(Entity.PRODUCT), [Key("P1")])
        transaction.set_ready(NOW)
    for entity in CATALOGUES:
        caja.active(entity)
    caja.drifted(Subject(Entity.STOCK, 1), 1)
    caja.free("mine")
    return database.texts


def progress() -> Progress:
    position = Position(TopicId("i"), Offset(1), LastEvent(Offset(0), "0"))
    return Progress(position=position, end_reached=NOW, fingerprint="f", sweep=Sweep(Moment(TopicId("c"), Offset(1)), 2))


def parked() -> Parked:
    return Parked(
        subject=Subject(Entity.PRODUCT),
        key=Key("P1"),
        reason=Reason.LOCKED,
        detail="",
        value=b"x",
        content_hash="",
        since=datetime(2026, 1, 1, tzinfo=UTC),
    )


def of_an_older_ledger() -> list[str]:
    """What `puente setup` does with it."""
    columns = {
        OLD_LEASE: ("ID", "CAJA", "TOKEN", "BEAT"),
        OLD_PARKED: tables.parked.c.keys(),
        tables.positions.name: ("TOPIC", "TOPIC_IDENTITY", "SWEEP_IDENTITY"),
    }
    known = {name: Table(name=name, columns={column: Column(name=column, kind=Kind.TEXT) for column in of}) for name, of in columns.items()}
    database = Recorder(known, {OLD_LEASE: [(3, "centro")]})
    making.upgrade(database)
    making.adopt(database, "centro", [])
    return database.texts


def of_the_producer() -> list[str]:
    database = Recorder(catalogue_of(sae_metadata("01", 9)), {"count(*)": [(100_000,)]})
    sae = SqlSae(database, "01")
    sae.identity()
    assert not sae.hides_company()
    with sae.snapshot() as snapshot:
        for table in TABLES:
            list(snapshot.rows(table))
        for table, fields in KEYS.items():
            list(snapshot.keys(table))
            list(snapshot.rows_where(table, fields[0], [str(number) for number in range(600)]))
    return database.texts


def of_the_users() -> list[str]:
    database = Recorder({})
    database.permits_tables()
    assert not lacking(database, [*needs_of_sae("01"), *needs_of_caja(PROFILE), *needs_of_ledger()])
    url = {"url": "firebird+firebird://host/x"}
    settings = Settings.model_validate({"company": "01", "sae": url, "caja": [{"name": "centro", **url}]})
    return [*database.texts, *grants.for_sae(settings).grants, *grants.for_caja(settings.caja[0]).grants]


ALL = [*of_the_consumer(), *of_an_older_ledger(), *of_the_producer(), *of_the_users(), catalogue.COLUMNS, catalogue.INDEXES]
BLOCKS = {entity.value: packed.build(mapper.plan).sql for entity, mapper in MAPPERS.items()}
BLOCKS["parked"] = insert.build(tables.parked)
BLOCKS["opened"] = next(one for one in ALL if "p0_token" in one and "while" in one)


def test_the_list_is_not_empty_of_what_matters() -> None:
    assert all(block in ALL for block in BLOCKS.values())
    for table in (*tables.metadata.tables, *(f"{name}01" for name in TABLES.values()), "PARAM_DATOSEMP01", "VVENTAS", "PARAMS", "TIENDAS"):
        assert any(table in text for text in ALL), table


@pytest.mark.parametrize("text", ALL)
def test_a_statement_is_shorter_than_64_kilobytes_and_uses_nothing_newer(text: str) -> None:
    assert len(text.encode("latin-1")) < SQL_BYTES
    assert TOO_NEW.search(text) is None
    assert max((listed.count(",") + 1 for listed in re.findall(r"\bin\s*\(([^)]*)\)", text, re.IGNORECASE)), default=0) <= IN_LIST
    assert all(len(name) <= NAME_LENGTH for name in re.findall(r"\w+", text))


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_has_fewer_contexts_than_firebird_counts(name: str) -> None:
    block = BLOCKS[name]
    tables = re.findall(r"\b(?:from|join|into) +[A-Z_]+", block, re.IGNORECASE)
    updates = re.findall(r"\bupdate +[A-Z_]+", block, re.IGNORECASE)
    assert len(tables) + 2 * len(updates) > 0
    assert len(tables) + 2 * len(updates) < CONTEXTS


@pytest.mark.parametrize("name", BLOCKS)
def test_the_parameters_and_the_variables_of_a_block_fit(name: str) -> None:
    block = BLOCKS[name]
    texts = [int(length) for length in re.findall(r"\b(?:var)?char\((\d+)\)", block)]
    given = [int(length) for length in re.findall(r"\bvarchar\((\d+)\)[^,)]* = \?", block)]
    assert given[-2:] == [packing.PARAMETER_LENGTH] * 2
    assert max(texts) <= VARCHAR_BYTES
    assert sum(length + 4 for length in given) < BLOCK_BYTES


def test_the_ledger_is_as_the_packed_write_takes_it() -> None:
    for column in LEDGER_COLUMNS:
        stored = tables.rows.c[column.name].type
        kind = next(kind for of, kind in KINDS.items() if isinstance(stored, of))
        assert (column.kind, column.width) == (kind, stored.length if isinstance(stored, sa.String) else 0)


@pytest.mark.parametrize("table", tables.metadata.sorted_tables, ids=str)
def test_keys_of_the_ledger_fit_into_an_index(table: sa.Table) -> None:
    length = sum(column.type.length or 0 if isinstance(column.type, sa.String) else 8 for column in table.primary_key)
    assert length + 8 * len(table.primary_key) < 1024  # a quarter of Firebird's default page


@pytest.mark.parametrize("metadata", [caja_metadata(), sae_metadata("01", 9), sae_metadata("01", 8)], ids=["caja", "sae 9", "sae 8"])
def test_the_reference_databases_can_be_made_as_well(metadata: sa.MetaData) -> None:
    recorder = Recorder({})
    recorder.create_tables(metadata)
    for text in recorder.texts:
        assert TOO_NEW.search(text) is None
        assert len(text) < SQL_BYTES


def test_a_parameter_that_finds_rows_has_its_columns_type() -> None:
    """As a BLOB, which a text without a length is sent as, it uses no index."""
    searched = [text for text in of_the_producer() if " IN (" in text and "CVE_ART" in text.split("WHERE")[-1]]
    assert len(searched) >= 4
    for text in searched:
        assert len(re.findall(r"CAST\(:\w+ AS VARCHAR\(16\)\)", text)) == text.count(":") > 0
