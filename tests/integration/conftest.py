"""Fixtures of the exact mode's tests."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.integration.exact_site import Site


@pytest.fixture(params=["embedded", "server"])
def exact_url(request: pytest.FixtureRequest) -> str:
    """Of a database to be made."""
    if request.param == "embedded":
        return str(request.getfixturevalue("embedded").url("sae"))
    return str(request.getfixturevalue("firebird_server").new_url("sae"))


@pytest.fixture
def site(exact_url: str) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(exact_url, stack)
