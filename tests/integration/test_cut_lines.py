"""A line to a CAJA that is cut in the midst of a transaction: the server does not notice, and its locks stay until Puente ends it."""

from contextlib import closing

import pytest
import sqlalchemy as sa

from consumer.caja.port import Transaction
from consumer.caja.sql import SqlCaja
from consumer.lease import Lease
from consumer.ledger import tables
from consumer.mapping.mapper import mappers
from foundation.engines import open_database
from foundation.engines.errors import LockConflict
from foundation.errors import ConnectionLost
from foundation.limits import DatabaseLimits
from foundation.silence import SILENCE_SECONDS
from schemas.entities import CATALOGUES
from tests.contracts.test_caja import HOLDER, on_firebird
from tests.e2e.small_site import wait_until
from tests.engines.faulty_line import FaultyLine
from tests.engines.firebird_server import FirebirdServer
from tests.engines.users import as_writer
from tests.unit.consuming import NOW, PROFILE, Clock


def _write_and_fall_silent(transaction: Transaction, line: FaultyLine) -> None:
    transaction.set_ready(NOW)
    line.silence()


BEAT = sa.update(tables.lease).values(HEARTBEAT=tables.lease.c.HEARTBEAT)


def test_who_comes_back_on_another_line_ends_its_own_connection_and_goes_on(firebird_server: FirebirdServer) -> None:
    url = firebird_server.new_url("caja")
    with closing(FaultyLine(firebird_server.port)) as line:
        for _made in on_firebird(url):
            through = open_database(as_writer(url).replace(f":{firebird_server.port}/", f":{line.port}/"), DatabaseLimits(statement=1.0))
            with closing(through), closing(open_database(as_writer(url))) as straight, closing(open_database(url)) as till:
                made = mappers(PROFILE, straight.catalogue(), {}, CATALOGUES)
                before, after = (SqlCaja("centro", one, PROFILE, made) for one in (through, straight))
                lease = Lease(before, HOLDER)
                assert lease.claim()
                assert lease.token is not None
                # Given a transaction whose commit the server never hears, nor that its client is gone
                with pytest.raises(ConnectionLost), before.transaction(lease.token) as transaction:
                    _write_and_fall_silent(transaction, line)
                # Then its locks stay
                with pytest.raises(LockConflict), till.writing() as writer:
                    writer.execute(BEAT)
                # Until it has asked for the lease for ten seconds
                clock = Clock()
                again = Lease(after, HOLDER, clock, lease.token)
                for _ in range(int(SILENCE_SECONDS) + 1):
                    assert not again.claim()
                    clock.now += 1
                wait_until(again.claim)
                with till.writing() as writer:
                    assert writer.execute(BEAT) == 1
