"""Tills beside the consumer of a real CAJA: they lock rows, add bare ones, sell, edit and delete by hand, in the midst of its transactions.

However they play, once they have gone home CAJA is what SAE says.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

import pytest
import sqlalchemy as sa

from consumer.caja.port import Switches, Transaction
from consumer.caja.sql import SqlCaja
from consumer.ledger.parked import Reason
from foundation.engines import open_database
from foundation.engines.database import Database, Writer
from foundation.engines.writing import RowWrite, Written
from foundation.errors import PuenteError
from schemas.changes import Value
from schemas.entities import CATALOGUES, Entity, Subject
from schemas.keys import KEY_FIELD, Key
from tests.contracts.test_caja import OnFirebird, sql_caja
from tests.unit.consuming import MAPPERS, Site, customer, product

__all__ = ["sql_caja"]  # a fixture

ROUNDS, TILLS = 40, 2
NUMBERS = (1, 2, 3, 4)
STORES = (1, 2)
REST_OF_CURRENCY = ("symbol", "exact_rate", "sat_code")
Values = dict[str, Any]


@dataclass
class Till:
    """A program of CAJA's own with one transaction at a time, which it leaves open for as long as it likes."""

    database: Database
    dice: random.Random
    _open: ExitStack | None = None
    _writer: Writer | None = None

    def play(self) -> None:
        act = self.dice.choice([self._lock, self._add, self._edit, self._remove, self._sell, self._post, self.commit, self.roll_back])
        try:
            act()
        except PuenteError:  # the other one holds the row, or has the key
            self.roll_back()

    def _run(self, sql: str) -> None:
        if self._open is None:
            self._open = ExitStack()
            self._writer = self._open.enter_context(self.database.writing())
        assert self._writer is not None
        self._writer.execute(sa.text(sql))

    def commit(self) -> None:
        if self._open is not None:
            opened, self._open = self._open, None
            opened.close()

    def roll_back(self) -> None:
        if self._open is not None:
            opened, self._open = self._open, None
            with suppress(_RollBack):
                opened.__exit__(_RollBack, _RollBack(), None)

    def _number(self) -> int:
        return self.dice.choice(NUMBERS)

    def _lock(self) -> None:
        n = self._number()
        table, column = self.dice.choice([("CATINVEN", "IMAGEN"), ("EXIST", "EXISTIENDA")])
        self._run(f"update {table} set {column} = {column} where PRODUCTO = 'P{n}'")

    def _add(self) -> None:
        n, own = self._number(), self.dice.randint(1, 30)
        self._run(
            self.dice.choice(
                [
                    f"insert into CATINVEN (PRODUCTO, ALTA) values ('P{n}', 'T')",
                    f"insert into EXIST (PRODUCTO, TIENDA, EXISTIENDA) values ('P{n}', {self.dice.choice(STORES)}, 99)",
                    f"insert into CATCLIEN (CLIENTE, NOMBRE, ALTA) values ('{own}', 'de la casa', 'T')",
                    f"insert into CATCLIEN (CLIENTE, CLAVESAE, NOMBRE, ALTA) values ('{own}', '{n}', 'a mano', 'T')",
                    f"insert into CATLINEA (LINEA, ALTA) values ('L{n}', 'T')",
                    f"insert into ESQIMP (CLAVE, ALTA) values ({n}, 'F')",
                    f"insert into CATMONED (MONEDA, ALTA) values ({n}, 'T')",
                ]
            )
        )

    def _edit(self) -> None:
        n = self._number()
        self._run(
            self.dice.choice(
                [
                    f"update CATINVEN set DESCRIPCIO = 'a mano', PRECIOP = 1 where PRODUCTO = 'P{n}'",
                    f"update CATINVEN set EXISTENCIA = 12345 where PRODUCTO = 'P{n}'",
                    f"update EXIST set EXISTIENDA = 77 where PRODUCTO = 'P{n}'",
                    f"update CATCLIEN set NOMBRE = 'a mano', ALTA = 'F' where CLAVESAE = '{n}'",
                    f"update CATLINEA set DESCRIPCIO = NULL where LINEA = 'L{n}'",
                    f"update ESQIMP set PORCEN1 = 99 where CLAVE = {n}",
                    f"update CATMONED set TCAMBIO = 0 where MONEDA = {n}",
                ]
            )
        )

    def _remove(self) -> None:
        table, where = self.dice.choice([("EXIST", "PRODUCTO = 'P{}'"), ("CATLINEA", "LINEA = 'L{}'"), ("CATMONED", "MONEDA = {}")])
        self._run(f"delete from {table} where {where.format(self._number())}")

    def _sell(self) -> None:
        n, store, note = self._number(), self.dice.choice(STORES), self.dice.getrandbits(60)
        self._run(f"insert into VVENTAS (NOTA, TIENDA, STATUS, ENVSAE) values ('{note}', {store}, 'N', 'F')")
        self._run(f"insert into DVENTAS (NOTA, PARTIDA, PRODUCTO, CANTIDAD) values ('{note}', 1, 'P{n}', 1)")
        self._run(f"update EXIST set EXISTIENDA = EXISTIENDA - 1 where PRODUCTO = 'P{n}' and TIENDA = {store}")

    def _post(self) -> None:
        self._run("update VVENTAS set ENVSAE = 'T' where ENVSAE = 'F'")

    def go_home(self) -> None:
        self.dice.choice([self.commit, self.roll_back])()

    def post_all(self) -> None:
        self._post()
        self.commit()


