"""Whether two URLs name one database, which an alias or another name of the server may hide: it would have two ledgers' owners."""

import socket
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import combinations

from puente.config import CajaSettings
from puente.engines import open_database, server_of
from puente.engines.database import Database
from puente.errors import PuenteError
from puente.texts import Text, text

ROUNDS = 3


def shared(cajas: Iterable[CajaSettings]) -> Iterator[tuple[CajaSettings, CajaSettings]]:
    """The pairs that are one. Only those on one server are asked; one that is down is told by whoever needs it."""
    where = {caja.name: addresses for caja in cajas if (addresses := _addresses(caja.address))}
    for one, other in combinations([caja for caja in cajas if caja.name in where], 2):
        if where[one.name] & where[other.name] and _are_one(one, other):
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


def _are_one(one: CajaSettings, other: CajaSettings) -> bool:
    try:
        with closing(open_database(one.address)) as first, closing(open_database(other.address)) as second:
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
