"""What SAE's users, and integrators behind its back, do to it in the course of a day."""

from collections.abc import Callable
from dataclasses import dataclass

from foundation.engines.database import Database
from foundation.texts import Text, text
from puente.demo.picked import Picked
from puente.demo.statements import run, sql
from puente.reference import suffix
from schemas.entities import Entity, Subject
from schemas.keys import trim


@dataclass(frozen=True, slots=True)
class Look:
    """Where an edit shows: these keys, trimmed, of one subject."""

    subject: Subject
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Edit:
    """Statements that belong in one transaction, and where to look for what they did."""

    name: Text
    statements: tuple[str, ...]
    looks: tuple[Look, ...]


def edits(sae: Database, company: str = "01", *, warehouse: int = 1) -> list[Edit]:
    """The edits in an order that suits a demonstration, each with rows of its own, picked from what SAE holds now.

    SAE's client stamps what it writes (VERSION_SINC, where the table has one); integrators do not.
    """
    with sae.reading() as reader:
        picked = Picked(reader, suffix(company), warehouse)
        return [edit(picked) for edit in _EDITS]


def apply_edit(sae: Database, edit: Edit) -> int:
    """Runs the edit in one transaction; returns the rows it touched."""
    with sae.writing() as writer:
        return sum(run(writer, statement) for statement in edit.statements)


def _look(entity: Entity, *keys: str | int) -> tuple[Look, ...]:
    return (Look(Subject(entity), tuple(trim(str(key)) for key in keys)),)


def _look_at_stock(key: str, *warehouses: int) -> tuple[Look, ...]:
    return tuple(Look(Subject(Entity.STOCK, warehouse), (key,)) for warehouse in warehouses)


def _price(picked: Picked) -> Edit:
    key = picked.product()
    change = """UPDATE PRECIO_X_PROD{s} SET PRECIO = PRECIO * 1.1 + 0.5, VERSION_SINC = CURRENT_TIMESTAMP
WHERE CVE_ART = {key} AND CVE_PRECIO = 1"""
    return Edit(
        text("The public price of {product} rises", product=key), (sql(change, s=picked.suffix, key=key),), _look(Entity.PRODUCT, key)
    )


def _description(picked: Picked) -> Edit:
    key = picked.product()
    change = "UPDATE INVE{s} SET DESCR = {new}, VERSION_SINC = CURRENT_TIMESTAMP WHERE CVE_ART = {key}"
    statement = sql(change, s=picked.suffix, key=key, new="Piñata “El Niño” edición 20 €")
    return Edit(text("{product} gets another description, with “quotes”, ñ and €", product=key), (statement,), _look(Entity.PRODUCT, key))


def _new_product(picked: Picked) -> Edit:
    key, line, scheme = picked.new_product(), picked.line(), picked.scheme()
    inserts = (
        """INSERT INTO INVE{s} (CVE_ART, DESCR, LIN_PROD, UNI_MED, UNI_ALT, FAC_CONV, NUM_MON, EXIST, COSTO_PROM, ULT_COSTO, TIPO_ELE,
CVE_ESQIMPU, STATUS, UUID, VERSION_SINC) VALUES ({key}, 'Comal de acero 30 cm', {line}, 'pz', 'pz', 1, 1, 12, 85.5, 85.5, 'P',
{scheme}, 'A', UUID_TO_CHAR(GEN_UUID()), CURRENT_TIMESTAMP)""",
        "INSERT INTO PRECIO_X_PROD{s} (CVE_ART, CVE_PRECIO, PRECIO) VALUES ({key}, 1, 129.9)",
        "INSERT INTO PRECIO_X_PROD{s} (CVE_ART, CVE_PRECIO, PRECIO) VALUES ({key}, 2, 119.9)",
        "INSERT INTO CVES_ALTER{s} (CVE_ART, CVE_ALTER, TIPO) VALUES ({key}, {bar_code}, 'N')",
        "INSERT INTO MULT{s} (CVE_ART, CVE_ALM, STATUS, EXIST, VERSION_SINC) VALUES ({key}, {warehouse}, 'A', 12, CURRENT_TIMESTAMP)",
    )
    values = {"key": key, "line": line, "scheme": scheme, "bar_code": f"7509{key[-3:]}000017", "warehouse": picked.warehouse}
    return Edit(
        text("A new product, {product}, with two prices, a bar code and stock", product=key),
        tuple(sql(insert, s=picked.suffix, **values) for insert in inserts),
        _look(Entity.PRODUCT, key) + _look_at_stock(key, picked.warehouse),
    )


def _bar_code(picked: Picked) -> Edit:
    key = picked.product()
    insert = "INSERT INTO CVES_ALTER{s} (CVE_ART, CVE_ALTER, TIPO, CVE_CLPV) VALUES ({key}, {new}, 'N', '')"
    return Edit(
        text("{product} gets a bar code", product=key),
        (sql(insert, s=picked.suffix, key=key, new=picked.new_bar_code()),),
        _look(Entity.PRODUCT, key),
    )


