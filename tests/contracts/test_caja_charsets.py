"""A CAJA whose texts are in another character set is served, each with the bytes that are right there."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from decimal import Decimal

import firebird.driver
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from consumer.caja.sql import SqlCaja
from consumer.mapping.profile import check
from consumer.resync.imagined import ImaginedTable
from foundation.engines import open_database
from foundation.engines.catalogue import Kind
from foundation.engines.database import Database
from foundation.engines.firebird.attach import dsn_of
from foundation.engines.writing import Action
from foundation.errors import ConfigError
from schemas.entities import Entity, Subject
from schemas.keys import Key
from tests.contracts.test_caja import FULL, HOLDER, STORES, UnderTest, execute, on_firebird, parked, products, put, stock, write
from tests.engines.embedded import Engine
from tests.unit.consuming import PROFILE, customer

CODECS = {"ISO8859_1": "cp1252", "WIN1252": "cp1252", "NONE": "cp1252", "UTF8": "utf-8"}
KEY, SAID = "Ñ€ “1”", "Cinta “doble” ñÑ áéíóú € — ¿½?"
GOOD = {**FULL, "average_cost": None, "sku": KEY, "description": SAID, "line": "ñ€", "alternate_keys": [{"key": "“7”", "kind": "none"}]}


@pytest.fixture(params=CODECS)
def charset(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(engine: Engine) -> str:
    return engine.new_url("caja")


@pytest.fixture
def subject(url: str, charset: str) -> Iterator[UnderTest]:
    plain = [replace(store, name=store.name.encode("ascii", "ignore").decode()) for store in STORES]
    for found in on_firebird(url, charset=charset, stores=plain):
        name_store(url, charset, found)
        assert found.caja.claim(found.caja.read_lease(), "mine", HOLDER)
        yield found


def by_a_till(url: str, *statements: tuple[str, tuple[object, ...]]) -> None:
    """As a program whose texts are all UTF8."""
    parsed = make_url(url)
    user = {"user": parsed.username or "SYSDBA", "password": parsed.password, "charset": "UTF8"}
    with firebird.driver.connect(dsn_of(parsed), **user) as connection, closing(connection.cursor()) as cursor:
        for statement, values in statements:
            cursor.execute(statement, values)
        connection.commit()


def name_store(url: str, charset: str, subject: UnderTest) -> None:
    if charset == "UTF8":
        by_a_till(url, ("update TIENDAS set DESCRIPCIO = ? where TIENDA = 1", ("Centro ñ",)))
    else:
        subject.update("TIENDAS", ("TIENDA", 1), {"DESCRIPCIO": "Centro ñ"})


def sell(url: str, charset: str, subject: UnderTest) -> None:
    if charset == "UTF8":
        by_a_till(
            url,
            ("insert into VVENTAS (NOTA, TIENDA, STATUS, ENVSAE) values ('1', 1, 'N', 'F')", ()),
            ("insert into DVENTAS (NOTA, PARTIDA, PRODUCTO) values ('1', 1, ?)", (KEY,)),
        )
    else:
        subject.sell(1, KEY, "F", "N")


def stored(url: str, charset: str, column: str, table: str) -> list[str]:
    """As another program of this character set has the bytes, blanks at the end left out."""
    parsed = make_url(url)
    raw = f"cast({column} as varchar(400) character set octets)"
    user = {"user": parsed.username or "SYSDBA", "password": parsed.password}
    with firebird.driver.connect(dsn_of(parsed), **user) as connection, closing(connection.cursor()) as cursor:
        found = cursor.execute(f"select {raw} from {table}").fetchall()
    return [row[0].decode(CODECS[charset]).rstrip() for row in found if row[0]]


def test_texts_and_keys_are_written_with_the_right_bytes_and_are_equal_then(subject: UnderTest, url: str, charset: str) -> None:
    writes = [put(GOOD), put({**GOOD, "sku": "P2", "description": "ñ" * 40})]
    assert write(subject, "mine", Entity.PRODUCT, *writes) == (2, [])
    assert write(subject, "mine", Entity.CUSTOMER, put(customer(KEY, name=SAID))) == (1, [])
    assert sorted(stored(url, charset, "DESCRIPCIO", "CATINVEN")) == sorted([SAID, "ñ" * 40])
    assert stored(url, charset, "PRODUCTO", "CATINVEN") == [KEY, "P2"]
    assert stored(url, charset, "NOMBRE", "CATCLIEN") == [SAID]
    assert write(subject, "mine", Entity.PRODUCT, *writes) == (0, [])
    assert write(subject, "mine", Entity.CUSTOMER, put(customer(KEY, name=SAID))) == (0, [])
    assert write(subject, "mine", Entity.PRODUCT, (Action.RETIRE, KEY, None)) == (1, [])


def test_what_was_written_is_read_as_it_was_meant(subject: UnderTest, url: str, charset: str) -> None:
    write(subject, "mine", Entity.PRODUCT, put(GOOD))
    write(subject, "mine", Entity.CUSTOMER, put(customer(KEY, name=SAID)))
    found = products(subject)[KEY]
    assert (found["DESCRIPCIO"], found["LINEA"], found["CLVALTER1"]) == (SAID, "ñ€", "“7”")
    assert subject.caja.active(Entity.CUSTOMER) == [KEY]
    assert set(subject.caja.state().hashes[Subject(Entity.PRODUCT)]) == {KEY}
    assert [store.name for store in subject.caja.stores()] == ["Centro ñ", "Reforma", "Sin almacn"]
    sell(url, charset, subject)
    assert isinstance(subject.caja, SqlCaja)
    assert subject.caja.unposted() == {(1, KEY)}
    mapper = subject.mappers[Entity.PRODUCT]
    table = ImaginedTable(mapper, subject.caja.rows(Entity.PRODUCT))
    assert table.effect(Action.PUT, mapper.row(GOOD, None).values) == "equal"
    item = parked(KEY, detail=SAID)
    with subject.caja.transaction("mine") as transaction:
        transaction.park([item])
    assert subject.caja.state().parked == {item.place: item}
    with subject.caja.transaction("mine") as transaction:
        transaction.release([item.place])
    assert subject.caja.state().parked == {}


def test_stock_finds_its_product_and_does_not_drift(subject: UnderTest) -> None:
    write(subject, "mine", Entity.PRODUCT, put(GOOD))
    assert write(subject, "mine", Entity.STOCK, put({**stock(KEY, "2.5"), "quantity": Decimal("2.5")}, 1)) == (1, [])
    assert subject.caja.drifted(Subject(Entity.STOCK, 1), 1) == {}
    assert subject.caja.wrong_totals() == []
    subject.update("EXIST", ("TIENDA", 1), {"EXISTIENDA": 7})
    assert subject.caja.drifted(Subject(Entity.STOCK, 1), 1) == {Key(KEY): 2.5}
    assert subject.caja.wrong_totals() == [KEY]
    assert write(subject, "mine", Entity.STOCK, put(stock(KEY, "2.5"), 1), (Action.TOTAL, KEY, 1)) == (1, [])


def test_keys_are_read_packed(subject: UnderTest, url: str) -> None:
    write(subject, "mine", Entity.PRODUCT, put(GOOD), put({**GOOD, "sku": "P2"}))
    write(subject, "mine", Entity.STOCK, put(stock(KEY, "1"), 1))
    with closing(open_database(url)) as database:
        columns = {name: table.columns for name, table in database.catalogue().items()}
        with database.reading() as reader:
            assert sorted(reader.keys("CATINVEN", [columns["CATINVEN"]["PRODUCTO"]])) == [("P2",), (KEY,)]
            assert list(reader.keys("EXIST", [columns["EXIST"][name] for name in ("PRODUCTO", "TIENDA")])) == [(KEY, 1)]


def test_a_text_that_cp1252_lacks_is_read_where_the_database_can_hold_it(engine: Engine) -> None:
    url = engine.new_url("caja")
    for subject in on_firebird(url, charset="UTF8", stores=()):
        by_a_till(url, ("insert into CATINVEN (PRODUCTO, DESCRIPCIO, ALTA) values (?, ?, 'T')", ("中1", "中文 ñ 🙂")))
        assert subject.caja.active(Entity.PRODUCT) == ["中1"]
        assert products(subject)["中1"]["DESCRIPCIO"] == "中文 ñ 🙂"


def test_what_cannot_be_served_is_one_line(engine: Engine) -> None:
    url = engine.new_url("caja")
    for _ in on_firebird(url):
        with closing(open_database(url)) as database:
            for column in ("DESCRIPCIO", "LINEA"):
                alter(database, column)
            catalogue = database.catalogue()
        with pytest.raises(ConfigError, match=r"CATINVEN\.DESCRIPCIO \(of 2 columns\) has the character set DOS850") as raised:
            check(PROFILE, catalogue, "centro")
        assert str(raised.value).count("DOS850") == 1


def alter(database: Database, column: str) -> None:
    length = database.catalogue()["CATINVEN"].columns[column].length
    execute(database, sa.text(f"alter table CATINVEN drop {column}"))
    execute(database, sa.text(f"alter table CATINVEN add {column} varchar({length}) character set DOS850"))
    assert database.catalogue()["CATINVEN"].columns[column].kind is Kind.TEXT
