"""Fixtures of the exact mode's tests."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from foundation.engines import create_database
from tests.integration.exact_site import Site


@pytest.fixture(params=["embedded", "server"])
def exact_url(request: pytest.FixtureRequest) -> str:
    """A new database; the server is one of ours, of version 3, also where tests run against an older one."""
    if request.param == "embedded":
        made = str(request.getfixturevalue("embedded").url("sae"))
    else:
        server = request.getfixturevalue("private_firebird_server")
        made = server.new_url("sae")
    create_database(made)
    return made


@pytest.fixture
def site(exact_url: str) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(exact_url, stack)
