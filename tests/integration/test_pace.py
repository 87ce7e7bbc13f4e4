"""How many rows a real CAJA gets at once: many where the line is slow, for fewer would not shorten a transaction; few where each row is."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from time import monotonic

from consumer.caja.sql import SqlCaja
from consumer.mapping.mapper import mappers
from consumer.pace import SMALLEST
from foundation.engines import open_database
from schemas.entities import CATALOGUES
from tests.contracts.test_caja import on_firebird
from tests.engines.faulty_line import FaultyLine
from tests.engines.firebird_server import FirebirdServer
from tests.engines.users import as_writer
from tests.unit.consuming import PROFILE, Clock, Site

PRODUCTS = 1500
LATE = 0.03
"""In each direction, in seconds: a transaction takes at least half a second, ten times what its rows should."""
BURNS_TIME = """create trigger SLOW for CATINVEN before insert as
declare I integer = 0;
declare S varchar(2000);
begin
  while (I < 6000) do begin I = I + 1; S = lpad('', 2000, 'x'); end
end"""
"""Takes several milliseconds a row on any machine."""


class RealClock(Clock):
    """It goes on by itself."""

    def __call__(self) -> float:
        return monotonic()


@contextmanager
def loaded(server: FirebirdServer, *, products: int, late: float = 0.0, altered: Sequence[str] = ()) -> Iterator[Site]:
    """A site whose CAJA got so many products over a line."""
    url = server.new_url("caja")
    with closing(FaultyLine(server.port)) as line:
        for _made in on_firebird(url, altered):
            with closing(open_database(as_writer(url).replace(f":{server.port}/", f":{line.port}/"))) as through:
                caja = SqlCaja("centro", through, PROFILE, mappers(PROFILE, through.catalogue(), {}, CATALOGUES))
                site = Site(caja=caja, clock=RealClock())  # type: ignore[arg-type]  # a real one
                for number in range(products):
                    site.product(f"P{number}")
                line.slow(late)
                site.step()
                yield site
                line.slow(0.0)
                site.consumer.release()


def test_over_a_slow_line_batches_stay_large(firebird_server: FirebirdServer) -> None:
    with loaded(firebird_server, products=PRODUCTS, late=LATE) as site:
        assert site.consumer.pace.limit > 5 * SMALLEST


def test_where_each_row_takes_long_a_till_waits_for_few_of_them(firebird_server: FirebirdServer) -> None:
    with loaded(firebird_server, products=400, altered=[BURNS_TIME]) as site:
        assert site.consumer.pace.limit <= 2 * SMALLEST
