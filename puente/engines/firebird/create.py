"""New, empty databases: for the demo, the reference and the tests."""

import firebird.driver
from sqlalchemy.engine import URL

from puente.engines.firebird.attach import CHARSET, dsn_of
from puente.engines.firebird.client import load_client
from puente.engines.firebird.errors import translated

PAGE_SIZE = 8192


def create_database(url: URL, charset: str = CHARSET) -> None:
    """Creates the database of a URL, by default ISO8859_1 as SAE's and CAJA's are; raises `RetryableError` where it exists already."""
    load_client()
    defaults = firebird.driver.driver_config.db_defaults
    defaults.page_size.value, defaults.db_charset.value, defaults.db_sql_dialect.value = PAGE_SIZE, charset, 3
    with translated(dsn_of(url)):
        firebird.driver.create_database(
            dsn_of(url),
            user=url.username or "SYSDBA",
            password=url.password,
            charset=charset,
        ).close()
