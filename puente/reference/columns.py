"""The tables of SAE and CAJA as SQLAlchemy metadata, out of `sae-columns.csv` and `caja-reference.csv`."""

import csv
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

from sqlalchemy import DOUBLE_PRECISION, Column, DateTime, Integer, MetaData, String, Table, Text, text
from sqlalchemy.types import TypeEngine

TYPES: Mapping[str, TypeEngine[Any]] = {
    "INTEGER": Integer(),
    "DOUBLE": DOUBLE_PRECISION(),
    "TIMESTAMP": DateTime(),  # on SQL Server the word TIMESTAMP is a row's version
    "BLOB SUB_TYPE 1": Text(),
}

Fact = Mapping[str, str]
"""One line of a list."""


def facts(name: str) -> Iterator[Fact]:
    """The lines of one of the lists in this package."""
    with files("puente.reference").joinpath(name).open(encoding="utf-8") as lines:
        yield from csv.DictReader(lines)


def sae_metadata(suffix: str, version: int) -> MetaData:
    """Every table of SAE, named with the company's suffix, as the version has it."""
    metadata = MetaData()
    for table, lines in _by_table("sae-columns.csv").items():
        kept = [line for line in lines if version > 8 or not _newer_than_8(line)]
        Table(table + suffix, metadata, *(_column(line, key=line["pk_position"], default=line["default"]) for line in kept))
    return metadata


def caja_metadata() -> MetaData:
    """Every table of the reference CAJA."""
    metadata = MetaData()
    for table, lines in _by_table("caja-reference.csv").items():
        Table(table, metadata, *(_column(line, key=line["key"]) for line in lines))
    return metadata


def _by_table(name: str) -> dict[str, list[Fact]]:
    tables: dict[str, list[Fact]] = {}
    for line in facts(name):
        tables.setdefault(line["table"], []).append(line)
    return tables


def _column(line: Fact, *, key: str, default: str = "") -> Column[Any]:
    return Column(
        line["column"],
        _type(line["type"]),
        primary_key=key.isdigit(),
        autoincrement=False,
        unique=key == "unique" or None,
        nullable=line["nullable"] == "yes",
        server_default=text(default) if default else None,
    )


def _type(name: str) -> TypeEngine[Any]:
    if varchar := re.fullmatch(r"VARCHAR\((\d+)\)", name):
        return String(int(varchar[1]))
    return TYPES[name]


def _newer_than_8(line: Fact) -> bool:
    """SAE 8 has four taxes, and fewer columns in INVE (50), CLIE (86), MULT and PRECIOS."""
    table, column, position = line["table"], line["column"], int(line["position"])
    match table:
        case "INVE":
            return position >= 50
        case "CLIE":
            return position >= 91 or column == "DES_PER" or _fifth_tax_or_later(column)
        case "IMPU" | "PARAM_INVENTARIO":
            return _fifth_tax_or_later(column)
        case _:
            return (table, column) in {("MULT", "PEND_SURT"), ("PRECIOS", "CON_IMPU")}


def _fifth_tax_or_later(column: str) -> bool:
    """IMPUESTO5, IMP5APLICA, NOMBREIMP5, NOMBREIMP5SAT, DES_IMPU5 …"""
    return re.search(r"IMP[A-Z]*[5-8]", column) is not None
