"""What happens to SAE in a day: sales and purchases, clerks' edits, a form that stays open, a price round, a backup, a restore.

Each actor works in a thread and through a connection of its own. During the restore all of them stand still: its tool wants the database
for itself.
"""

import itertools
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from random import Random
from time import perf_counter, sleep

import sqlalchemy as sa

from bench.day.day import Actor, Arrived, Day, patiently, written
from foundation.engines.database import Database
from foundation.errors import ConnectionLost
from puente.config import load
from puente.demo.edits import Look
from puente.demo.statements import run, sql
from puente.demo.watch import Watcher, before, wait_for
from schemas.entities import Entity, Subject
from schemas.keys import trim
from tests.scenarios.trouble import gbak_backup, gbak_restore

COMPANY = "01"
ARRIVAL_SECONDS = 120.0
AT = {"price round": 0.35, "stocktaking": 0.55, "backup": 0.75, "restore": 0.88}
"""When what happens once happens, as a share of the day."""

SOLD = """UPDATE INVE{s} SET EXIST = EXIST - {count}, VTAS_ANL_C = COALESCE(VTAS_ANL_C, 0) + {count}, VERSION_SINC = CURRENT_TIMESTAMP
WHERE CVE_ART = {key}"""
MOVED = "UPDATE MULT{s} SET EXIST = EXIST + {count}, VERSION_SINC = CURRENT_TIMESTAMP WHERE CVE_ART = {key} AND CVE_ALM = {warehouse}"
COST = "UPDATE INVE{s} SET COSTO_PROM = COALESCE(COSTO_PROM, 0) * 1.01 + 0.1, ULT_COSTO = COSTO_PROM WHERE CVE_ART = {key}"
DEARER = "UPDATE PRECIO_X_PROD{s} SET PRECIO = PRECIO * 1.08, VERSION_SINC = CURRENT_TIMESTAMP"
COUNTED = "UPDATE MULT{s} SET EXIST = EXIST + 1 WHERE CVE_ALM = 1"
FORM = "UPDATE ALMACENES{s} SET DESCR = DESCR WHERE CVE_ALM = 1"
"""A row that nobody else writes."""


def _stocked(day: Day, sae: Database) -> list[tuple[str, int]]:
    """Products and the warehouses that have them."""
    with day.at_work(), sae.reading() as reader:
        return [(str(key), int(warehouse)) for key, warehouse in reader.rows(sa.text(f"SELECT CVE_ART, CVE_ALM FROM MULT{COMPANY}"))]


def _sells(day: Day, sae: Database, chance: Random) -> None:
    """One to eight products, as an invoice does: stock, and what SAE keeps of a product's sales."""
    stocked = _stocked(day, sae)
    while not day.over.wait(chance.uniform(0.3, 1.2)):
        sold = chance.sample(stocked, chance.randint(1, 8))
        values = [{"s": COMPANY, "key": key, "warehouse": warehouse} for key, warehouse in sold]
        day.write(sae, *(sql(SOLD, count=1, **one) for one in values), *(sql(MOVED, count=-1, **one) for one in values))


def _buys(day: Day, sae: Database, chance: Random) -> None:
    """Some dozens of products at once: stock and average cost."""
    stocked = _stocked(day, sae)
    while not day.over.wait(chance.uniform(20, 60)):
        values = [{"s": COMPANY, "key": key, "warehouse": warehouse} for key, warehouse in chance.sample(stocked, chance.randint(20, 60))]
        day.write(sae, *(sql(MOVED, count=12, **one) for one in values), *(sql(COST, **one) for one in values))


def _edits(day: Day, sae: Database, chance: Random) -> None:
    """What a clerk and an integrator do, one after the other, each timed until all CAJAs have it."""
    watchers, desk = [Watcher(caja) for caja in load(day.site.settings).caja], _Desk.of(day, sae)
    for turn in itertools.count():
        if day.over.wait(chance.uniform(0.5, 4)):
            break
        with day.at_work(), suppress(ConnectionLost):
            entity, key, statements = desk.edit(turn, chance)
            held = before(watchers, [Look(Subject(entity), (trim(key),))])
            rows = patiently(partial(written, sae, statements))
            since, at = perf_counter(), day.now
            day.count(rows=rows)
            if rows:  # what was added since the backup is gone after the restore
                took = [arrival.seconds for arrival in wait_for(held, since, ARRIVAL_SECONDS)]
                day.arrived.append(Arrived(at, None if None in took else max(one for one in took if one is not None)))
    for watcher in watchers:
        watcher.close()


