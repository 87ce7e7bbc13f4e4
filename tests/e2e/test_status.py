"""`puente status`: a state in one word, what is behind and for how long, and an exit code that an alert can go by."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from consumer.leftout import FIELDS
from foundation.errors import ExitCode
from foundation.eventlog.port import START
from puente.commands.heartbeat import PRODUCES, ProducerState
from puente.commands.status.model import WORKS, State
from tests.e2e.running import Running
from tests.e2e.screens import on_a_terminal
from tests.e2e.small_site import COMMAND, SmallSite, build, wait_until
from tests.e2e.statuses import VALIDATOR, ask
from tests.engines.faulty_line import FaultyLine
from tests.engines.firebird_server import FirebirdServer
from tests.engines.prepared import prepared

pytestmark = pytest.mark.e2e
PAGE = Path(__file__).parents[2] / "docs/status.md"
ALL_WORK = {"SAE": "working", "centro": "working", "norte": "working"}
HOURS = "\n".join(f"{name}_seconds = 3600" for name in ("connect", "login", "statement"))
NOWHERE = "firebird+firebird://nobody:nothing@127.0.0.1:1/nowhere"


@pytest.fixture
def site(tmp_path: Path, firebird_server: FirebirdServer) -> SmallSite:
    return build(tmp_path / "site", firebird_server.new_url)


def change_all(site: SmallSite, text: str) -> int:
    """How many products it changed in the log."""
    site.sql(f"UPDATE INVE01 SET DESCR = '{text}' WHERE STATUS = 'A'")
    return int(json.loads(site.puente("produce", "--once", "--json").stdout)["produced"]["published"])


@contextmanager
def running(site: SmallSite, *arguments: str) -> Iterator[Running]:
    started = Running(site, *arguments)
    try:
        yield started
    finally:
        started.kill()


def stock_of(site: SmallSite) -> dict[int, int]:
    """Of each warehouse that has stock in the log, how many products have some."""
    with site.log() as log:
        topics = {topic: state.end for topic, state in log.topics().items() if ".stock." in topic}
        newest = {topic: {event.key: event.value for event in log.read(topic, START, end).events} for topic, end in topics.items() if end}
    live = {int(topic.rpartition(".")[2]): sum(value is not None for value in events.values()) for topic, events in newest.items()}
    return {warehouse: count for warehouse, count in live.items() if count}


def switch_interface(site: SmallSite, letter: str) -> None:
    site.caja_sql("norte", f"UPDATE PARAMS SET VALOR = '{letter}' WHERE PARAMETRO = 'INTERFAZSAE'")


def test_the_schema_is_one() -> None:
    VALIDATOR.check_schema(VALIDATOR.schema)


def test_what_works_is_told_as_such_and_what_was_stopped_is_not(site: SmallSite) -> None:
    with running(site, "run") as run:
        wait_until(lambda: (now := ask(site)).states == ALL_WORK and all(caja["ready_at"] for caja in now.found["cajas"]))
        asked = ask(site, "--max-lag", "60")
        assert asked.exit_code == ExitCode.OK
        for caja in asked.found["cajas"]:
            assert (caja["behind"], caja["lag_seconds"], caja["error"], caja["lacks"]) == (0, 0, None, None)
            assert caja["ready_at"] is not None
            assert caja["works"] is True
            assert caja["silent_seconds"] < 10
        # A CAJA whose interface is off does not work, and the other does
        switch_interface(site, "F")
        wait_until(lambda: ask(site).states["norte"] == "interface off")
        assert ask(site).exit_code == ExitCode.DOWN
        assert ask(site).states["centro"] == "working"
        switch_interface(site, "T")
        wait_until(lambda: ask(site).states == ALL_WORK)
        run.process.terminate()
        run.process.wait()
    asked = ask(site)
    assert asked.states == {"SAE": "stopped", "centro": "stopped", "norte": "stopped"}
    assert asked.exit_code == ExitCode.DOWN
    assert [caja["works"] for caja in asked.found["cajas"]] == [False, False]


def test_what_was_killed_counts_as_stopped_after_a_while(site: SmallSite) -> None:
    with running(site, "run"):
        wait_until(lambda: ask(site).states == ALL_WORK)
    wait_until(lambda: ask(site).states == {"SAE": "silent", "centro": "stopped", "norte": "stopped"})
    assert ask(site).exit_code == ExitCode.DOWN


def test_what_was_never_read_counts_from_the_start_of_the_topic(site: SmallSite) -> None:
    asked = ask(site)
    assert asked.states == {"SAE": "never started", "centro": "never loaded", "norte": "never loaded"}
    assert asked.exit_code == ExitCode.DOWN
    assert site.puente("produce", "--once").returncode == 0
    asked = ask(site)
    for name, warehouses in (("centro", (1, 2)), ("norte", (3,))):
        caja, ends = asked.caja(name), asked.found["topics"]
        stock = {site.topic(f"stock.{number}") for number in warehouses}
        assert caja["behind"] == sum(end for topic, end in ends.items() if ".stock." not in topic or topic in stock)
        assert (caja["state"], caja["lacks"], caja["ready_at"]) == ("never loaded", "resync", None)
        assert caja["lag_seconds"] >= 0
        assert caja["silent_seconds"] is None


def test_a_caja_that_stands_still_is_behind_for_as_long_as_its_oldest_change_waits(site: SmallSite) -> None:
    site.fill()
    assert [caja["behind"] for caja in ask(site).found["cajas"]] == [0, 0]
    changed = change_all(site, "Uno")
    first = ask(site).caja("centro")
    assert first["behind"] == changed
    changed += change_all(site, "Dos")
    wait_until(lambda: (ask(site).caja("centro")["lag_seconds"] or 0) > 3)
    asked = ask(site)
    assert [caja["behind"] for caja in asked.found["cajas"]] == [changed, changed]
    assert "behind for" not in site.puente("status").stdout
    assert "behind for" in site.puente("status", "--max-lag", "3").stdout
    assert site.puente("consume", "--once").returncode == 0
    assert [(caja["behind"], caja["lag_seconds"]) for caja in ask(site).found["cajas"]] == [(0, 0), (0, 0)]


def test_a_working_caja_that_is_too_late_is_an_exit_of_its_own(site: SmallSite) -> None:
    """Whoever writes sleeps: it holds the CAJA and does nothing."""
    site.fill()
    with running(site, "produce"), running(site, "consume") as consumer:
        wait_until(lambda: ask(site).states == ALL_WORK)
        with consumer.asleep():
            site.sql("UPDATE INVE01 SET DESCR = 'Tarde' WHERE STATUS = 'A'")
            wait_until(lambda: (ask(site).caja("norte")["lag_seconds"] or 0) > 1)
            asked = ask(site, "--max-lag", "1")
            assert asked.exit_code == ExitCode.DOWN
            assert not asked.caja("norte")["works"]
        wait_until(lambda: ask(site, "--max-lag", "1").exit_code == ExitCode.OK)


def test_a_caja_that_cannot_be_reached_is_behind_as_far_as_kafka_knows_and_else_unknown(site: SmallSite, site_log: str) -> None:
    site.fill()
    changed = change_all(site, "Lejos")
    site.edit_settings(site.caja_setting("norte"), NOWHERE)
    asked = ask(site)
    assert asked.exit_code == ExitCode.DOWN
    norte = asked.caja("norte")
    assert norte["state"] == "unreachable"
    assert norte["error"]
    assert norte["behind"] == (changed if site_log == "kafka" else None)
    assert (norte["lag_seconds"] is None) == (site_log != "kafka")
    assert asked.caja("centro")["behind"] == changed
    behind = str(changed) if site_log == "kafka" else r"\?"
    assert re.search(rf"norte.*unreachable.* {behind} ", site.puente("status").stdout)


def test_the_error_that_keeps_a_consumer_from_its_work_stays_where_status_finds_it(site: SmallSite) -> None:
    site.fill()
    change_all(site, "Con impuestos")
    site.caja_sql("centro", "UPDATE PARAMS SET VALOR = 'T' WHERE PARAMETRO = 'PRECIOIMP'")
    assert site.puente("consume", "--once").returncode == ExitCode.CONFIG
    asked = ask(site)
    centro = asked.caja("centro")
    assert (centro["state"], centro["works"]) == ("failed", False)
    assert "taxes" in centro["last_error"]
    assert centro["last_error_seconds"] < 60
    assert asked.states["norte"] == "stopped"
    assert "centro: stopped by an error" in site.puente("status").stdout
    # And it is past once something was written
    site.caja_sql("centro", "UPDATE PARAMS SET VALOR = 'F' WHERE PARAMETRO = 'PRECIOIMP'")
    assert site.puente("consume", "--once").returncode == 0
    assert ask(site).states["centro"] == "stopped"


@pytest.mark.file_log
def test_a_table_of_80_columns_holds_each_caja_in_a_line_and_its_troubles_stand_below(site: SmallSite) -> None:
    site.fill()
    key = site.sae_rows("MIN(CVE_ART) FROM INVE01 WHERE STATUS = 'A'")[0][0].strip()
    site.caja_sql("centro", "CREATE EXCEPTION NOT_THIS 'never'")
    site.caja_sql("centro", "GRANT USAGE ON EXCEPTION NOT_THIS TO PUBLIC")
    refusing = f"BEFORE UPDATE ON CATINVEN AS BEGIN IF (NEW.PRODUCTO = '{key}') THEN EXCEPTION NOT_THIS; END"
    site.caja_sql("centro", f"CREATE TRIGGER REFUSE {refusing}")
    change_all(site, "Rechazado")
    assert site.puente("consume", "--once", "--caja", "centro").returncode == 0
    (rejected,) = ask(site).caja("centro")["parked"]["rejected"]["first"]
    assert (rejected["subject"], rejected["key"]) == ("product", key)
    site.edit_settings(site.caja_setting("norte"), NOWHERE)
    shown = on_a_terminal(site, 80, "status")
    assert "…" not in shown
    lines = shown.splitlines()
    table = [line for line in lines if line.startswith(("│", "┃"))]
    assert len(table) == 3, shown
    assert all(len(line) <= 80 for line in table)
    assert sum(line.startswith("norte: ") for line in lines) == 1, shown
    assert any(line.startswith("centro: ") and key in line and "rejected" in line for line in lines), shown


def test_the_alert_of_the_page_names_what_does_not_work_and_nothing_else(site: SmallSite) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    site.fill()
    with running(site, "consume", "--caja", "norte"):
        wait_until(lambda: ask(site).states["norte"] == "working")
        environment = {**site.environment(), "PATH": f"{COMMAND.parent}{os.pathsep}{os.environ['PATH']}"}
        done = subprocess.run([sys.executable, "-c", example], cwd=site.folder, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["centro: stopped, behind 0, for 0.0 s", "SAE: stopped"]


def test_the_page_has_every_state() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert re.findall(r"^\| `([a-z ]+)` \|.* (yes|no) \|$", page, re.MULTILINE) == [
        *((state.value, "yes" if state in WORKS else "no") for state in State),
        *((state.value, "yes" if state in PRODUCES else "no") for state in ProducerState),
    ]


@pytest.mark.file_log
def test_a_row_of_sae_that_cannot_be_published_is_named_by_status_and_check(site: SmallSite) -> None:
    site.sql("INSERT INTO INVE01 (CVE_ART, DESCR, TIPO_ELE, CVE_ESQIMPU, STATUS, COSTO_PROM) VALUES ('MALO', 'Malo', 'P', 1, 'A', 1E30)")
    assert site.puente("run", "--once").returncode == ExitCode.OK
    producer = ask(site).found["producer"]
    assert producer["unpublished_count"] == 1
    assert (producer["unpublished"][0]["entity"], producer["unpublished"][0]["key"]) == ("product", "MALO")
    assert "average_cost" in producer["unpublished"][0]["reason"]
    assert all(caja["ready_at"] for caja in ask(site).found["cajas"])
    for command in ("status", "check"):
        (told,) = [line for line in site.puente(command).stdout.splitlines() if "cannot be published" in line]
        assert re.search(r"SAE: 1 row of SAE cannot be published: product MALO \(average_cost", told)


@pytest.mark.file_log
def test_a_table_of_sae_that_waits_for_a_transaction_is_named_with_what_to_do(site: SmallSite, firebird_server: FirebirdServer) -> None:
    site.fill()
    other, statement = firebird_server.new_url("other"), "UPDATE PARAM_INVENTARIO01 SET ALMACENPREDETER = 1"
    with running(site, "produce"):
        wait_until(lambda: ask(site).states["SAE"] == "working")
        with prepared(site.sae_url, other, statement):
            ((number,),) = site.sae_rows("RDB$TRANSACTION_ID FROM RDB$TRANSACTIONS WHERE RDB$TRANSACTION_STATE = 1")
            wait_until(lambda: ask(site).states["SAE"] == "waiting")
            producer = ask(site).found["producer"]
            assert producer["stuck"] == [{"table": "PARAM_INVENTARIO", "transaction": number, "entities": ["stock"]}]
            assert (producer["works"], producer["complete"]) == (True, False)
            for command in ("status", "check"):
                (told,) = [line for line in site.puente(command).stdout.splitlines() if "cannot be read whole" in line]
                assert re.search(rf"SAE: the table PARAM_INVENTARIO .*\(stock\).* {number} .*gfix -rollback {number}", told)
            told = site.puente("--lang", "es", "status").stdout
            assert re.search(rf"SAE: la tabla PARAM_INVENTARIO .*\(existencias\).* {number} .*gfix -rollback {number}", told)
        wait_until(lambda: ask(site).states["SAE"] == "working")
        producer = ask(site).found["producer"]
        assert (producer["stuck"], producer["complete"]) == ([], True)


@pytest.mark.file_log
def test_stock_that_a_switch_of_the_mode_removes_is_told_with_what_to_do(site: SmallSite) -> None:
    site.fill()
    stock = stock_of(site)
    gone = sorted(stock.keys() - {1})
    count = sum(stock[number] for number in gone)
    site.sql("UPDATE PARAM_INVENTARIO01 SET MULTIALMACEN = 'N', ALMACENPREDETER = 1")
    with running(site, "produce"):
        wait_until(lambda: ask(site).found["producer"]["held_deletes"] != [])
        producer = ask(site).found["producer"]
        assert producer["held_deletes"] == [{"entity": "stock", "count": count, "warehouses_gone": gone}]
        assert producer["held"] == [site.topic(f"stock.{number}") for number in gone]
        assert producer["state"] == "working"
        told = ", ".join(map(str, gone))
        for language, said in (("en", "SAE keeps no stock of the warehouses"), ("es", "SAE ya no lleva existencias de los almacenes")):
            shown = site.puente("status", "--lang", language).stdout
            assert re.search(rf"^SAE: {said} {told} .*MULTIALMACEN.* {count} .*puente produce --allow-deletes {count}", shown, re.MULTILINE)
        site.sql("UPDATE PARAM_INVENTARIO01 SET MULTIALMACEN = 'S'")
        wait_until(lambda: ask(site).found["producer"]["held_deletes"] == [])
    assert site.differences() == []


@pytest.mark.file_log
def test_very_many_deletes_are_counted_by_entity(site: SmallSite) -> None:
    site.fill()
    count = sum(stock_of(site).values())
    site.sql("DELETE FROM MULT01")
    with running(site, "produce"):
        wait_until(lambda: ask(site).found["producer"]["held_deletes"] != [])
        assert ask(site).found["producer"]["held_deletes"] == [{"entity": "stock", "count": count, "warehouses_gone": []}]
        assert f"{count} changes at once wait (stock: deleted)" in site.puente("status").stdout


@pytest.mark.file_log
def test_what_a_caja_lacks_is_counted_by_reason_with_its_first_keys(site: SmallSite) -> None:
    site.fill()
    lacking = ask(site).caja("centro")["left_out"]
    assert lacking
    lines = [line for line in site.puente("status").stdout.splitlines() if line.startswith("centro: ")]
    for found in lacking:
        column = FIELDS.get(found["column"], found["column"])
        (line,) = [line for line in lines if f" {found['entity']}, {column} {found['reason']}" in line]
        assert f": {found['count']} ({', '.join(found['first'])}" in line


@pytest.mark.file_log
def test_cajas_that_say_nothing_are_waited_for_at_the_same_time(site: SmallSite) -> None:
    with closing(FaultyLine(target=9)) as one, closing(FaultyLine(target=9)) as other:
        for name, line in (("centro", one), ("norte", other)):
            line.silence()
            url = f'"{site.caja_setting(name)}"'
            site.edit_settings(url, f'"firebird+firebird://cajero:x@{line.address}/caja.fdb"\n{HOURS}')
        with running(site, "status"):
            wait_until(lambda: all(line.is_used for line in (one, other)))


@pytest.mark.file_log
def test_a_log_that_a_branch_does_not_reach_is_told_where_the_others_look(site: SmallSite) -> None:
    site.fill()
    elsewhere = site.settings.read_text(encoding="utf-8") + '\n[log]\npath = "nowhere/puente-log.db"\n'
    (site.folder / "branch.toml").write_text(elsewhere, encoding="utf-8")
    assert site.puente("consume", "--once", "--caja", "centro", "-c", "branch.toml").returncode != ExitCode.OK
    centro = ask(site).caja("centro")
    assert centro["state"] == "failed"
    assert "nowhere" in centro["last_error"]


@pytest.mark.file_log
def test_without_the_log_a_caja_is_told_and_what_is_behind_is_not_known(site: SmallSite) -> None:
    site.fill()
    site.delete_log()
    asked = ask(site)
    assert asked.exit_code == ExitCode.CONFIG
    assert "puente-log.db" in asked.found["error"]
    assert asked.states == {"SAE": "unknown", "centro": "stopped", "norte": "stopped"}
    assert [(caja["behind"], caja["lag_seconds"]) for caja in asked.found["cajas"]] == [(None, None)] * 2
    assert all(caja["ready_at"] for caja in asked.found["cajas"])