class _RollBack(Exception):
    """Ends a transaction without its changes."""


class _Played:
    """A transaction of the consumer, in which somebody plays before and after each of its effects."""

    def __init__(self, transaction: Transaction, play: Callable[[], None]) -> None:
        self._transaction, self._play = transaction, play

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transaction, name)

    def write(self, entity: Entity, rows: Sequence[RowWrite]) -> Written:
        self._play()
        written = self._transaction.write(entity, rows)
        self._play()
        return written


class _PlayedCaja:
    """A CAJA whose transactions are played in."""

    def __init__(self, caja: SqlCaja, play: Callable[[], None]) -> None:
        self._caja, self._play = caja, play

    def __getattr__(self, name: str) -> Any:
        return getattr(self._caja, name)

    @contextmanager
    def transaction(self, token: str, known: Switches | None = None) -> Iterator[Transaction]:
        self._play()
        with self._caja.transaction(token, known) as transaction:
            yield cast("Transaction", _Played(transaction, self._play))
            self._play()


@dataclass
class Sae:
    """What SAE holds now, and the log that hears of it."""

    dice: random.Random
    site: Site
    rows: dict[tuple[Subject, Key], Value | None] = field(default_factory=dict)

    def change(self) -> None:
        n, some = self.dice.choice(NUMBERS), self.dice.randint(1, 99)
        active = {"status": "active"}
        name = f"ñ {some}"
        subject, value = self.dice.choice(
            [
                (Entity.PRODUCT_LINE, {"line": f"L{n}", "description": name, "is_group": False, **active}),
                (Entity.TAX_SCHEME, {"scheme": n, "description": name, "taxes": [{"percent": Decimal(some), "base": 0}], **active}),
                (Entity.CURRENCY, {"currency": n, "description": name, "rate": Decimal(some), **dict.fromkeys(REST_OF_CURRENCY), **active}),
                (Entity.PRODUCT, product(f"P{n}", description=name, line=f"L{n}", prices=[_price(of, some) for of in range(1, 5)])),
                (Entity.PRODUCT, product(f"P{n}", description=name, prices=[_price(of, some) for of in range(1, 5)])),
                (Entity.CUSTOMER, customer(str(n), name=name)),
                *((Entity.STOCK, {"sku": f"P{n}", "warehouse": store, "quantity": Decimal(some)}) for store in STORES),
            ]
        )
        self._publish(Subject(subject, value.get("warehouse")), value, gone=self.dice.random() < 0.15)

    def _publish(self, subject: Subject, value: Value, *, gone: bool) -> None:
        key = Key(str(value[KEY_FIELD[subject.entity]]))
        self.rows[subject, key] = None if gone else value
        self.site.publish(subject, key, None if gone else dict(value))


