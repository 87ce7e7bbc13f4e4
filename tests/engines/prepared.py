"""A transaction of two databases that was prepared and never ended, for tests."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from firebird.driver import DistributedTransactionManager

from foundation.engines import create_database, open_database


@contextmanager
def prepared(url: str, other: str, statement: str) -> Iterator[DistributedTransactionManager]:
    """Of the database at `url`, where the statement wrote, and a new one at `other`; rolled back at the end where it is still to end."""
    create_database(other)
    with closing(open_database(url)) as first, closing(open_database(other)) as second:
        databases = [first, second]
        for database in databases:
            with database.reading():
                pass
        opened = [database._opened for database in databases]  # type: ignore[attr-defined]  # the product needs no such transaction
        both = DistributedTransactionManager(opened)
        both.begin()
        with closing(both.cursor(opened[0])) as cursor:
            cursor.execute(statement)
        both.prepare()
        try:
            yield both
        finally:
            if both.is_active():
                both.rollback()
            both.close()
