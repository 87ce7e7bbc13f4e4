"""What SAE's rows are in CAJA: the rules once more, written apart from the program so that each can catch the other.

Nothing here knows the producer, the consumer or the events between them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from sqlalchemy import column, select, table

from foundation.engines.catalogue import Catalogue
from foundation.engines.database import Reader

Row = Mapping[str, Any]
Rows = Mapping[Any, Row]
Widths = Mapping[str, int | None]
"""Characters of a CAJA table's columns."""

PADDING = " \t\r\n\u00a0"
SIX_PLACES = Decimal("0.000001")
_CONTEXT = Context(prec=60, rounding=ROUND_HALF_EVEN)
PRICE_COLUMNS = {"PRECIOP": 1, "PRECIO2": 2, "PRECIO3": 3, "PRECIO4": 4}

CUSTOMER_TEXTS = {
    "NOMBRE": "NOMBRE", "RFC": "RFC", "CALLE": "CALLE", "NUMEXT": "NUMEXT", "NUMINT": "NUMINT", "COLONIA": "COLONIA", "CODIGO": "CODIGO",
    "MUNICIPIO": "MUNICIPIO", "ESTADO": "ESTADO", "PAIS": "PAIS", "TELEFONO": "TELEFONO", "EMAIL": "EMAILPRED", "USOCFDI": "USO_CFDI",
    "REGFISC": "REG_FISC",
}  # fmt: skip
"""CATCLIEN's columns and CLIE's."""


def number(value: Any) -> Decimal | None:
    """Six places, half to even, from the shortest decimal that is this float."""
    return None if value is None else Decimal(repr(float(value))).quantize(SIX_PLACES, context=_CONTEXT)


def digits(value: Any) -> float | None:
    """The 15 digits of a binary float that are no noise."""
    return None if value is None else float(f"{float(value):.15g}")


def words(value: str | None, width: int | None) -> str | None:
    """A text as CAJA's column takes it; nothing is NULL."""
    shown = (value or "").rstrip(PADDING)[:width]
    return shown.rstrip(PADDING) or None


def addresses(value: str | None, width: int | None) -> str | None:
    """A list of addresses as a column takes it: whole ones, as many as fit."""
    shown = (value or "").rstrip(PADDING)
    if width is None or len(shown) <= width:
        return words(shown, width)
    cut = max(shown.rfind(mark, 0, width + 1) for mark in ";, ")
    return shown[: max(cut, 0)].rstrip(";, ") or None


def trimmed(value: str | None) -> str:
    return (value or "").strip(PADDING)


def byte_order(raw: str | None) -> bytes:
    """How a raw key sorts where it is stored: in CP1252, control characters as they are."""
    try:
        return (raw or "").encode("cp1252")
    except UnicodeEncodeError:
        return b"".join(_byte(character) for character in raw or "")


def _byte(character: str) -> bytes:
    try:
        return character.encode("cp1252")
    except UnicodeEncodeError:
        return character.encode("latin-1", "replace")


@dataclass(frozen=True)
class Sae:
    """One company's tables through one snapshot; a column that this version lacks reads as NULL."""

    reader: Reader
    catalogue: Catalogue
    company: str
    _read: dict[tuple[str, ...], list[Row]] = field(default_factory=dict)
    """What was read before: each CAJA of a site is compared with the same rows."""

    def rows(self, *asked: str) -> list[Row]:
        """Of the table that `asked` names first, the columns that it names then."""
        if asked not in self._read:
            self._read[asked] = self._rows(*asked)
        return self._read[asked]

    def _rows(self, name: str, *columns: str) -> list[Row]:
        full = name + self.company
        present = [wanted for wanted in columns if wanted in self.catalogue[full].columns]
        query: Any = select(*(column(wanted) for wanted in present)).select_from(table(full))
        return [dict.fromkeys(columns) | dict(zip(present, values, strict=True)) for values in self.reader.rows(query)]


