"""The script that `puente grants` prints, as far as no database is needed."""

from pathlib import Path
from typing import Any

import pytest

from foundation import texts
from foundation.errors import ConfigError
from puente.commands import grants
from puente.commands.grants import Script
from puente.commands.privileges import Need, needs_of_caja, needs_of_ledger, needs_of_sae
from puente.config import CajaSettings, Settings
from tests.unit.consuming import PROFILE

HOST = "firebird+firebird://{user}erp:3051/C:/Datos/SAE90EMPRE07.FDB"


def settings(user: str = "", **changed: Any) -> Settings:
    return Settings.model_validate({"company": "07", "sae": {"url": HOST.format(user=user)}, **changed})


def caja(user: str = "", **changed: Any) -> CajaSettings:
    return CajaSettings.model_validate({"name": "centro", "url": HOST.format(user=user), **changed})


def tables(script: Script, privileges: str) -> list[str]:
    """Of the grants of exactly these privileges."""
    begin = f"GRANT {privileges} ON "
    return [grant.removeprefix(begin).split()[0] for grant in script.grants if grant.startswith(begin)]


def test_the_reader_may_read_the_tables_of_the_company_and_do_nothing_else() -> None:
    script = grants.for_sae(settings())
    assert tables(script, "SELECT") == [need.table for need in needs_of_sae("07")]
    assert len(tables(script, "SELECT")) == len(script.grants) - 1 == 11
    assert "INVE07" in tables(script, "SELECT")


def test_the_writer_may_write_what_sae_feeds_and_read_what_caja_alone_knows() -> None:
    script = grants.for_caja(caja())
    assert tables(script, "SELECT, INSERT, UPDATE") == ["CATCLIEN", "CATINVEN", "CATLINEA", "CATMONED", "ESQIMP", "EXIST"]
    assert tables(script, "SELECT") == ["DVENTAS", "PARAMS", "TIENDAS", "VVENTAS"]
    assert not any("DELETE" in grant and "PUENTE_" not in grant and "MON$ATTACHMENTS" not in grant for grant in script.grants)


def test_rights_do_not_hang_on_the_boxes_that_are_ticked() -> None:
    assert grants.for_caja(caja(entities=["product"], stock="off")).grants == grants.for_caja(caja()).grants


def test_a_table_that_holds_the_total_of_stock_alone_is_written_too() -> None:
    stock = PROFILE.stock.model_copy(update={"total": PROFILE.stock.total and PROFILE.stock.total.model_copy(update={"table": "TOTALES"})})
    needs = {need.table: need for need in needs_of_caja(PROFILE.model_copy(update={"stock": stock}))}
    assert needs["TOTALES"].columns == ("EXISTENCIA",)
    assert "UPDATE" in needs["TOTALES"].privileges


def test_every_column_that_is_written_is_one_that_a_need_names() -> None:
    needs = {need.table: need for need in [*needs_of_caja(PROFILE), *needs_of_ledger()]}
    assert {"PRODUCTO", "ALTA", "EXISTENCIA", "PRECIOP"} <= set(needs["CATINVEN"].columns)
    assert "HEARTBEAT" in needs["PUENTE_LEASE"].columns
    assert needs["PARAMS"] == Need("PARAMS", needs["PARAMS"].privileges, ())


@pytest.mark.parametrize(
    ("in_url", "option", "made"),
    [("", None, "LECTOR"), ("SYSDBA:x@", None, "LECTOR"), ("sysdba:x@", None, "LECTOR"), ("ana:x@", None, "ANA"), ("ana:x@", "eva", "EVA")],
)
def test_the_user_is_the_one_that_is_named_and_never_the_administrator(in_url: str, option: str | None, made: str) -> None:
    assert grants.for_sae(settings(in_url), option).user == made
    assert grants.for_caja(caja(in_url), option).user == made.replace("LECTOR", "ESCRITOR")


@pytest.mark.parametrize("name", ["SYSDBA", "sysdba", "1A", "A B", "A;B", "Ñ", "A" * 32, ""])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ConfigError):
        grants.for_caja(caja("x-y:z@" if not name else ""), name or None)


def test_the_script_says_for_which_database_it_is_and_shows_no_password() -> None:
    script = grants.for_sae(settings("SYSDBA:masterkey@")).text(None)
    assert '"erp/3051:C:/Datos/SAE90EMPRE07.FDB"' in script
    assert "masterkey" not in script
    assert "DECLARE GIVEN VARCHAR(255) = <" in script


def test_a_password_is_a_literal_whatever_is_in_it() -> None:
    assert "DECLARE GIVEN VARCHAR(255) = 'it''s; \"x\"';" in grants.for_sae(settings()).text('it\'s; "x"')
    for wrong in ("", "ñandú", "a\nb"):
        with pytest.raises(ConfigError):
            grants.for_sae(settings()).text(wrong)


def test_a_company_that_nobody_knows_is_asked_for(tmp_path: Path) -> None:
    nowhere = {"url": f"firebird+firebird:///{tmp_path}/nowhere.fdb"}
    with pytest.raises(ConfigError, match=r"set company to its two digits.*nowhere\.fdb"):
        grants.for_sae(Settings.model_validate({"sae": nowhere}))
    assert len(grants.for_sae(Settings.model_validate({"company": "03", "sae": nowhere})).grants) == 12
    with pytest.raises(ConfigError, match="no SAE"):
        grants.for_sae(Settings())


def test_what_a_script_says_of_itself_is_in_the_readers_language() -> None:
    texts.use("es")
    try:
        script = grants.for_sae(settings()).text(None)
    finally:
        texts.use("en")
    assert "Ejecútelo como SYSDBA: isql -user SYSDBA" in script
    assert "<escriba aquí la contraseña" in script