def _price(number: int, amount: int) -> Value:
    return {"list": number, "amount": Decimal(amount), "tax_included": False}


def differences(sae: Sae, shop: Database) -> list[str]:
    """CAJA's rows against the mapping of what SAE holds."""
    found = []
    products = {row["PRODUCTO"]: row for row in _rows(shop, "CATINVEN")}
    for (subject, key), value in sae.rows.items():
        mapper, store = MAPPERS[subject.entity], subject.warehouse
        rows = [r for r in _rows(shop, mapper.plan.table) if str(r[mapper.key_column]) == key and store in (None, r.get("TIENDA"))]
        if value is None:
            found += [f"{subject} {key} is gone from SAE: {row}" for row in rows if _is_kept(subject.entity, row)]
        elif subject.entity is Entity.STOCK and key not in products:
            continue
        elif len(rows) != 1:
            found.append(f"{subject} {key}: {len(rows)} rows")
        else:
            expected = zip((column.name for column in mapper.plan.columns), mapper.row(value, store).values, strict=True)
            wrong = [(name, rows[0][name], wanted) for name, wanted in expected if name != "CLIENTE" and rows[0][name] != wanted]
            found += [f"{subject} {key} {name}: {there!r} instead of {wanted!r}" for name, there, wanted in wrong]
    with_stock = {key for (subject, key) in sae.rows if subject.entity is Entity.STOCK} & products.keys()
    for key in with_stock:
        total = sum(row["EXISTIENDA"] for row in _rows(shop, "EXIST") if row["PRODUCTO"] == key)
        found += [f"{key}: total {products[key]['EXISTENCIA']} instead of {total}"] if products[key]["EXISTENCIA"] != total else []
    return found


def _is_kept(entity: Entity, row: Values) -> bool:
    """Whether a row still counts of what SAE lacks; products are kept by the vendor's policy."""
    if entity is Entity.STOCK:
        return bool(row["EXISTIENDA"])
    return entity is not Entity.PRODUCT and row["ALTA"] == "T"


def _rows(shop: Database, table: str) -> list[Values]:
    names = list(shop.catalogue([table])[table].columns)
    with shop.reading() as reader:
        return [dict(zip(names, row, strict=True)) for row in reader.rows(sa.select(*map(sa.column, names)).select_from(sa.table(table)))]


@pytest.mark.parametrize("seed", range(4))
def test_however_tills_play_caja_ends_as_sae_says(sql_caja: OnFirebird, seed: int) -> None:
    caja, _, url = sql_caja
    dice = random.Random(seed)
    with ExitStack() as stack:
        tills = [Till(stack.enter_context(closing(open_database(url))), dice) for _ in range(TILLS)]
        shop = stack.enter_context(closing(open_database(url)))

        def play() -> None:
            if dice.random() < 0.3:
                dice.choice(tills).play()

        site = Site(caja=cast("Any", _PlayedCaja(caja, play)))
        stack.callback(site.consumer.release)
        sae = Sae(dice, site)
        for _ in range(ROUNDS):
            for _ in range(dice.randint(0, 6)):
                sae.change()
            play()
            site.step()
            site.clock.now += dice.choice([0, 1, 5, 60, 300])
        # When all have gone home
        for till in tills:
            till.go_home()
        tills[0].post_all()
        tills.clear()
        tills.append(_Nobody())
        site.clock.now += 4000
        site.say()
        site.step()
        site.consumer.ask_for_resync([*CATALOGUES, Entity.STOCK])
        site.step()
        site.say()
        site.clock.now += 4000
        site.step()
        # Then nothing of theirs is left where SAE has a word
        assert differences(sae, shop) == []
        assert {item.reason for item in caja.state().parked.values()} <= {Reason.KEPT_OUT, Reason.PARENT}


class _Nobody(Till):
    def __init__(self) -> None:
        """Has gone home."""

    def play(self) -> None:
        """Nothing."""
