"""A bug is its unit's own: one CAJA's consumer, or the producer, ends with a traceback; the others go on."""

from pathlib import Path
from subprocess import CompletedProcess

import pytest

from foundation.errors import ExitCode
from tests.e2e.buggy import PRODUCER
from tests.e2e.running import Running
from tests.e2e.small_site import SmallSite, build, wait_until
from tests.engines.embedded import EmbeddedDatabases

pytestmark = pytest.mark.e2e
BUGGY = "tests.e2e.buggy:main"


@pytest.fixture
def site(tmp_path: Path, embedded: EmbeddedDatabases, site_log: str) -> SmallSite:
    return build(tmp_path / "site", embedded.url)


def once(site: SmallSite, unit: str) -> CompletedProcess[str]:
    return site.puente(unit, "run", "--once", entry=BUGGY)


def is_equal(site: SmallSite, name: str) -> bool:
    (found,) = site.compare(name)
    return not found.differences


def test_run_goes_on_without_the_caja_that_met_a_bug_and_says_so_at_its_end(site: SmallSite) -> None:
    running = Running(site, "norte", "run", entry=BUGGY)
    try:
        wait_until(lambda: is_equal(site, "centro") and bool(running.told("bug", "worker=norte")))
        site.sql("UPDATE INVE01 SET DESCR = 'Después'")
        site.becomes_equal("centro")
        assert "TypeError: planted" in running.said
        assert not is_equal(site, "norte")
        running.process.terminate()
        assert running.process.wait() == ExitCode.DIFFERENCES, running.said
    finally:
        running.kill()


def test_run_once_finishes_the_others_and_exits_1(site: SmallSite) -> None:
    done = once(site, "norte")
    assert done.returncode == ExitCode.DIFFERENCES
    assert "TypeError: planted" in done.stderr
    assert "norte ended by a bug of Puente's (TypeError)" in done.stderr
    assert is_equal(site, "centro")
    assert not is_equal(site, "norte")


def test_the_producers_bug_leaves_each_caja_with_all_that_the_log_has(site: SmallSite) -> None:
    assert site.puente("produce", "--once").returncode == 0
    done = once(site, PRODUCER)
    assert done.returncode == ExitCode.DIFFERENCES
    assert "TypeError: planted" in done.stderr
    assert is_equal(site, "centro")
    assert is_equal(site, "norte")
