"""New, empty databases: for the demo, the reference and the tests."""

from dataclasses import replace
from math import ceil

import firebird.driver
from sqlalchemy.engine import URL

from foundation.engines.firebird.attach import CHARSET, dsn_of, in_time
from foundation.engines.firebird.client import load_client
from foundation.engines.firebird.errors import translated
from foundation.limits import DatabaseLimits

PAGE_SIZE = 8192


def create_database(url: URL, limits: DatabaseLimits, charset: str = CHARSET) -> None:
    """Creates the database of a URL, by default ISO8859_1 as SAE's and CAJA's are; raises `RetryableError` where it exists already.

    A server may take as long as for a statement.
    """
    load_client()
    defaults = firebird.driver.driver_config.db_defaults
    defaults.page_size.value, defaults.db_charset.value, defaults.db_sql_dialect.value = PAGE_SIZE, charset, 3
    defaults.timeout.value = max(1, ceil(limits.connect))

    def create() -> firebird.driver.Connection:
        return firebird.driver.create_database(
            dsn_of(url),
            user=url.username or "SYSDBA",
            password=url.password,
            charset=charset,
        )

    with translated(dsn_of(url)):
        in_time(url, replace(limits, login=limits.statement), create).close()
