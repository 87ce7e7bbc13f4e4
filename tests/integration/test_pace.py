"""How many rows a real CAJA gets at once: few where each takes long, for a till may wait for them."""

from contextlib import closing
from time import monotonic

from consumer.caja.sql import SqlCaja
from consumer.mapping.mapper import mappers
from consumer.pace import SMALLEST
from foundation.engines import open_database
from schemas.entities import CATALOGUES
from tests.contracts.test_caja import on_firebird
from tests.engines.embedded import Engine
from tests.engines.users import as_writer
from tests.unit.consuming import PROFILE, Clock, Site

BURNS_TIME = """create trigger SLOW for CATINVEN before insert as
declare I integer = 0;
declare S varchar(2000);
begin
  while (I < 1500) do begin I = I + 1; S = lpad('', 2000, 'x'); end
end"""
"""Takes several milliseconds a row on any machine."""


class RealClock(Clock):
    """It goes on by itself."""

    def __call__(self) -> float:
        return monotonic()


def test_where_each_row_takes_long_few_are_written_at_once(engine: Engine) -> None:
    url = engine.new_url("caja")
    for _made in on_firebird(url, [BURNS_TIME]):
        with closing(open_database(as_writer(url))) as database:
            caja = SqlCaja("centro", database, PROFILE, mappers(PROFILE, database.catalogue(), {}, CATALOGUES))
            site = Site(caja=caja, clock=RealClock())  # type: ignore[arg-type]  # a real one
            for number in range(300):
                site.product(f"P{number}")
            site.step()
            assert site.consumer.pace.limit <= 2 * SMALLEST
            site.consumer.release()