def lines(sae: Sae, widths: Widths) -> Rows:
    rows = sae.rows("CLIN", "CVE_LIN", "DESC_LIN", "STATUS")
    return {
        key: {"LINEA": key, "DESCRIPCIO": words(row["DESC_LIN"], widths["DESCRIPCIO"]), "ALTA": active(row)}
        for key, row in _by_key(rows, "CVE_LIN").items()
    }


def schemes(sae: Sae, widths: Widths) -> Rows:
    taxes = [name for place in range(1, 5) for name in (f"IMPUESTO{place}", f"IMP{place}APLICA")]
    return {row["CVE_ESQIMPU"]: _scheme(row, widths) for row in sae.rows("IMPU", "CVE_ESQIMPU", "DESCRIPESQ", "STATUS", *taxes)}


def _scheme(row: Row, widths: Widths) -> Row:
    percents = {f"PORCEN{place}": number(row[f"IMPUESTO{place}"] or 0) for place in range(1, 5)}
    bases = {f"APLICA{place}": row[f"IMP{place}APLICA"] or 0 for place in range(1, 5)}
    description = words(row["DESCRIPESQ"], widths["DESCRIPCIO"])
    return {"CLAVE": row["CVE_ESQIMPU"], "DESCRIPCIO": description, **percents, **bases, "ALTA": active(row)}


def currencies(sae: Sae, widths: Widths) -> Rows:
    rows = sae.rows("MONED", "NUM_MONED", "DESCR", "SIMBOLO", "TCAMBIO", "CVE_MONED", "STATUS")
    return {
        row["NUM_MONED"]: {
            "MONEDA": row["NUM_MONED"],
            "DESCRIPCIO": words(row["DESCR"], widths["DESCRIPCIO"]),
            "SIMBOLO": words(row["SIMBOLO"], widths["SIMBOLO"]),
            "TCAMBIO": digits(row["TCAMBIO"] or 0),
            "CVESAT": words(row["CVE_MONED"], widths["CVESAT"]),
            "ALTA": active(row),
        }
        for row in rows
    }


def products(sae: Sae, widths: Widths, lists: Mapping[str, int]) -> Rows:
    """`lists` says which of SAE's price lists feeds which column."""
    columns = ("DESCR", "LIN_PROD", "UNI_ALT", "CVE_ESQIMPU", "NUM_MON", "TIPO_ELE", "COSTO_PROM", "CVE_PRODSERV", "CVE_UNIDAD", "STATUS")
    rows = _by_key(sae.rows("INVE", "CVE_ART", *columns), "CVE_ART")
    prices, bar_codes = _prices(sae), _bar_codes(sae)
    fed = {**PRICE_COLUMNS, **lists}
    return {
        key: {
            **_product(key, row, widths),
            **{name: number(prices.get((key, price_list))) for name, price_list in fed.items()},
            **dict(zip(("CLVALTER1", "CLVALTER2", "CLVALTER3"), [*sorted(bar_codes.get(key, ())), None, None, None], strict=False)),
        }
        for key, row in rows.items()
    }


def _product(key: str, row: Row, widths: Widths) -> Row:
    return {
        "PRODUCTO": key,
        "DESCRIPCIO": words(row["DESCR"], widths["DESCRIPCIO"]),
        "LINEA": trimmed(row["LIN_PROD"]) or None,
        "USALIDA": words(row["UNI_ALT"], widths["USALIDA"]),
        "ESQIMP": row["CVE_ESQIMPU"],
        "MONEDA": row["NUM_MON"],
        "TIPO": row["TIPO_ELE"] if row["TIPO_ELE"] in ("K", "G", "S") else "P",
        "COSTOPROM": number(row["COSTO_PROM"]),
        "CVEPROSAT": words(row["CVE_PRODSERV"], widths["CVEPROSAT"]),
        "CVEUNISAT": words(row["CVE_UNIDAD"], widths["CVEUNISAT"]),
        "ALTA": active(row),
    }