@dataclass(frozen=True, slots=True)
class _Desk:
    """What there is to edit: keys as SAE writes them."""

    products: list[str]
    customers: list[str]
    lines: list[str]

    @classmethod
    def of(cls, day: Day, sae: Database) -> "_Desk":
        with day.at_work(), sae.reading() as reader:
            found = [[str(key) for (key,) in reader.rows(sa.text(query.format(s=COMPANY)))] for query in EDITED]
        return cls(*found)

    def edit(self, turn: int, chance: Random) -> tuple[Entity, str, tuple[str, ...]]:
        """Of which entity, the key, and the statements, which change something each time."""
        product, customer, line = (chance.choice(keys) for keys in (self.products, self.customers, self.lines))
        edits: list[tuple[Entity, str, tuple[str, ...]]] = [
            (Entity.PRODUCT, product, ("UPDATE PRECIO_X_PROD{s} SET PRECIO = PRECIO + 0.5 WHERE CVE_ART = {key} AND CVE_PRECIO = 1",)),
            (Entity.PRODUCT, product, ("UPDATE INVE{s} SET DESCR = {text}, VERSION_SINC = CURRENT_TIMESTAMP WHERE CVE_ART = {key}",)),
            (Entity.CUSTOMER, customer, ("UPDATE CLIE{s} SET CALLE = {text}, VERSION_SINC = CURRENT_TIMESTAMP WHERE CLAVE = {key}",)),
            (Entity.PRODUCT_LINE, line, ("UPDATE CLIN{s} SET DESC_LIN = {text} WHERE CVE_LIN = {key}",)),
            (Entity.CURRENCY, "2", ("UPDATE MONED{s} SET TCAMBIO = TCAMBIO + 0.01 WHERE NUM_MONED = 2",)),
            (Entity.PRODUCT, f"DIA-{turn}", ADDED),
        ]
        entity, key, statements = chance.choices(edits, weights=(6, 3, 3, 1, 1, 2))[0]
        return entity, key, tuple(sql(one, s=COMPANY, key=key, text=f"Cambio {turn}") for one in statements)


EDITED = (
    """SELECT P.CVE_ART FROM PRECIO_X_PROD{s} P JOIN INVE{s} I ON I.CVE_ART = P.CVE_ART
WHERE P.CVE_PRECIO = 1 AND I.STATUS = 'A' ORDER BY 1""",
    "SELECT CLAVE FROM CLIE{s} WHERE STATUS = 'A' AND (PROSPECTO IS NULL OR PROSPECTO <> 'S') ORDER BY 1",
    "SELECT CVE_LIN FROM CLIN{s} WHERE STATUS = 'A' ORDER BY 1",
)
ADDED = (
    "INSERT INTO INVE{s} (CVE_ART, DESCR, TIPO_ELE, CVE_ESQIMPU, NUM_MON, STATUS) VALUES ({key}, {text}, 'P', 1, 1, 'A')",
    "INSERT INTO PRECIO_X_PROD{s} (CVE_ART, CVE_PRECIO, PRECIO) VALUES ({key}, 1, 99.5)",
)


def _keeps_a_form_open(day: Day, sae: Database, chance: Random) -> None:
    """A transaction that wrote something and is ended minutes later, as behind a form that somebody left open."""
    while not day.over.wait(chance.uniform(5, 30)):
        with day.at_work(), suppress(ConnectionLost), sae.writing() as writer:
            day.count(rows=run(writer, sql(FORM, s=COMPANY)))
            until = day.now + chance.uniform(20, 180)
            while day.now < until and not day.over.is_set() and not day.closes:
                sleep(0.2)


def _administers(day: Day, sae: Database, _chance: Random) -> None:
    """What happens once."""
    backup = day.folder / "backup.fbk"

    def restore() -> None:
        sae.close()
        with day.left_alone():
            gbak_restore(backup, day.site.sae_url)

    doings: dict[str, Callable[[], None]] = {
        "price round": lambda: day.write(sae, sql(DEARER, s=COMPANY)),
        "stocktaking": lambda: day.write(sae, sql(COUNTED, s=COMPANY)),
        "backup": lambda: gbak_backup(day.site.sae_url, backup),
        "restore": restore,
    }
    for name, share in AT.items():
        if day.over.wait(max(0.0, share * day.length - day.now)):
            return
        day.marks[name] = day.now
        doings[name]()


ACTORS: tuple[Actor, ...] = (_sells, _buys, _edits, _keeps_a_form_open, _administers)
