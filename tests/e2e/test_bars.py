"""Whoever waits sees how far it is; who does not look at a terminal is spared it."""

import re
from pathlib import Path

import pytest

from tests.e2e.screens import on_a_terminal
from tests.e2e.small_site import SmallSite, build
from tests.engines.embedded import EmbeddedDatabases

pytestmark = [pytest.mark.e2e, pytest.mark.file_log]


@pytest.fixture
def site(tmp_path: Path, embedded: EmbeddedDatabases) -> SmallSite:
    return build(tmp_path / "site", embedded.url)


def bars(shown: str) -> dict[str, set[int]]:
    """How far each was, in per cent."""
    found: dict[str, set[int]] = {}
    for name, percent in re.findall(r"^(\S+(?: \d+)?) +[━╸╺ ]+ +(\d+) %", shown, re.MULTILINE):
        found.setdefault(name, set()).add(int(percent))
    return found


def test_a_first_load_and_a_dry_run_show_bars_on_a_terminal_and_none_elsewhere(site: SmallSite) -> None:
    shown = on_a_terminal(site, 100, "run", "--once")
    assert all(100 in bars(shown)[name] for name in ("SAE", "log", "centro", "norte")), shown
    shown = on_a_terminal(site, 100, "resync", "--caja", "centro", "--dry-run")
    assert 100 in bars(shown)["product"], shown
    assert re.search(r"product .*\d/s", shown)
    for arguments in (("run", "--once"), ("run", "--once", "--json"), ("resync", "--caja", "centro", "--dry-run", "--json")):
        done = site.puente(*arguments)
        assert done.returncode == 0
        assert "━" not in done.stderr


def test_a_sae_that_is_filled_shows_how_many_products_there_are(site: SmallSite, embedded: EmbeddedDatabases) -> None:
    shown = on_a_terminal(site, 100, "reference", "sae", "--url", embedded.url("other"), "--products", "600")
    assert 100 in bars(shown)["SAE"], shown
