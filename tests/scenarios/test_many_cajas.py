"""A chain: twenty CAJAs served by one process over Kafka, one of them down for the whole time."""

import shutil
from pathlib import Path

import pytest

from tests.e2e.small_site import CajaSpec, SmallSite, build, settings_text, wait_until
from tests.engines.embedded import EmbeddedDatabases
from tests.engines.ports import HOST, free_port
from tests.scenarios.trouble import Story, file_of

pytestmark = pytest.mark.kafka_log
CHAIN = [CajaSpec(name=f"tienda-{number:02}") for number in range(20)]
DOWN, *UP = [caja.name for caja in CHAIN]


@pytest.fixture
def story(tmp_path: Path, site_log: str) -> Story:
    """Branches that are copies of one another, as they are where somebody opens them."""
    assert site_log == "private kafka"
    url_of = EmbeddedDatabases(tmp_path).url
    site = build(tmp_path / "site", url_of, CHAIN[:1], products=20, is_set_up=False)
    for name in UP:
        site.caja_urls[name] = url_of(name)
        shutil.copyfile(file_of(site.caja_urls[DOWN]), file_of(site.caja_urls[name]))
    site.write_settings(settings_text(site, CHAIN))
    done = site.puente("setup", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    return Story(site)


def all_have(site: SmallSite, product: str) -> bool:
    """Asked first: to compare twenty CAJAs again and again would leave the program nothing of this machine."""
    return all(site.caja_rows(name, f"COUNT(*) FROM CATINVEN WHERE PRODUCTO = '{product}'") == [(1,)] for name in UP)


def are_equal(site: SmallSite, *names: str) -> bool:
    return all(not comparison.differences for comparison in site.compare(*names))


def test_nineteen_of_twenty_are_served_while_one_is_down_which_catches_up_when_it_is_back(story: Story) -> None:
    site = story.site
    there = site.caja_setting(DOWN)
    nowhere = f"firebird+firebird://cajero:x@{HOST}:{free_port()}/caja.fdb"
    site.edit_settings(there, nowhere)
    with story.running() as puente:
        for _ in range(2):
            story.edit()
            wait_until(lambda: all_have(site, f"T-{story.turn}"))
        site.becomes_equal(*UP)
        wait_until(lambda: len(puente.told("ready")) == len(UP))
    (failed,) = puente.told("failed")
    assert f"worker={DOWN} " in failed
    site.edit_settings(nowhere, there)
    assert not are_equal(site, DOWN)
    with story.running():
        site.becomes_equal(DOWN)
    assert story.differences == []
