"""Customers and prospects of the demo's SAE, with keys padded as SAE pads them."""

from collections.abc import Iterator

from puente.demo.catalogues import PRICE_LISTS
from puente.demo.rows import Chance, Row
from puente.demo.words import FIRST_NAMES, LAST_NAMES, LONG_NAME, PLACES, QUARTERS, STREETS, TRADE_NAMES, TRADES

KEY_LENGTH = 10
STATUSES = ("B",) * 46 + ("A",) * 44 + ("M",) * 6 + ("S",) * 4
GENERAL_PUBLIC = "XAXX010101000"


def customers(chance: Chance, count: int) -> Iterator[Row]:
    """The rows of CLIE; the first is the counter's, «Público en general»."""
    for number in range(1, count + 1):
        row = _customer(chance, number)
        yield {**row, "NOMBRE": "Público en general", "RFC": GENERAL_PUBLIC, "STATUS": "A", "PROSPECTO": "N"} if number == 1 else row


def free_fields(row: Row) -> Row:
    """The customer's row in CLIE_CLIB."""
    return {"CVE_CLIE": row["CLAVE"], "CAMPLIB1": "Ruta 3", "CAMPLIB4": 1}


def _customer(chance: Chance, number: int) -> Row:
    municipality, state, postal_code = chance.pick(PLACES)
    name, person = _name(chance)
    credit = chance.happens(0.3)
    return {
        "CLAVE": _key(chance, number), "STATUS": chance.pick(STATUSES), "NOMBRE": name, "RFC": _rfc(chance, person),
        "CALLE": chance.pick(STREETS), "NUMEXT": str(chance.between(1, 4200)),
        "NUMINT": f"Int. {chance.between(1, 30)}" if chance.happens(0.2) else "",
        "COLONIA": chance.pick(QUARTERS), "CODIGO": f"{postal_code}{chance.between(0, 999):03d}", "LOCALIDAD": municipality,
        "MUNICIPIO": municipality, "ESTADO": state, "PAIS": "México", "NACIONALIDAD": "Mexicana", "REFERDIR": "", "CLASIFIC": "",
        "TELEFONO": f"{chance.between(33, 99)} {chance.between(1000, 9999)} {chance.between(1000, 9999)}" if chance.happens(0.8) else None,
        "IMPRIR": "S", "MAIL": "S", "NIVELSEC": 0, "EMAILPRED": _mail(chance, number), "CON_CREDITO": "S" if credit else "N",
        "DIASCRED": chance.pick((15, 30, 45)) if credit else 0, "LIMCRED": chance.amount(5000, 250000) if credit else None,
        "SALDO": 0.0, "LISTA_PREC": chance.pick([number for number, _, _ in PRICE_LISTS]), "DESCUENTO": chance.pick((0.0, 0.0, 2.5, None)),
        "VENTAS": chance.amount(1, 400000), "TIPO_EMPRESA": "M", "MATRIZ": "", "PROSPECTO": "S" if chance.happens(0.08) else "N",
        "USO_CFDI": chance.pick(("G03", "G01", "S01", "")), "REG_FISC": chance.pick(("612", "626")) if person else "601",
        "CVE_PAIS_SAT": "MEX", **chance.stamped(),
    }  # fmt: skip


def _key(chance: Chance, number: int) -> str:
    """Right-justified; some were given zeros, a few letters. `'1'` and `'0001'` are different customers."""
    if number % 7 == 1:
        return f"{number:04d}".rjust(KEY_LENGTH)
    if number % 11 == 3:
        return f"{chance.pick('MVR')}-{number}".rjust(KEY_LENGTH)
    return str(number).rjust(KEY_LENGTH)


def _name(chance: Chance) -> tuple[str, bool]:
    """A name, and whether it is a person's."""
    if chance.happens(0.5):
        return f"{chance.pick(FIRST_NAMES)} {chance.pick(LAST_NAMES)} {chance.pick(LAST_NAMES)}", True
    trade_name = chance.pick(TRADE_NAMES)
    if chance.happens(0.1):
        return LONG_NAME.format(name=trade_name), False
    return f"{chance.pick(TRADES)} {trade_name}, S.A. de C.V.", False


def _rfc(chance: Chance, person: bool) -> str:
    letters = "".join(chance.pick("ABCDEFGHLMNÑOPRSTVZ") for _ in range(4 if person else 3))
    born = f"{chance.between(50, 99)}{chance.between(1, 12):02d}{chance.between(1, 28):02d}"
    return letters + born + "".join(chance.pick("ABCDEFGHJK0123456789") for _ in range(3))


def _mail(chance: Chance, number: int) -> str | None:
    """None, one address, or the list that SAE's 512 characters invite to."""
    if chance.happens(0.2):
        return None
    departments = ("compras", "facturas", "cuentasporpagar", "almacen") if chance.happens(0.1) else ("compras",)
    return ";".join(f"{department}@cliente{number}.example" for department in departments)