def _prices(sae: Sae) -> Mapping[tuple[str, int], Any]:
    rows = sae.rows("PRECIO_X_PROD", "CVE_ART", "CVE_PRECIO", "PRECIO")
    found = _first(rows, lambda row: (trimmed(row["CVE_ART"]), row["CVE_PRECIO"]), "CVE_ART")
    return {key: row["PRECIO"] for key, row in found.items()}


def _bar_codes(sae: Sae) -> Mapping[str, set[str]]:
    rows = sae.rows("CVES_ALTER", "CVE_ART", "CVE_ALTER", "TIPO")
    found = _first(rows, lambda row: (trimmed(row["CVE_ART"]), trimmed(row["CVE_ALTER"])), "CVE_ART", "CVE_ALTER")
    codes: dict[str, set[str]] = {}
    for (product, code), row in found.items():
        if code and trimmed(row["TIPO"]) in ("", "N"):
            codes.setdefault(product, set()).add(code)
    return codes


def customers(sae: Sae, widths: Widths) -> Rows:
    """Without prospects."""
    numbers = ("LISTA_PREC", "DESCUENTO", "CON_CREDITO", "DIASCRED", "LIMCRED")
    rows = sae.rows("CLIE", "CLAVE", "STATUS", "PROSPECTO", *numbers, *CUSTOMER_TEXTS.values())
    real = [row for row in rows if row["PROSPECTO"] != "S"]
    return {key: _customer(key, row, widths) for key, row in _by_key(real, "CLAVE").items()}


def _customer(key: str, row: Row, widths: Widths) -> Row:
    return {
        "CLAVESAE": key,
        **{name: words(row[source], widths[name]) for name, source in CUSTOMER_TEXTS.items()},
        "EMAIL": addresses(row[CUSTOMER_TEXTS["EMAIL"]], widths["EMAIL"]),
        "LISTAPREC": row["LISTA_PREC"],
        "DESCUENTO": number(row["DESCUENTO"]),
        "CREDITO": "T" if row["CON_CREDITO"] == "S" else "F",
        "DIASCRED": row["DIASCRED"],
        "LIMCRED": number(row["LIMCRED"]),
        "ESTATUS": row["STATUS"] if row["STATUS"] in ("B", "M", "S") else "A",
        "ALTA": active(row),
    }


def stock(sae: Sae) -> Mapping[int, Mapping[str, Decimal]]:
    """Quantities by warehouse and product."""
    quantities: dict[int, dict[str, Decimal]] = {}
    for (warehouse, product), row in _first(_stock_rows(sae), lambda row: (row["CVE_ALM"], trimmed(row["CVE_ART"])), "CVE_ART").items():
        quantities.setdefault(warehouse, {})[product] = number(row["EXIST"] or 0) or Decimal(0)
    return quantities


def _stock_rows(sae: Sae) -> Sequence[Row]:
    settings = sae.rows("PARAM_INVENTARIO", "MULTIALMACEN", "ALMACENPREDETER")
    if settings and settings[0]["MULTIALMACEN"] == "S":
        return sae.rows("MULT", "CVE_ART", "CVE_ALM", "EXIST")
    only = (settings[0]["ALMACENPREDETER"] if settings else None) or 1
    return [{**row, "CVE_ALM": only} for row in sae.rows("INVE", "CVE_ART", "EXIST")]


def active(row: Row) -> str:
    return "F" if row["STATUS"] == "B" else "T"


def _by_key(rows: Iterable[Row], name: str) -> Mapping[str, Row]:
    return _first(rows, lambda row: trimmed(row[name]), name)


def _first(rows: Iterable[Row], key: Callable[[Row], Any], *raw: str) -> Mapping[Any, Row]:
    """Of rows whose keys are one when trimmed, the first in byte order of the raw ones."""
    found: dict[Any, Row] = {}
    for row in sorted(rows, key=lambda row: [byte_order(row[name]) for name in raw]):
        found.setdefault(key(row), row)
    return found
