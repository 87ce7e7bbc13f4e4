"""Two producers of one site, as processes: one works, the other stands by; deletes that wait are let through beside a running one."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from foundation.errors import ExitCode
from foundation.eventlog.port import START
from puente.demo.statements import literal
from schemas.control import run_of
from tests.e2e.running import Running
from tests.e2e.small_site import TWO, SmallSite, build, wait_until
from tests.engines.embedded import Engine

pytestmark = pytest.mark.e2e
PRODUCTS = 80
KEPT = "STATUS = 'A' AND CVE_ART > 'A'"
TABLES = ("INVE", "PRECIO_X_PROD", "CVES_ALTER", "MULT")


@pytest.fixture
def site(engine: Engine, tmp_path: Path) -> SmallSite:
    return build(tmp_path / "site", engine.new_url, TWO[:1], products=PRODUCTS)


Start = Callable[..., Running]


@pytest.fixture
def start(site: SmallSite) -> Iterator[Start]:
    """Starts the command; whatever still runs at the end is killed."""
    started: list[Running] = []

    def run(*arguments: str) -> Running:
        started.append(Running(site, *arguments))
        return started[-1]

    yield run
    for running in started:
        running.kill()


def live(site: SmallSite, entity: str = "product") -> set[bytes]:
    newest: dict[bytes, bool] = {}
    with site.log() as log:
        topic = site.topic(entity)
        if log.state(topic) is None:
            return set()
        for event in log.read(topic, START, 1_000_000).events:
            newest[event.key] = event.value is not None
    return {key for key, is_there in newest.items() if is_there}


def newest_heartbeat(site: SmallSite) -> tuple[str | None, bool]:
    """The run that spoke last, and whether it released the log."""
    with site.log() as log:
        events = log.read(site.topic("control"), START, 1_000_000).events
        return (run_of(events[-1]), events[-1].value is None) if events else (None, False)


def delete_most(site: SmallSite, keys: set[bytes]) -> int:
    """All products but the five that `rename` may take, in one transaction; how many events that needs."""
    kept = site.sae_rows(f"FIRST 5 CVE_ART FROM INVE01 WHERE {KEPT} ORDER BY CVE_ART")
    raws = [row[0] for row in site.sae_rows("CVE_ART FROM INVE01") if row not in kept]
    site.sql(*(f"DELETE FROM {table}01 WHERE CVE_ART = {literal(raw)}" for table in TABLES for raw in raws))
    return len(keys - {row[0].encode() for row in kept})


def rename(site: SmallSite, name: str) -> None:
    site.sql(f"UPDATE INVE01 SET DESCR = '{name}' WHERE CVE_ART = (SELECT MIN(CVE_ART) FROM INVE01 WHERE {KEPT})")


def has_arrived(site: SmallSite, name: str) -> bool:
    return site.caja_rows("centro", f"COUNT(*) FROM CATINVEN WHERE DESCRIPCIO = '{name}'") == [(1,)]


def test_deletes_that_wait_are_let_through_while_the_site_runs_which_then_takes_up_again(site: SmallSite, start: Start) -> None:
    running = start("run")
    wait_until(lambda: bool(live(site)))
    before = live(site)
    gone = delete_most(site, before)
    rename(site, "uno")
    wait_until(lambda: has_arrived(site, "uno"))
    assert live(site) == before  # all else went on

    too_few = site.puente("produce", "--once", "--allow-deletes", str(gone - 1))
    assert too_few.returncode == 0, too_few.stdout + too_few.stderr
    assert f"{gone} changes at once wait (product: deleted)" in too_few.stdout
    assert live(site) == before
    wait_until(lambda: "action=take over" in running.said)  # or the next finds the log free, with nobody to displace

    done = site.puente("produce", "--once", "--json", "--allow-deletes", str(gone))
    assert done.returncode == 0, done.stdout + done.stderr
    produced = json.loads(done.stdout)["produced"]
    assert (produced["tombstones"] >= gone, produced["held"].get("product")) == (True, None)
    assert len(live(site)) == len(before) - gone

    rename(site, "dos")
    wait_until(lambda: has_arrived(site, "dos"))
    running.ends_cleanly()
    assert running.said.count("action=stand by") == 2
    assert running.said.count("action=take over") == 2
    assert "action=held" in running.said
    assert newest_heartbeat(site)[1]


def test_the_second_stands_by_and_takes_over_when_the_first_is_killed(site: SmallSite, start: Start) -> None:
    first = start("produce")
    wait_until(lambda: bool(live(site)))
    second = start("produce")
    wait_until(lambda: "action=stand by" in second.said)
    first_run, _ = newest_heartbeat(site)
    asked = site.puente("produce", "--once")
    assert asked.returncode == ExitCode.DOWN
    assert "Another producer writes to the log" in asked.stderr
    assert newest_heartbeat(site)[0] == first_run
    first.kill()
    wait_until(lambda: newest_heartbeat(site)[0] not in (first_run, None))
    line = b"NUEVA"
    site.sql("INSERT INTO CLIN01 (CVE_LIN, DESC_LIN, STATUS) VALUES ('NUEVA', 'x', 'A')")
    wait_until(lambda: line in live(site, "product_line"))
    second.ends_cleanly()
    assert second.said.count("action=stand by") == 1
    assert second.said.count("action=take over") == 1


def test_once_beside_one_that_was_killed_waits_until_it_is_known_to_be_silent_and_does_its_work(site: SmallSite, start: Start) -> None:
    """Nobody speaks any more: that one stands by is no reason to give up, as it is beside a producer that lives."""
    first = start("produce")
    wait_until(lambda: bool(live(site)))
    first_run, _ = newest_heartbeat(site)
    first.kill()
    rename(site, "tres")
    done = site.puente("produce", "--once", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["produced"]["published"] > 0
    assert newest_heartbeat(site)[0] != first_run


def test_a_clean_end_hands_the_log_over_at_once(site: SmallSite, start: Start) -> None:
    first = start("produce")
    wait_until(lambda: bool(live(site)))
    second = start("produce")
    wait_until(lambda: "action=stand by" in second.said)
    first_run, _ = newest_heartbeat(site)
    first.ends_cleanly()
    wait_until(lambda: newest_heartbeat(site)[0] != first_run, 10)
    second.ends_cleanly()
    assert newest_heartbeat(site)[1]
