"""The product's two users in tests: it reads SAE and writes CAJAs as they do. SYSDBA only makes databases and users.

A server has both of them, with a password; the embedded engine asks for no password, but looks at the privileges all the same.
"""

from collections.abc import Sequence
from contextlib import closing, suppress

from sqlalchemy.engine import make_url

from foundation.engines import create_database, open_database
from foundation.errors import PuenteError
from puente.commands import grants
from puente.commands.grants import READER, WRITER
from puente.config import CajaSettings, SaeSettings, Settings
from puente.demo.statements import run
from tests.engines.firebird_server import USER_PASSWORD, FirebirdServer


def as_reader(url: str) -> str:
    """The URL as the reader of SAE has it."""
    return _as_user(url, READER)


def as_writer(url: str) -> str:
    """The URL as the writer of a CAJA has it."""
    return _as_user(url, WRITER)


def _as_user(url: str, name: str) -> str:
    parsed = make_url(url)
    return parsed.set(username=name, password=USER_PASSWORD if parsed.host else None).render_as_string(hide_password=False)


def grant_sae(url: str, company: str = "01") -> None:
    """What `puente grants sae` says, run by the owner of the database."""
    execute(url, grants.for_sae(Settings(company=company, sae=SaeSettings.model_validate({"url": url})), READER).grants)


def grant_caja(url: str) -> None:
    """What `puente grants caja` says, run by the owner of the database."""
    execute(url, grants.for_caja(CajaSettings.model_validate({"name": "caja", "url": url}), WRITER).grants)


def execute(url: str, statements: Sequence[str]) -> None:
    with closing(open_database(url)) as database, database.writing() as writer:
        for statement in statements:
            run(writer, statement)


def make_users(server: FirebirdServer) -> None:
    """On a server from outside; who is there from an earlier run, or made by another worker now, gets the password."""
    url = server.new_url("users")
    create_database(url)
    for user in (READER, WRITER):
        with suppress(PuenteError):
            execute(url, [f"CREATE USER {user} PASSWORD '{USER_PASSWORD}'"])
        execute(url, [f"ALTER USER {user} PASSWORD '{USER_PASSWORD}'"])
