"""Prices of lists that SAE does not have are refused as soon as somebody knows its lists, and before anything is written."""

import pytest

from foundation.errors import ConfigError, RetryableError
from tests.unit.consuming import Site, say

SAID = r"centro: prices names lists that SAE does not have \(9\); SAE has: 1, 2"


def test_a_list_that_sae_lacks_is_refused_before_anything_is_written() -> None:
    site = Site(prices={"PRECIOP": 2, "PRECIO2": 9})
    site.product("P1")
    say(site.log, price_lists=(1, 2))
    with pytest.raises(ConfigError, match=SAID):
        site.step()
    assert site.caja.content.rows == {}
    assert site.caja.content.progress == {}


def test_what_a_producer_told_before_it_stopped_or_began_anew_is_known() -> None:
    site = Site(prices={"PRECIOP": 9})
    say(site.log, price_lists=(1, 2))
    for _ in range(60):
        say(site.log, compared=False)
    with pytest.raises(ConfigError, match=SAID):
        site.step()


@pytest.mark.parametrize("is_begun", [False, True])
def test_nothing_is_written_before_the_producer_told_the_lists(is_begun: bool) -> None:
    site = Site(prices={"PRECIOP": 9})
    site.product("P1")
    if is_begun:
        say(site.log, compared=False)
    with pytest.raises(RetryableError, match="waits for the producer"):
        site.step()
    assert site.caja.content.rows == {}
    say(site.log, price_lists=(1, 2))
    with pytest.raises(ConfigError, match=SAID):
        site.step()
    assert site.caja.content.rows == {}


def test_lists_that_there_are_and_lists_that_nobody_told_are_taken() -> None:
    known, untold = Site(prices={"PRECIOP": 2}), Site(prices={"PRECIOP": 9})
    say(known.log, price_lists=(1, 2))
    say(untold.log)
    for site in (known, untold):
        site.product("P1")
        assert site.step() is not None
        assert site.row("CATINVEN", "P1") is not None
