"""What every CAJA promises the pure core: one suite on the one in memory, on embedded Firebird, and on a Firebird server."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import product as pairs
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from consumer.caja import sql
from consumer.caja.port import Caja, Holder, Store, Switches, SwitchesChanged, Transaction
from consumer.caja.sql import SqlCaja
from consumer.ledger import tables
from consumer.ledger.parked import Parked, Reason
from consumer.ledger.state import TOMBSTONE, UNSEEN, Moment, Progress, Sweep
from consumer.leftout import Cause, LeftOut, Note, summary
from consumer.mapping.mapper import RowMapper, mappers
from consumer.mapping.profile import check
from foundation.engines import open_database
from foundation.engines.database import Database
from foundation.engines.firebird import create
from foundation.engines.writing import Action, Refusal, RowWrite
from foundation.errors import ConfigError, LostLease, PuenteError
from foundation.eventlog.lineage import LastEvent, Position
from foundation.eventlog.port import Offset, Topic, TopicId
from foundation.limits import DatabaseLimits
from puente.commands.grants import WRITER
from puente.reference import Store as ReferenceStore
from puente.reference import build_caja
from schemas.entities import CATALOGUES, Entity, Subject
from schemas.keys import Key
from tests.e2e.small_site import wait_until
from tests.engines.embedded import Engine
from tests.engines.templates import databases
from tests.engines.users import as_writer, grant_caja
from tests.fakes.caja import MemoryCaja
from tests.unit.consuming import MAPPERS, PROFILE, customer, product

HOLDER = Holder(host="here", process=1, started=1, boot="a boot")
STORES = [ReferenceStore(1, "Centro ñ", 1), ReferenceStore(2, "Reforma", 5), ReferenceStore(3, "Sin almacén", None)]
NOW = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
EVERY_BYTE = bytes(range(256))
Made = dict[Entity, RowMapper]


@dataclass
class UnderTest:
    """A CAJA, and how a test looks into it from outside and makes trouble."""

    caja: Caja
    mappers: Made
    rows: Callable[[str], list[dict[str, Any]]]
    insert: Callable[[str, dict[str, Any]], None]
    update: Callable[[str, tuple[str, Any], dict[str, Any]], None]
    locking: Callable[[str, str, Any], contextlib.AbstractContextManager[None]]
    set_parameter: Callable[[str, str], None]
    sell: Callable[[int, str, str, str], None]


def in_memory() -> Iterator[UnderTest]:
    caja = MemoryCaja(MAPPERS, known_stores=[Store(number=s.number, warehouse=s.warehouse, name=s.name) for s in STORES])
    names = {"INTERFAZSAE": "interface", "CAMBIOEXIS": "stock_changes", "PRECIOIMP": "tax_included"}

    def insert(table: str, row: dict[str, Any]) -> None:
        matches = {m.plan.table: m.plan.match for m in MAPPERS.values()}
        caja.content.table(table)[tuple(row[name] for name in matches[table])] = row

    def update(table: str, where: tuple[str, Any], values: dict[str, Any]) -> None:
        for found in caja.content.table(table).values():
            if found[where[0]] == where[1]:
                found.update(values)

    @contextmanager
    def locking(table: str, column: str, key: Any) -> Iterator[None]:
        caja.locked.update((table, match) for match, found in caja.content.table(table).items() if found[column] == key)
        yield
        caja.locked.clear()

    def set_parameter(name: str, value: str) -> None:
        caja.parameters = replace(caja.parameters, **{names[name]: value == "T"})

    def sell(store: int, key: str, posted: str, status: str) -> None:
        if posted != "T" and status != "C":
            caja.sales.add((store, Key(key)))

    yield UnderTest(caja, MAPPERS, lambda table: list(caja.content.table(table).values()), insert, update, locking, set_parameter, sell)


def on_firebird(
    url: str, altered: Sequence[str] = (), charset: str = "ISO8859_1", stores: Sequence[ReferenceStore] = STORES
) -> Iterator[UnderTest]:
    """`altered`: statements that make the reference CAJA another one."""

    def make() -> None:
        create.create_database(make_url(url), DatabaseLimits(), charset)
        with closing(open_database(as_writer(url))) as database, closing(open_database(url)) as outside:
            build_caja(outside, stores)
            for statement in altered:
                execute(outside, sa.text(statement))
            grant_caja(url)
            database.create_tables(tables.metadata)
            execute(database, sa.insert(tables.lease).values(ID=1, LEDGER_VERSION=tables.VERSION, CAJA="centro", HEARTBEAT=0))

    databases([url], ("caja", tuple(altered), charset, repr(stores)), make)
    with closing(open_database(as_writer(url))) as database, closing(open_database(url)) as outside:
        catalogue = database.catalogue()
        assert check(PROFILE, catalogue, "centro")
        made = mappers(PROFILE, catalogue, {}, CATALOGUES)
        yield _subject(SqlCaja("centro", database, PROFILE, made), made, outside)


def execute(database: Database, statement: sa.Executable) -> None:
    with database.writing() as writer:
        writer.execute(statement)


def _subject(caja: SqlCaja, made: Made, outside: Database) -> UnderTest:
    catalogue = outside.catalogue()

    def table(name: str, *columns: str) -> sa.TableClause:
        return sa.table(name, *map(sa.column, columns or catalogue[name].columns))

    def rows(name: str) -> list[dict[str, Any]]:
        names = list(catalogue[name].columns)
        with outside.reading() as reader:
            return [dict(zip(names, row, strict=True)) for row in reader.rows(sa.select(*table(name).c))]

    def insert(name: str, row: dict[str, Any]) -> None:
        execute(outside, sa.insert(table(name)).values({k: v for k, v in row.items() if v is not None}))

    def update(name: str, where: tuple[str, Any], values: dict[str, Any]) -> None:
        execute(outside, sa.update(table(name)).values(values).where(sa.column(where[0]) == where[1]))

    @contextmanager
    def locking(name: str, column: str, key: Any) -> Iterator[None]:
        with contextlib.suppress(RollBack), outside.writing() as writer:
            writer.execute(sa.update(table(name)).values({column: sa.column(column)}).where(sa.column(column) == key))
            yield
            raise RollBack

    def set_parameter(name: str, value: str) -> None:
        execute(outside, sa.update(table("PARAMS")).values(VALOR=value).where(sa.column("PARAMETRO") == name))

    def sell(store: int, key: str, posted: str, status: str) -> None:
        note = f"{store}{key}{posted}{status}"
        execute(
            outside,
            sa.insert(table("VVENTAS", "NOTA", "TIENDA", "STATUS", "ENVSAE")).values(NOTA=note, TIENDA=store, STATUS=status, ENVSAE=posted),
        )
        execute(outside, sa.insert(table("DVENTAS", "NOTA", "PARTIDA", "PRODUCTO")).values(NOTA=note, PARTIDA=1, PRODUCTO=key))

    return UnderTest(caja, made, rows, insert, update, locking, set_parameter, sell)


class RollBack(Exception):
    """Leaves a transaction without its changes."""


@pytest.fixture(params=["memory", "embedded", "server"])
def subject(request: pytest.FixtureRequest) -> Iterator[UnderTest]:
    match request.param:
        case "memory":
            yield from in_memory()
        case "embedded":
            yield from on_firebird(request.getfixturevalue("embedded").url("caja"))
        case _:
            server = request.getfixturevalue("firebird_server")
            yield from on_firebird(server.new_url("caja"))


@pytest.fixture
def token(subject: UnderTest) -> str:
    assert subject.caja.claim(subject.caja.read_lease(), "mine", HOLDER)
    return "mine"


def write(
    subject: UnderTest, token: str, entity: Entity, *writes: tuple[Action, dict[str, Any] | str, int | None]
) -> tuple[int, list[int]]:
    """Writes in one transaction; returns the rows touched and the codes of what was refused."""
    with subject.caja.transaction(token, subject.caja.switches()) as transaction:
        written = transaction.write(entity, [row(subject, entity, *w) for w in writes])
        return written.touched, [error.code for error in written.errors]


def row(subject: UnderTest, entity: Entity, action: Action, value: dict[str, Any] | str, store: int | None) -> RowWrite:
    mapper = subject.mappers[entity]
    key = Key(value if isinstance(value, str) else str(value.get("customer") or value.get("sku") or value.get("line")))
    values = mapper.match(key, store) if isinstance(value, str) else mapper.row(value, store).values
    quantity = None if entity is not Entity.STOCK else 0.0 if isinstance(value, str) else value["quantity"]
    return RowWrite(action, values, (entity.value, store or 0, key, "applied", "hash" + str(len(str(value)))[:12], "row", quantity))


def put(value: dict[str, Any], store: int | None = None) -> tuple[Action, dict[str, Any], int | None]:
    return Action.PUT, value, store


def stock(key: str, quantity: str) -> dict[str, Any]:
    return {"sku": key, "warehouse": 1, "quantity": Decimal(quantity)}


def products(subject: UnderTest) -> dict[str, dict[str, Any]]:
    return {found["PRODUCTO"]: found for found in subject.rows("CATINVEN")}


FULL = product(
    "P1",
    description="Cinta “doble” ñÑ áéíóú € —",
    line="HERR",
    unit_out="pza",
    tax_scheme=1,
    prices=[
        {"list": 1, "amount": Decimal("89.9"), "tax_included": None},
        {"list": 2, "amount": Decimal("-0.000001"), "tax_included": None},
    ],
    average_cost=Decimal("123456789012.123456"),
)


def test_put_adds_a_row_with_every_value_exact_and_null_where_there_is_none(subject: UnderTest, token: str) -> None:
    assert write(subject, token, Entity.PRODUCT, put(FULL)) == (1, [])
    found = products(subject)["P1"]
    assert found["DESCRIPCIO"] == "Cinta “doble” ñÑ áéíóú € —"
    assert (found["PRECIOP"], found["PRECIO2"], found["PRECIO3"]) == (89.9, -0.000001, None)
    assert found["COSTOPROM"] == pytest.approx(123456789012.123456, rel=1e-15)
    assert (found["LINEA"], found["ESQIMP"], found["MONEDA"], found["ALTA"]) == ("HERR", 1, None, "T")
    assert found["EXISTENCIA"] == 0


def test_an_equal_row_is_not_touched_and_a_different_one_is(subject: UnderTest, token: str) -> None:
    write(subject, token, Entity.PRODUCT, put(FULL))
    assert write(subject, token, Entity.PRODUCT, put(FULL)) == (0, [])
    assert write(subject, token, Entity.PRODUCT, put({**FULL, "line": None})) == (1, [])
    assert products(subject)["P1"]["LINEA"] is None


def test_an_equal_row_is_not_even_asked_for_while_a_till_holds_it(subject: UnderTest, token: str) -> None:
    write(subject, token, Entity.PRODUCT, put(FULL))
    with subject.locking("CATINVEN", "PRODUCTO", "P1"):
        assert write(subject, token, Entity.PRODUCT, put(FULL)) == (0, [])


def test_change_writes_a_row_that_exists_and_adds_none(subject: UnderTest, token: str) -> None:
    gone = {**FULL, "status": "inactive"}
    assert write(subject, token, Entity.PRODUCT, (Action.CHANGE, gone, None)) == (0, [])
    assert products(subject) == {}
    write(subject, token, Entity.PRODUCT, put(FULL))
    assert write(subject, token, Entity.PRODUCT, (Action.CHANGE, gone, None)) == (1, [])
    assert products(subject)["P1"]["ALTA"] == "F"


def test_retire_sets_the_flag_of_a_row_that_exists_and_nothing_else(subject: UnderTest, token: str) -> None:
    write(subject, token, Entity.PRODUCT, put(FULL))
    assert write(subject, token, Entity.PRODUCT, (Action.RETIRE, "P1", None), (Action.RETIRE, "P9", None)) == (1, [])
    found = products(subject)
    assert (found["P1"]["ALTA"], found["P1"]["LINEA"]) == ("F", "HERR")
    assert "P9" not in found
    assert write(subject, token, Entity.PRODUCT, (Action.RETIRE, "P1", None)) == (0, [])


def test_note_leaves_the_row_alone_and_is_in_the_ledger_like_the_others(subject: UnderTest, token: str) -> None:
    write(subject, token, Entity.PRODUCT, put(FULL), (Action.NOTE, "P2", None))
    assert list(products(subject)) == ["P1"]
    assert set(subject.caja.state().hashes[Subject(Entity.PRODUCT)]) == {"P1", "P2"}
    write(subject, token, Entity.PRODUCT, (Action.NOTE, "P1", None))
    assert products(subject)["P1"]["ALTA"] == "T"


def test_columns_that_are_not_saes_are_never_written(subject: UnderTest, token: str) -> None:
    subject.insert("CATINVEN", {"PRODUCTO": "P1", "IMAGEN": "p1.png", "EXISTENCIA": 7.0, "ALTA": "F"})
    write(subject, token, Entity.PRODUCT, put(FULL))
    found = products(subject)["P1"]
    assert (found["IMAGEN"], found["EXISTENCIA"], found["ALTA"]) == ("p1.png", 7.0, "T")


def test_a_customer_is_found_by_his_key_in_sae_and_keeps_cajas_own(subject: UnderTest, token: str) -> None:
    subject.insert("CATCLIEN", {"CLIENTE": "MOSTRADOR", "CLAVESAE": "188", "NOMBRE": "x", "ALTA": "T"})
    assert write(subject, token, Entity.CUSTOMER, put(customer("188", name="Ñandú")), put(customer("200"))) == (2, [])
    found = {r["CLAVESAE"]: r for r in subject.rows("CATCLIEN")}
    assert (found["188"]["CLIENTE"], found["188"]["NOMBRE"]) == ("MOSTRADOR", "Ñandú")
    assert found["200"]["CLIENTE"] == "200"


def test_a_customer_whose_number_is_taken_gets_the_next_one_and_nobody_is_taken_over(subject: UnderTest, token: str) -> None:
    for own, of_sae, name in (("188", None, "de la casa"), ("200", "A", "otro"), ("MOSTR", "B", "mostrador"), ("7A", "C", "nadie")):
        subject.insert("CATCLIEN", {"CLIENTE": own, "CLAVESAE": of_sae, "NOMBRE": name, "ALTA": "T"})
    rows = [put(customer(key, name=f"SAE {key}")) for key in ("188", "200", "MOSTR", "9")]
    assert write(subject, token, Entity.CUSTOMER, *rows) == (4, [])
    found = {row["CLIENTE"]: (row["NOMBRE"], row["CLAVESAE"]) for row in subject.rows("CATCLIEN")}
    assert found == {
        "188": ("de la casa", None),
        "200": ("otro", "A"),
        "MOSTR": ("mostrador", "B"),
        "7A": ("nadie", "C"),
        "201": ("SAE 188", "188"),
        "202": ("SAE 200", "200"),
        "203": ("SAE MOSTR", "MOSTR"),
        "9": ("SAE 9", "9"),
    }
    # and the same changes again touch nothing
    assert write(subject, token, Entity.CUSTOMER, *rows) == (0, [])


def test_the_ledger_is_read_with_a_beat_for_each_subject_or_in_one_snapshot(subject: UnderTest, token: str) -> None:
    write(subject, token, Entity.PRODUCT, put(FULL), put(product("O'Ñ €")), (Action.RETIRE, "P9", None))
    write(subject, token, Entity.STOCK, put(stock("P1", "1"), 1), put(stock("P1", "2"), 2), put(stock("O'Ñ €", "3"), 2))
    beats = []

    def beat() -> None:
        with subject.caja.transaction(token):
            beats.append(1)

    state = subject.caja.state(beat)
    assert len(beats) == 3
    assert state == subject.caja.state()
    keys = {of: set(found) for of, found in state.hashes.items()}
    assert keys == {
        Subject(Entity.PRODUCT): {"P1", "O'Ñ €", "P9"},
        Subject(Entity.STOCK, 1): {"P1"},
        Subject(Entity.STOCK, 2): {"P1", "O'Ñ €"},
    }
    # And a tombstone has no hash
    gone = row(subject, Entity.PRODUCT, Action.RETIRE, "P1", None)
    with subject.caja.transaction(token) as transaction:
        transaction.write(Entity.PRODUCT, [replace(gone, ledger=(*gone.ledger[:3], "deleted", TOMBSTONE, None, None))])
    assert subject.caja.state(beat).hashes[Subject(Entity.PRODUCT)][Key("P1")] == TOMBSTONE


def test_rows_are_read_with_a_beat_between_or_in_one_snapshot(subject: UnderTest, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "ROWS_AT_ONCE", 2)
    write(subject, token, Entity.PRODUCT, *(put(product(key)) for key in ("P1", "P10", "p2", "Ñ €", "O'")))
    write(
        subject,
        token,
        Entity.STOCK,
        *(put(stock("P1", "1"), 1), put(stock("P10", "2"), 1), put(stock("p2", "3"), 1), put(stock("P1", "4"), 2)),
    )
    for number in (1, 2, 3, 10):
        subject.insert("CATMONED", {"MONEDA": number, "ALTA": "T"})
    subject.insert("CATCLIEN", {"CLIENTE": "8", "CLAVESAE": None, "NOMBRE": "sin clave", "ALTA": "T"})
    write(subject, token, Entity.CUSTOMER, *(put(customer(key)) for key in ("188", "9", "MOSTR")))
    for entity, store in ((Entity.PRODUCT, None), (Entity.STOCK, 1), (Entity.STOCK, 2), (Entity.CURRENCY, None), (Entity.CUSTOMER, None)):
        beats: list[int] = []

        def beat(beats: list[int] = beats) -> None:
            with subject.caja.transaction(token):
                beats.append(1)

        mapper = subject.mappers[entity]
        key = [column.name for column in mapper.plan.columns].index(mapper.key_column)
        whole = [tuple(row) for row in subject.caja.rows(entity, store) if row[key] is not None]
        assert sorted((tuple(row) for row in subject.caja.rows(entity, store, beat) if row[key] is not None), key=str) == sorted(
            whole, key=str
        )
        assert len(beats) >= (len(whole) - 1) // 2


def test_stock_without_its_product_is_refused_and_the_rest_goes_in(subject: UnderTest, token: str) -> None:
    write(subject, token, Entity.PRODUCT, put(FULL))
    assert write(subject, token, Entity.STOCK, put(stock("P9", "1"), 1), put(stock("P1", "2.5"), 1)) == (1, [Refusal.PARENT])
    assert [(r["PRODUCTO"], r["EXISTIENDA"]) for r in subject.rows("EXIST")] == [("P1", 2.5)]
    assert set(subject.caja.state().hashes[Subject(Entity.STOCK, 1)]) == {"P1"}


def test_the_total_of_a_product_is_the_sum_over_all_its_stores(subject: UnderTest, token: str) -> None:
    write(subject, token, Entity.PRODUCT, put(FULL), put(product("P2")))
    subject.insert("EXIST", {"PRODUCTO": "P1", "TIENDA": 9, "EXISTIENDA": 100.0})
    write(subject, token, Entity.STOCK, put(stock("P1", "1.5"), 1), put(stock("P1", "2"), 2), put(stock("P2", "4"), 1))
    assert {k: r["EXISTENCIA"] for k, r in products(subject).items()} == {"P1": 103.5, "P2": 4}
    write(subject, token, Entity.STOCK, (Action.RETIRE, "P1", 2))
    assert products(subject)["P1"]["EXISTENCIA"] == 101.5
    assert sorted((r["TIENDA"], r["EXISTIENDA"]) for r in subject.rows("EXIST") if r["PRODUCTO"] == "P1") == [(1, 1.5), (2, 0), (9, 100)]


def test_a_row_that_a_till_has_locked_is_told_so_at_once_and_the_others_go_in(subject: UnderTest, token: str) -> None:
    write(subject, token, Entity.PRODUCT, put(FULL), put(product("P2")))
    new = [put({**FULL, "line": "X"}), put(product("P2", line="X"))]
    with subject.locking("CATINVEN", "PRODUCTO", "P1"), subject.caja.transaction(token) as transaction:
        written = transaction.write(Entity.PRODUCT, [row(subject, Entity.PRODUCT, *w) for w in new])
        assert [(error.index, error.locked) for error in written.errors] == [(0, True)]
        assert written.touched == 1
    assert {k: r["LINEA"] for k, r in products(subject).items()} == {"P1": "HERR", "P2": "X"}
    assert write(subject, token, Entity.PRODUCT, *new) == (1, [])


def test_many_rows_of_one_call_keep_their_places(subject: UnderTest, token: str) -> None:
    write(subject, token, Entity.PRODUCT, *(put(product(f"P{n}")) for n in range(0, 500, 2)))
    touched, codes = write(subject, token, Entity.STOCK, *(put(stock(f"P{n}", "1"), 1) for n in range(500)))
    assert (touched, codes) == (250, [Refusal.PARENT] * 250)
    with subject.caja.transaction(token) as transaction:
        written = transaction.write(Entity.STOCK, [row(subject, Entity.STOCK, *put(stock(f"P{n}", "2"), 1)) for n in range(500)])
    assert [error.index for error in written.errors] == list(range(1, 500, 2))


def test_an_exception_leaves_nothing_of_its_transaction(subject: UnderTest, token: str) -> None:
    def fail(transaction: Transaction) -> None:
        transaction.write(Entity.PRODUCT, [row(subject, Entity.PRODUCT, *put(FULL))])
        transaction.park([parked("P2")])
        transaction.save(Topic("t"), progress(Position(TopicId("i"), Offset(1))))
        raise RollBack

    with pytest.raises(RollBack), subject.caja.transaction(token) as transaction:
        fail(transaction)
    assert products(subject) == {}
    state = subject.caja.state()
    assert not state.hashes
    assert not state.parked
    assert not state.progress


def progress(position: Position, sweep: Sweep | None = None) -> Progress:
    return Progress(position=position, end_reached=datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC), fingerprint="0123456789abcdef", sweep=sweep)


def parked(key: str, value: bytes | None = b"x", **changed: Any) -> Parked:
    return replace(
        Parked(
            subject=Subject(Entity.PRODUCT),
            key=Key(key),
            reason=Reason.LOCKED,
            detail="",
            value=value,
            content_hash="abc",
            since=NOW,
        ),
        **changed,
    )


@pytest.mark.parametrize(
    "value", [None, b"", b"\x00", EVERY_BYTE, b"\xff" * 1000, b" " * 1001, EVERY_BYTE * 40, EVERY_BYTE * 200, b"  \t "]
)
def test_what_waits_comes_back_as_it_was(subject: UnderTest, token: str, value: bytes | None) -> None:
    item = parked("Ñ “€”", value, detail="porque sí — ñ €", reason=Reason.KEPT_OUT)
    other = parked("P1", b"y", subject=Subject(Entity.STOCK, 7), content_hash="")
    with subject.caja.transaction(token) as transaction:
        transaction.park([item, other])
    assert subject.caja.state().parked == {item.place: item, other.place: other}


def test_many_wait_at_once_and_are_released_by_their_keys(subject: UnderTest, token: str) -> None:
    items = [parked(f"P{n}", bytes([n % 256]) * (n % 700)) for n in range(900)]
    with subject.caja.transaction(token) as transaction:
        transaction.park(items)
    assert subject.caja.state().parked == {item.place: item for item in items}
    with subject.caja.transaction(token) as transaction:
        transaction.release(item.place for item in items[1:])
    assert list(subject.caja.state().parked) == [items[0].place]


def test_what_waits_and_is_released_may_wait_again_in_the_same_transaction(subject: UnderTest, token: str) -> None:
    with subject.caja.transaction(token) as transaction:
        transaction.park([parked("P1")])
    newer = parked("P1", b"newer", content_hash="def")
    with subject.caja.transaction(token) as transaction:
        transaction.release([newer.place, parked("P9").place])
        transaction.park([newer])
    assert subject.caja.state().parked == {newer.place: newer}


def test_what_rows_lack_comes_back_by_key_and_is_replaced_or_gone(subject: UnderTest, token: str) -> None:
    of_product, of_stock = (Subject(Entity.PRODUCT), Key("Ñ “€”")), (Subject(Entity.STOCK, 7), Key("P1"))
    many = (Note(Cause.BEYOND, "taxes"), Note(Cause.SHORTENED, "DESCRIPCIO"))
    with subject.caja.transaction(token) as transaction:
        transaction.leave_out({of_product: many, of_stock: many[:1], (of_product[0], Key("P1")): ()}, [])
    assert subject.caja.state().left_out == {of_product: many, of_stock: many[:1]}
    with subject.caja.transaction(token) as transaction:
        transaction.leave_out({of_product: many[1:], of_stock: ()}, [of_product, of_stock])
    assert subject.caja.state().left_out == {of_product: many[1:]}


def test_positions_come_back_and_are_replaced(subject: UnderTest, token: str) -> None:
    first = Position(TopicId("a" * 32), Offset(0))
    then = Position(TopicId("b" * 32), Offset(2**40), LastEvent(Offset(2**40 - 1), "0123456789abcdef"))
    sweeps = (None, Sweep(Moment(TopicId("c" * 32), Offset(2**40))), Sweep(Moment(TopicId("c" * 32), Offset(0)), 51))
    for position, sweep in pairs((first, then), sweeps):
        saved = progress(position, sweep)
        with subject.caja.transaction(token) as transaction:
            transaction.save(Topic("puente.01.stock.12"), saved)
        assert subject.caja.state().progress == {"puente.01.stock.12": saved}


def test_unposted_sales_are_those_that_sae_lacks_and_that_were_not_cancelled(subject: UnderTest, token: str) -> None:
    subject.sell(1, "P1", "F", "N")
    subject.sell(2, "P2", "T", "N")
    subject.sell(2, "P3", "F", "C")
    subject.sell(2, "P1", "F", "N")
    with subject.caja.transaction(token) as transaction:
        assert set(transaction.unposted()) == {(1, "P1"), (2, "P1")}


def test_parameters_and_stores_are_read(subject: UnderTest, token: str) -> None:
    assert [(s.number, s.warehouse, s.name) for s in subject.caja.stores()] == [
        (1, 1, "Centro ñ"),
        (2, 5, "Reforma"),
        (3, None, "Sin almacén"),
    ]
    switches = subject.caja.switches()
    assert (switches.interface, switches.stock_changes, switches.tax_included) == (True, True, False)
    subject.set_parameter("PRECIOIMP", "T")
    subject.set_parameter("INTERFAZSAE", "F")
    with subject.caja.transaction(token) as transaction:
        assert (transaction.switches.interface, transaction.switches.tax_included) == (False, True)


@pytest.mark.parametrize("name", ["INTERFAZSAE", "CAMBIOEXIS", "PRECIOIMP"])
def test_what_relies_on_switches_that_were_changed_writes_nothing(subject: UnderTest, token: str, name: str) -> None:
    known = subject.caja.switches()
    subject.set_parameter(name, "T" if name == "PRECIOIMP" else "F")
    found = subject.caja.switches()
    assert found != known
    with pytest.raises(SwitchesChanged) as raised:
        _write_and_save(subject, token, known)
    assert raised.value.found == found
    with pytest.raises(SwitchesChanged), subject.caja.transaction(token, known):
        pass
    assert (products(subject), subject.caja.state().progress) == ({}, {})
    _write_and_save(subject, token, found)
    assert (list(products(subject)), list(subject.caja.state().progress)) == (["P1"], ["puente.01.product"])


def _write_and_save(subject: UnderTest, token: str, known: Switches) -> None:
    with subject.caja.transaction(token, known) as transaction:
        transaction.save(Topic("puente.01.product"), progress(Position(TopicId("a" * 32), Offset(7)), None))
        transaction.write(Entity.PRODUCT, [row(subject, Entity.PRODUCT, *put(FULL))])


def test_a_transaction_saves_several_positions_before_its_rows_and_after(subject: UnderTest, token: str) -> None:
    saved = {Topic(f"puente.01.stock.{n}"): progress(Position(TopicId("a" * 32), Offset(n)), None) for n in range(4)}
    for _ in ("new", "there"):
        with subject.caja.transaction(token, subject.caja.switches()) as transaction:
            for place, (topic, at) in enumerate(saved.items()):
                if place == 2:
                    transaction.write(Entity.PRODUCT, [row(subject, Entity.PRODUCT, *put(FULL))])
                transaction.save(topic, at)
        assert subject.caja.state().progress == saved
    assert list(products(subject)) == ["P1"]


def test_a_token_that_lost_the_row_writes_nothing(subject: UnderTest, token: str) -> None:
    assert subject.caja.claim(subject.caja.read_lease(), "other", HOLDER)
    with pytest.raises(LostLease), subject.caja.transaction(token) as transaction:
        transaction.write(Entity.PRODUCT, [row(subject, Entity.PRODUCT, *put(FULL))])
    assert products(subject) == {}
    with subject.caja.transaction("other"):
        pass


def test_of_two_who_saw_the_same_guard_one_gets_it(subject: UnderTest) -> None:
    seen = subject.caja.read_lease()
    assert seen.token is None
    assert subject.caja.claim(seen, "one", HOLDER)
    assert not subject.caja.claim(seen, "two", HOLDER)
    lease = subject.caja.read_lease()
    assert (lease.token, lease.host, lease.process, lease.process_started, lease.boot) == ("one", "here", 1, 1, "a boot")


def test_every_transaction_is_a_heartbeat_and_a_clean_stop_frees_the_row(subject: UnderTest, token: str) -> None:
    before = subject.caja.read_lease().beat
    with subject.caja.transaction(token):
        pass
    assert subject.caja.read_lease().beat > before
    subject.caja.free("somebody else")
    assert subject.caja.read_lease().token == token
    subject.caja.free(token)
    assert subject.caja.read_lease().token is None


OnFirebird = tuple[SqlCaja, Database, str]


@pytest.fixture
def sql_caja(engine: Engine) -> Iterator[OnFirebird]:
    """A CAJA, its own database and the URL."""
    url = engine.new_url("caja")
    for found in on_firebird(url):
        assert isinstance(found.caja, SqlCaja)
        yield found.caja, found.caja._database, url


def test_another_process_in_the_middle_of_taking_the_row_is_lost_guard_too(sql_caja: OnFirebird) -> None:
    caja, _, url = sql_caja
    seen = caja.read_lease()
    caja.claim(seen, "mine", HOLDER)
    with closing(open_database(url)) as other, other.writing() as writer:
        writer.execute(sa.update(tables.lease).values(FENCING_TOKEN="other"))
        with pytest.raises(LostLease), caja.transaction("mine"):
            pass
        assert not caja.claim(caja.read_lease(), "third", HOLDER)


def test_switches_count_as_read_however_they_are_written(sql_caja: OnFirebird) -> None:
    caja, _, url = sql_caja
    assert caja.claim(caja.read_lease(), "mine", HOLDER)
    known = caja.switches()
    of = sa.table("PARAMS", sa.column("PARAMETRO"), sa.column("VALOR"))
    with closing(open_database(url)) as outside:
        execute(outside, sa.update(of).where(of.c.PARAMETRO == "CAMBIOEXIS").values(VALOR="\tT "))
    assert caja.switches() == known
    with caja.transaction("mine", known) as transaction:
        transaction.save(Topic("puente.01.product"), progress(Position(TopicId("a" * 32), Offset(7)), None))
    assert list(caja.state().progress) == ["puente.01.product"]


def test_what_the_ledger_has_already_is_not_written_again(sql_caja: OnFirebird) -> None:
    caja, database, url = sql_caja
    assert caja.claim(caja.read_lease(), "mine", HOLDER)
    mapper = mappers(PROFILE, database.catalogue(), {}, CATALOGUES)[Entity.PRODUCT]

    def write_once_more(content: str) -> str:
        ledger = (Entity.PRODUCT.value, 0, "P1", "applied", content, None, None)
        with caja.transaction("mine") as transaction:
            assert not transaction.write(Entity.PRODUCT, [RowWrite(Action.PUT, mapper.row(FULL, None).values, ledger)]).errors
        return caja.state().hashes[Subject(Entity.PRODUCT)][Key("P1")]

    write_once_more("first")
    with closing(open_database(url)) as outside:
        execute(outside, sa.text("CREATE TRIGGER TOUCHED FOR PUENTE_ROWS BEFORE UPDATE AS BEGIN NEW.CONTENT_HASH = 'touched'; END"))
    assert write_once_more("first") == "first"
    assert write_once_more("second") == "touched"


def test_who_claimed_it_and_keeps_it_locked_while_it_does_nothing_is_ended(sql_caja: OnFirebird) -> None:
    caja, _, url = sql_caja
    with closing(open_database(as_writer(url))) as database:
        still = SqlCaja("centro", database, PROFILE, mappers(PROFILE, database.catalogue(), {}, CATALOGUES))
        assert still.claim(still.read_lease(), "still", HOLDER)

        def others_turn(transaction: Transaction) -> None:
            transaction.set_ready(NOW)
            assert not caja.claim(caja.read_lease(), "mine", HOLDER)
            assert caja.end_idle() == 1
            wait_until(lambda: caja.claim(caja.read_lease(), "mine", HOLDER))

        with pytest.raises(PuenteError), still.transaction("still") as transaction:
            others_turn(transaction)
        with pytest.raises(LostLease), still.transaction("still"):  # it comes back, as one who lost the lease
            pass
    assert caja.end_idle() == 0


def test_nobody_else_is_ended(sql_caja: OnFirebird) -> None:
    caja, _, url = sql_caja
    caja.claim(caja.read_lease(), "mine", HOLDER)
    for address in (url, as_writer(url)):  # the owner; `puente status`, which claims nothing
        with closing(open_database(address)) as database, database.writing() as writer:
            writer.execute(sa.update(tables.lease).values(LAST_ERROR="x"))
            assert caja.end_idle() == 0


def test_a_connection_of_another_user_is_not_seen_and_not_ended(sql_caja: OnFirebird) -> None:
    caja, _, url = sql_caja
    with closing(open_database(url)) as database:
        owner = SqlCaja("centro", database, PROFILE, mappers(PROFILE, database.catalogue(), {}, CATALOGUES))
        assert owner.claim(owner.read_lease(), "owner", HOLDER)
        with owner.transaction("owner") as transaction:
            transaction.set_ready(NOW)
            assert not caja.claim(caja.read_lease(), "mine", HOLDER)
            assert caja.end_idle() == 0
    assert caja.claim(caja.read_lease(), "mine", HOLDER)


def test_a_writer_who_may_end_nobody_is_told_so(sql_caja: OnFirebird) -> None:
    caja, database, url = sql_caja
    with database.reading() as reader:
        ((version,),) = reader.rows(sa.text("SELECT RDB$GET_CONTEXT('SYSTEM', 'ENGINE_VERSION') FROM RDB$DATABASE"))
    if not str(version).startswith("2."):  # where everybody may
        with closing(open_database(url)) as owner:
            execute(owner, sa.text(f"REVOKE DELETE ON MON$ATTACHMENTS FROM USER {WRITER}"))
        assert caja.end_idle() is None


def test_giving_the_row_back_while_another_process_takes_it_is_no_error(sql_caja: OnFirebird) -> None:
    caja, _, url = sql_caja
    caja.claim(caja.read_lease(), "mine", HOLDER)
    with closing(open_database(url)) as other, other.writing() as writer:
        writer.execute(sa.update(tables.lease).values(FENCING_TOKEN="other"))
        caja.free("mine")
    assert caja.read_lease().token == "other"


@pytest.mark.parametrize("name", ["INTERFAZSAE", "CAMBIOEXIS", "PRECIOIMP"])
@pytest.mark.parametrize("value", ["S", "1", "t", "", None, "missing"])
def test_a_parameter_that_guards_is_yes_or_no_and_nothing_else(sql_caja: OnFirebird, name: str, value: str | None) -> None:
    caja, _, url = sql_caja
    caja.claim(caja.read_lease(), "mine", HOLDER)
    of = sa.table("PARAMS", sa.column("PARAMETRO"), sa.column("VALOR"))
    with closing(open_database(url)) as outside:
        there = of.c.PARAMETRO == name
        execute(outside, sa.delete(of).where(there) if value == "missing" else sa.update(of).where(there).values(VALOR=value))
    said = f"centro: the parameter PARAMS.{name} is {'missing' if value == 'missing' else f'“{value or str()}”'}"
    with pytest.raises(ConfigError, match=said):
        caja.switches()
    with pytest.raises(ConfigError, match=said), caja.transaction("mine") as transaction:
        _ = transaction.switches


def test_what_is_left_out_is_counted_by_the_database_as_it_is_in_memory(sql_caja: OnFirebird) -> None:
    caja, _, _ = sql_caja
    caja.claim(caja.read_lease(), "mine", HOLDER)
    taxes, name = Note(Cause.BEYOND, "taxes"), Note(Cause.SHORTENED, "NOMBRE")
    with caja.transaction("mine") as transaction:
        transaction.leave_out({(Subject(Entity.PRODUCT), Key(f"P{n}")): (taxes,) for n in range(9)}, [])
        transaction.leave_out({(Subject(Entity.CUSTOMER), Key("Ñ")): (name,)}, [])
        transaction.leave_out({(Subject(Entity.STOCK, n), Key(f"S{n % 2}")): (taxes,) for n in (1, 2, 3, 4)}, [])

    def takes(subject: Subject) -> bool:
        return subject.warehouse != 4

    found = caja.left_out(takes)
    assert caja.left_out(takes, caja.state().left_out) == found
    assert found == summary(caja.state().left_out, takes)
    assert found == [
        LeftOut(entity=Entity.PRODUCT, cause=Cause.BEYOND, column="taxes", count=9, keys=tuple(Key(f"P{n}") for n in range(5))),
        LeftOut(entity=Entity.CUSTOMER, cause=Cause.SHORTENED, column="NOMBRE", count=1, keys=(Key("Ñ"),)),
        LeftOut(entity=Entity.STOCK, cause=Cause.BEYOND, column="taxes", count=3, keys=(Key("S0"), Key("S1"))),
    ]


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        ([sa.update(tables.lease).values(CAJA="norte")], "norte.*--adopt"),
        ([sa.update(tables.lease).values(LEDGER_VERSION=99)], "version 99"),
        ([sa.delete(tables.lease)], "puente setup"),
        ([sa.schema.DropTable(tables.lease)], "puente setup"),
    ],
)
def test_a_ledger_that_is_not_this_cajas_is_refused(sql_caja: OnFirebird, statements: Sequence[Any], said: str) -> None:
    caja, database, _ = sql_caja
    for statement in statements:
        execute(database, statement)
    with pytest.raises(ConfigError, match=said):
        caja.read_lease()


def test_active_rows_are_told_by_their_trimmed_keys_and_a_customer_without_a_key_of_sae_is_none(subject: UnderTest, token: str) -> None:
    write(subject, token, Entity.PRODUCT, put(FULL), put({**FULL, "sku": "P2"}))
    write(subject, token, Entity.PRODUCT, (Action.RETIRE, "P2", None))
    subject.insert("CATINVEN", {"PRODUCTO": "DE CAJA", "DESCRIPCIO": "suyo", "ALTA": "T"})
    subject.insert("CATCLIEN", {"CLIENTE": "9", "CLAVESAE": None, "NOMBRE": "de la casa", "ALTA": "T"})
    subject.insert("CATCLIEN", {"CLIENTE": "8", "CLAVESAE": "     0008", "NOMBRE": "de SAE", "ALTA": "T"})
    subject.insert("CATMONED", {"MONEDA": 2, "ALTA": "T"})
    assert sorted(subject.caja.active(Entity.PRODUCT)) == ["DE CAJA", "P1"]
    assert subject.caja.active(Entity.CUSTOMER) == ["0008"]
    assert subject.caja.active(Entity.CURRENCY) == ["2"]


def test_stock_that_drifted_is_what_differs_from_the_ledger(subject: UnderTest, token: str) -> None:
    write(subject, token, Entity.PRODUCT, put(FULL), put({**FULL, "sku": "P2"}))
    write(subject, token, Entity.STOCK, put(stock("P1", "7.25"), 1), put(stock("P2", "0.1"), 1), put(stock("P2", "4"), 2))
    write(subject, token, Entity.STOCK, (Action.RETIRE, "P9", 1))
    here = Subject(Entity.STOCK, 1)
    assert subject.caja.drifted(here, 1) == {}
    # Somebody writes another quantity behind the ledger's back
    with subject.caja.transaction(token) as transaction:
        sold = row(subject, Entity.STOCK, *put(stock("P1", "6.25"), 1))
        transaction.write(Entity.STOCK, [RowWrite(sold.action, sold.values, ("stock", 77, "P1", "applied", "h", "r", 6.25))])
    assert subject.caja.drifted(here, 1) == {"P1": 7.25}
    assert subject.caja.drifted(Subject(Entity.STOCK, 2), 2) == {}
    # A row that the log does not hold is the sweep's
    with subject.caja.transaction(token) as transaction:
        transaction.unsee(here, [Key("P1")])
    assert subject.caja.drifted(here, 1) == {}


def test_keys_that_the_log_does_not_hold_are_marked(subject: UnderTest, token: str) -> None:
    write(subject, token, Entity.PRODUCT, put(FULL), put({**FULL, "sku": "P2"}))
    with subject.caja.transaction(token) as transaction:
        transaction.unsee(Subject(Entity.PRODUCT), [Key("P2"), Key("never there")])
        transaction.unsee(Subject(Entity.CUSTOMER), [])
    hashes = subject.caja.state().hashes[Subject(Entity.PRODUCT)]
    assert hashes[Key("P2")] == UNSEEN
    assert hashes[Key("P1")] != UNSEEN


def test_ready_to_sell_is_remembered_whoever_writes_next(subject: UnderTest, token: str) -> None:
    at = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)
    assert subject.caja.state().ready_at is None
    with subject.caja.transaction(token) as transaction:
        transaction.set_ready(at)
    assert subject.caja.claim(subject.caja.read_lease(), "another", HOLDER)
    assert subject.caja.state().ready_at == subject.caja.read_lease().ready_at == at
