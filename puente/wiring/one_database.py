"""Whether two URLs name one database, which an alias or another name of the server may hide: it would have two ledgers' owners."""

import socket
from collections.abc import Iterator
from contextlib import closing
from itertools import combinations

from foundation.engines import open_database, server_of
from foundation.engines.database import Database
from foundation.errors import PuenteError
from foundation.texts import Text, text
from puente.config import CajaSettings, SaeSettings, Settings

Source = SaeSettings | CajaSettings
ROUNDS = 3


def shared(settings: Settings) -> Iterator[tuple[str, str]]:
    """The names of those that are one, SAE among them. Only those on one server are asked; one that is down shows where it is needed."""
    sources: list[tuple[str, Source]] = [(caja.name, caja) for caja in settings.caja]
    if settings.sae is not None:
        sources.insert(0, ("SAE", settings.sae))
    where = [(name, source, addresses) for name, source in sources if (addresses := _addresses(source.address))]
    for (one, first, here), (other, second, there) in combinations(where, 2):
        if here & there and _are_one(first, second):
            yield one, other


def one_database(one: str, other: str) -> Text:
    return text("{one} and {other} are one database: each CAJA has its own; correct a url", one=one, other=other)


def are_one(one: Database, other: Database) -> bool:
    """Transactions of one database are numbered in one row: begun by turns through both connections, their numbers rise by turns."""
    numbers = []
    for _ in range(ROUNDS):
        for database in (one, other):
            with database.reading() as reader:
                numbers.append(reader.ids.own if reader.ids else 0)
    return numbers == sorted(set(numbers))


def _are_one(one: Source, other: Source) -> bool:
    try:
        with closing(open_database(one.address, one.limits)) as first, closing(open_database(other.address, other.limits)) as second:
            return are_one(first, second)
    except PuenteError:
        return False


def _addresses(url: str) -> frozenset[tuple[object, ...]]:
    """Of the server; none of a file of this machine, whose path says it all, and of a name that nobody knows."""
    server = server_of(url)
    if server is None:
        return frozenset()
    try:
        return frozenset((found[4][0], server[1]) for found in socket.getaddrinfo(*server, type=socket.SOCK_STREAM))
    except OSError:
        return frozenset()
