"""Another company's database takes the place of SAE's while Puente runs: no CAJA gets a row of it."""

from contextlib import closing
from pathlib import Path

from foundation.engines import create_database, open_database
from puente.demo.retail import fill_sae
from puente.reference import build_sae
from tests.e2e.small_site import wait_until
from tests.engines.firebird_server import PrivateServer
from tests.engines.users import as_reader, grant_sae
from tests.scenarios.trouble import Story, copy_file, put_back

PRICES = "PRODUCTO, DESCRIPCIO, PRECIOP, ALTA FROM CATINVEN ORDER BY PRODUCTO"
REFUSED = "is not the SAE that the log holds"


def anothers(server: PrivateServer, file: Path) -> None:
    """The file of another company's SAE, whose users are ours."""
    url = server.new_url("another")
    create_database(url)
    with closing(open_database(url)) as database:
        build_sae(database)
        fill_sae(database, count=60, seed=2)
    grant_sae(url)
    server.stop()
    copy_file(url, file)


def test_swapped_while_puente_runs_it_waits_and_goes_on_once_the_right_one_is_back(
    stoppable_story: Story, second_firebird_server: PrivateServer, tmp_path: Path
) -> None:
    story, server, url = stoppable_story, second_firebird_server, stoppable_story.site.sae_url
    anothers(server, tmp_path / "another.fdb")
    copy_file(url, tmp_path / "right.fdb")
    server.start()
    with story.running() as running:
        story.edit()
        story.heals()
        server.stop()
        copy_file(url, tmp_path / "right.fdb")
        put_back(tmp_path / "another.fdb", url)
        server.start()
        before = {name: story.site.caja_rows(name, PRICES) for name in story.site.caja_urls}
        wait_until(lambda: bool(running.told("failed", REFUSED)))
        assert {name: story.site.caja_rows(name, PRICES) for name in story.site.caja_urls} == before
        server.stop()
        put_back(tmp_path / "right.fdb", url)
        server.start()
        story.edit()
        story.heals()
    assert len(running.told("failed", REFUSED)) == 1


def test_beside_a_run_that_waits_somebody_says_that_the_other_one_is_meant(embedded_story: Story, tmp_path: Path) -> None:
    """And the one that runs takes it up by itself."""
    story, site = embedded_story, embedded_story.site
    other = site.sae_url.replace("sae", "another")
    assert other != site.sae_url
    create_database(other)
    with closing(open_database(other)) as database:
        build_sae(database)
        fill_sae(database, count=60, seed=2)
    grant_sae(other)
    ours, settings = site.sae_url, site.settings.read_text(encoding="utf-8")
    site.edit_settings(as_reader(ours), as_reader(other))
    with story.running() as running:
        wait_until(lambda: bool(running.told("failed", REFUSED)))
        done = site.puente("produce", "--once", "--accept-sae", "--allow-deletes", "1000")
        assert done.returncode == 0, done.stderr
        story.heals()
    site.write_settings(settings)
    done = site.puente("produce", "--once", "--accept-sae", "--allow-deletes", "1000")
    assert done.returncode == 0, done.stderr
    story.once()
