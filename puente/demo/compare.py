"""Each CAJA of a site against SAE, by the demo's own mapping."""

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager

from foundation.engines import open_database
from foundation.engines.catalogue import Catalogue
from foundation.engines.database import Database
from puente.config import CajaSettings, Settings
from puente.demo.oracle import expected
from puente.demo.oracle.caja_rows import Caja
from puente.demo.oracle.expected import Comparison, Policies
from puente.demo.oracle.expected_rows import Sae


def compare_all(settings: Settings) -> list[Comparison]:
    """Every field of every row, SAE and each CAJA in a snapshot of its own."""
    with comparing(settings) as compare:
        return list(compare())


@contextmanager
def comparing(settings: Settings) -> Iterator[Callable[[], Generator[Comparison, None, None]]]:
    """The same again and again, over connections that stay open meanwhile; a CAJA is read when its turn comes."""
    assert settings.sae is not None
    with ExitStack() as opened:
        sae = opened.enter_context(closing(open_database(settings.sae.address)))
        catalogue = sae.catalogue()
        company = expected.company_of(catalogue)
        databases = [opened.enter_context(closing(open_database(caja.address))) for caja in settings.caja]
        cajas = [(_policies(caja), database, database.catalogue()) for caja, database in zip(settings.caja, databases, strict=True)]

        def compare() -> Generator[Comparison, None, None]:
            with sae.reading() as reader:
                rows = Sae(reader, catalogue, company)
                yield from (_compare(rows, *caja) for caja in cajas)

        yield compare


def _compare(sae: Sae, policies: Policies, caja: Database, catalogue: Catalogue) -> Comparison:
    with caja.reading() as reader:
        return expected.compare(sae, Caja(reader, catalogue), policies)


def _policies(caja: CajaSettings) -> Policies:
    return Policies(
        name=caja.name,
        entities=caja.entities,
        stock=caja.stock,
        inactivate_missing_products=caja.inactivate_missing_products,
        inactivate_missing_customers=caja.inactivate_missing_customers,
        soft_deleted=caja.soft_deleted,
        stores=None if caja.stores == "all" else caja.stores,
        prices=caja.prices,
    )
