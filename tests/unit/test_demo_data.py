"""The demo's rows, and how they become SQL."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from puente.demo.oracle.expected_rows import byte_order, number, words
from puente.demo.retail import batches
from puente.demo.rows import UPGRADE
from puente.demo.statements import literal, sql
from puente.reference.columns import sae_metadata
from schemas.keys import BLANKS, trim

COUNT = 1500
Rows = list[Mapping[str, Any]]


@cache
def tables(seed: int = 1, count: int = COUNT) -> dict[str, Rows]:
    rows: dict[str, Rows] = {}
    for batch in batches(count, seed):
        for table, of_table in batch.items():
            rows.setdefault(table, []).extend(of_table)
    return rows


def share(rows: Iterable[object]) -> float:
    found = list(rows)
    return sum(map(bool, found)) / len(found)


def test_the_same_seed_gives_the_same_rows_and_another_seed_others() -> None:
    tables.cache_clear()
    first = tables(7, 60)
    tables.cache_clear()
    assert tables(7, 60) == first
    assert tables(8, 60) != first


def test_every_table_of_SAE_gets_rows_that_fit_its_columns() -> None:
    metadata = sae_metadata("", 9)
    # The parameters come with the empty SAE.
    assert set(tables()) == set(metadata.tables) - {"PARAM_INVENTARIO", "PARAM_DATOSBD", "PARAM_DATOSEMP"}
    for name, rows in tables().items():
        columns = metadata.tables[name].c
        assert rows, name
        for row in rows:
            for column, value in row.items():
                length = getattr(columns[column].type, "length", None)
                assert not isinstance(value, str) or length is None or len(value) <= length, (name, column, value)
            missing = [column.name for column in columns if not column.nullable and row.get(column.name) is None]
            assert not missing, (name, missing)


def test_no_two_rows_share_a_primary_key_not_even_with_trailing_blanks() -> None:
    metadata = sae_metadata("", 9)
    for name, rows in tables().items():
        key = [column.name for column in metadata.tables[name].primary_key]
        if key:
            seen = Counter(tuple(str(row[column]).rstrip(" ") for column in key) for row in rows)
            assert seen.most_common(1)[0][1] == 1, name


def test_about_46_percent_of_products_and_customers_are_baja() -> None:
    assert share(row["STATUS"] == "B" for row in tables()["INVE"]) == pytest.approx(0.46, abs=0.05)
    assert share(row["STATUS"] == "B" for row in tables()["CLIE"]) == pytest.approx(0.46, abs=0.08)
    assert {row["STATUS"] for row in tables()["CLIE"]} == set("ABMS")


def test_most_rows_share_one_stamp() -> None:
    assert share(row["VERSION_SINC"] == UPGRADE for row in tables()["INVE"]) > 0.8


def test_a_fifth_of_products_has_an_empty_line_as_nothing_or_NULL() -> None:
    lines = [row["LIN_PROD"] for row in tables()["INVE"]]
    assert share(not line for line in lines) == pytest.approx(0.2, abs=0.05)
    assert {"", None} <= set(lines)


def test_keys_and_descriptions_hold_what_imports_left_around_them() -> None:
    for name, key in (("INVE", "CVE_ART"), ("INVE", "DESCR")):
        ends = {character for row in tables()[name] for character in (row[key][0], row[key][-1])}
        assert ends & set("\t\r\n\xa0"), key
    assert len({trim(row["CVE_ART"]) for row in tables()["INVE"]}) == COUNT - 1, "one pair of keys collides once trimmed"


def test_customers_have_padded_keys_zeros_and_are_prospects_too() -> None:
    rows = tables()["CLIE"]
    assert len(rows) == COUNT // 4
    assert all(len(row["CLAVE"]) == 10 for row in rows)
    assert rows[0]["CLAVE"] == "      0001"
    assert "       188" in {row["CLAVE"] for row in rows}
    assert {row["PROSPECTO"] for row in rows} == {"S", "N"}
    assert max(len(row["NOMBRE"]) for row in rows) > 120
    assert max(len(row["EMAILPRED"] or "") for row in rows) > 60


def test_texts_hold_accents_quotes_and_euros_of_CP1252_and_nothing_beyond() -> None:
    texts = "".join(value for rows in tables().values() for row in rows for value in row.values() if isinstance(value, str))
    assert set("áéíóúñü“”€") <= set(texts)
    texts.encode("cp1252")


def test_numbers_have_the_noise_of_binary_floats_and_stock_may_be_negative() -> None:
    prices = [row["PRECIO"] for row in tables()["PRECIO_X_PROD"]]
    assert 9.999999980436769e-05 in prices
    assert share(round(price, 6) != price for price in prices) > 0.2
    assert min(row["EXIST"] for row in tables()["MULT"]) < 0


def test_stock_of_a_product_is_the_sum_of_its_warehouses_and_not_all_are_joined() -> None:
    sums: Counter[str] = Counter()
    for row in tables()["MULT"]:
        sums[trim(row["CVE_ART"])] += row["EXIST"]
    for row in tables()["INVE"]:
        if sums[trim(row["CVE_ART"])] and "750" not in row["CVE_ART"]:
            assert row["EXIST"] == pytest.approx(sums[trim(row["CVE_ART"])])
    warehouses = Counter(row["CVE_ALM"] for row in tables()["MULT"])
    assert set(warehouses) == {1, 2, 3, 4}
    assert max(warehouses.values()) < COUNT


def test_some_products_lack_a_price_and_some_have_more_bar_codes_than_CAJA_takes() -> None:
    assert {row["TIPO_ELE"] for row in tables()["INVE"]} == set("PKGS")
    lists = Counter(row["CVE_ART"] for row in tables()["PRECIO_X_PROD"])
    assert min(lists.values()) < 5
    codes = Counter(row["CVE_ART"] for row in tables()["CVES_ALTER"] if row["TIPO"] in ("N", "", None))
    assert max(codes.values()) > 3
    assert {"N", "C", "P", "", None} == {row["TIPO"] for row in tables()["CVES_ALTER"]}


def test_a_literal_is_what_Firebird_reads_back() -> None:
    assert literal("D'Oro “ñ”") == "'D''Oro “ñ”'"
    assert literal(9.999999980436769e-05) == "9.999999980436769e-05"
    assert literal(12.299999999999999) == "12.299999999999999e0"
    assert literal(datetime(2024, 8, 17, 11, 52, 38, 417000)) == "'2024-08-17 11:52:38.417'"  # noqa: DTZ001 - as SAE's
    assert literal(1249.5) == "1249.5"
    assert literal(None) == "NULL"


def test_values_stand_in_a_statement_as_literals_and_the_suffix_as_it_is() -> None:
    assert (
        sql("DELETE FROM INVE{s} WHERE CVE_ART IN {keys}", s="07", keys=("A", "B'C")) == "DELETE FROM INVE07 WHERE CVE_ART IN ('A', 'B''C')"
    )


def test_a_number_is_rounded_half_to_even_at_six_places_of_its_shortest_decimal() -> None:
    assert number(0.1234565) == Decimal("0.123456")
    assert number(0.1234575) == Decimal("0.123458")
    assert number(9.999999980436769e-05) == Decimal("0.000100")
    assert number(12.299999999999999) == Decimal("12.3")
    assert number(None) is None


def test_a_text_loses_trailing_blanks_before_and_after_it_is_shortened() -> None:
    assert words("  clavo \t\r\n\xa0", 40) == "  clavo"
    assert words("clavo de 2", 6) == "clavo"
    assert words(BLANKS, 40) is None
    assert words("", None) is None


def test_raw_keys_sort_as_their_bytes_in_SAE() -> None:
    assert sorted(["€", "ñ", "~", "\t~"], key=byte_order) == ["\t~", "~", "€", "ñ"]
    assert byte_order("\x81") == b"\x81", "CP1252 leaves it undefined; the engine passes it through"