def _stock(picked: Picked) -> Edit:
    key = picked.product()
    changes = (
        """UPDATE MULT{s} SET EXIST = COALESCE(EXIST, 0) + 7, VERSION_SINC = CURRENT_TIMESTAMP
WHERE CVE_ART = {key} AND CVE_ALM = {warehouse}""",
        "UPDATE INVE{s} SET EXIST = (SELECT SUM(M.EXIST) FROM MULT{s} M WHERE M.CVE_ART = {key}) WHERE CVE_ART = {key}",
    )
    return Edit(
        text("Seven of {product} come into warehouse {warehouse}", product=key, warehouse=picked.warehouse),
        tuple(sql(change, s=picked.suffix, key=key, warehouse=picked.warehouse) for change in changes),
        _look_at_stock(key, picked.warehouse),
    )


def _exchange_rate(picked: Picked) -> Edit:
    key = picked.currency()
    change = """UPDATE MONED{s} SET TCAMBIO = TCAMBIO * 1.0123, FULTCAMB = CURRENT_TIMESTAMP, VERSION_SINC = CURRENT_TIMESTAMP
WHERE NUM_MONED = {key}"""
    return Edit(
        text("The exchange rate of currency {currency} moves", currency=key),
        (sql(change, s=picked.suffix, key=key),),
        _look(Entity.CURRENCY, key),
    )


def _line(picked: Picked) -> Edit:
    key = picked.line()
    change = sql("UPDATE CLIN{s} SET DESC_LIN = {new} WHERE CVE_LIN = {key}", s=picked.suffix, key=key, new="Línea “renovada”")
    return Edit(
        text("Product line {line} gets another name (its table has no stamp)", line=trim(key)), (change,), _look(Entity.PRODUCT_LINE, key)
    )


def _tax(picked: Picked) -> Edit:
    key = picked.scheme()
    change = "UPDATE IMPU{s} SET IMPUESTO1 = IMPUESTO1 + 1, VERSION_SINC = CURRENT_TIMESTAMP WHERE CVE_ESQIMPU = {key}"
    return Edit(
        text("The first tax of scheme {scheme} rises by one point", scheme=key),
        (sql(change, s=picked.suffix, key=key),),
        _look(Entity.TAX_SCHEME, key),
    )


def _customer(picked: Picked) -> Edit:
    key = picked.customer()
    change = """UPDATE CLIE{s} SET CALLE = 'Av. Niños Héroes', NUMEXT = '1847', TELEFONO = '33 1847 0913', LIMCRED = 25000.5,
VERSION_SINC = CURRENT_TIMESTAMP WHERE CLAVE = {key}"""
    return Edit(
        text("Customer {customer} moves to another street", customer=trim(key)),
        (sql(change, s=picked.suffix, key=key),),
        _look(Entity.CUSTOMER, key),
    )


def _baja(picked: Picked) -> Edit:
    key = picked.product()
    change = sql("UPDATE INVE{s} SET STATUS = 'B', VERSION_SINC = CURRENT_TIMESTAMP WHERE CVE_ART = {key}", s=picked.suffix, key=key)
    return Edit(text("{product} is given its «baja»", product=key), (change,), _look(Entity.PRODUCT, key))


def _price_fix(picked: Picked) -> Edit:
    keys = picked.products(5)
    change = "UPDATE PRECIO_X_PROD{s} SET PRECIO = ROUND(PRECIO * 1.05, 2) + 0.01 WHERE CVE_PRECIO = 1 AND CVE_ART IN {keys}"
    return Edit(
        text("An integrator corrects {count} prices by SQL and leaves the stamps alone", count=len(keys)),
        (sql(change, s=picked.suffix, keys=keys),),
        _look(Entity.PRODUCT, *keys),
    )


def _deleted_product(picked: Picked) -> Edit:
    key = picked.product()
    tables = ("PRECIO_X_PROD", "CVES_ALTER", "MULT", "INVE")
    deletes = (sql("DELETE FROM {s} WHERE CVE_ART = {key}", s=name + picked.suffix, key=key) for name in tables)
    return Edit(
        text("{product} is deleted from SAE", product=key),
        (_logged(picked, "INVE", "CVE_ART", key), *deletes),
        _look(Entity.PRODUCT, key) + _look_at_stock(key, *picked.warehouses(key)),
    )


def _deleted_customer(picked: Picked) -> Edit:
    key = picked.customer()
    delete = sql("DELETE FROM CLIE{s} WHERE CLAVE = {key}", s=picked.suffix, key=key)
    return Edit(
        text("Customer {customer} is deleted from SAE", customer=trim(key)),
        (_logged(picked, "CLIE", "CLAVE", key), delete),
        _look(Entity.CUSTOMER, key),
    )


def _logged(picked: Picked, name: str, column: str, key: str) -> str:
    """SAE's own log of deletes, which holds no business key."""
    insert = """INSERT INTO CTRL_ELIMINA{s} (TABLA, UUID_REG, VERSION_SINC, UUID)
SELECT {name}, COALESCE(UUID, ''), CURRENT_TIMESTAMP, UUID_TO_CHAR(GEN_UUID()) FROM """
    return sql(insert + name + "{s} WHERE " + column + " = {key}", s=picked.suffix, name=name, key=key)


_EDITS: tuple[Callable[[Picked], Edit], ...] = (
    _price,
    _description,
    _new_product,
    _bar_code,
    _stock,
    _exchange_rate,
    _line,
    _tax,
    _customer,
    _baja,
    _price_fix,
    _deleted_product,
    _deleted_customer,
)
