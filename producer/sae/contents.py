"""All that travels of the rows of one snapshot of SAE, row by row and not yet mapped."""

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cache, partial
from typing import NamedTuple, TypeVar

from foundation.errors import ConfigError, PoisonError
from foundation.texts import text
from producer.sae.port import Rows
from producer.sae.product import Children, product, read_children
from producer.sae.tables import Almacenes, Clie, Clin, Impu, Inve, Moned, Mult, Number, ParamInventario, Precios
from producer.sae.values import NO, YES, currency, customer, letter, product_line, stock, tax_scheme
from schemas.changes import Value
from schemas.codec import UNFIT, encode, unfit
from schemas.entities import Entity, Subject
from schemas.keys import Key, trim

AnyRow = TypeVar("AnyRow")
DEFAULT_WAREHOUSE = 1


class Row(NamedTuple):
    """A row that travels.

    `raw` is SAE's own key, which decides between rows whose keys are equal once trimmed. `make` gives the event's body and raises
    `PoisonError`, or one of `UNFIT`, where no event can hold the row. `lost` holds the spellings of the key in rows of other tables that do
    not count.
    """

    subject: Subject
    key: Key
    raw: str
    make: Callable[[], bytes]
    lost: Collection[str] = ()

    def body(self) -> bytes:
        """Raises `PoisonError` where there can be no such event."""
        if not self.key:
            raise PoisonError(text("The key is empty"))
        try:
            return self.make()
        except UNFIT as error:
            raise unfit(self.subject.entity.value, error) from error


_made: Callable[[tuple[Subject, Key, str, Callable[[], bytes], Collection[str]]], Row] = partial(tuple.__new__, Row)
"""As `Row` itself does, which is slower."""
StockSource = tuple[bool, int]


def everything(snapshot: Rows) -> Iterator[Row]:
    """Every row, entity by entity; prospects do not travel. Raises what `stock_source` does."""
    yield from everything_with(snapshot, stock_source(snapshot))


def everything_with(snapshot: Rows, stock: StockSource | None) -> Iterator[Row]:
    """The same where it is known where stock stands; without stock where it is not."""
    schemes = list(snapshot.rows(Impu))
    make_scheme = partial(tax_scheme, layout=snapshot.layout)
    yield from _rows(Entity.PRODUCT_LINE, ((row.cve_lin, row) for row in snapshot.rows(Clin)), product_line)
    yield from _rows(Entity.TAX_SCHEME, ((str(row.cve_esqimpu), row) for row in schemes), make_scheme)
    yield from _rows(Entity.CURRENCY, ((str(row.num_moned), row) for row in snapshot.rows(Moned)), currency)
    per_warehouse, default = stock or (False, None)
    yield from _products(snapshot, read_children(snapshot, schemes), None if per_warehouse else default)
    yield from _customers(snapshot)
    if per_warehouse:
        for row in snapshot.rows(Mult):
            yield _stock(row.cve_art, row.cve_alm, row.exist)


def stock_source(snapshot: Rows) -> StockSource:
    """Whether stock stands in MULT per warehouse, and the warehouse that INVE.EXIST belongs to where it does not.

    Raises `ConfigError` where SAE does not say: a store would get the whole company's stock for its own.
    """
    for row in snapshot.rows(ParamInventario):
        found = letter(row.multialmacen)
        if found not in (YES, NO):
            raise ConfigError(
                text(
                    "SAE does not say where its stock stands: MULTIALMACEN of PARAM_INVENTARIO is {found}, neither S (by warehouse) nor N",
                    found=repr(row.multialmacen),
                )
            )
        return found == YES, row.almacenpredeter or DEFAULT_WAREHOUSE
    raise ConfigError(text("SAE does not say where its stock stands: PARAM_INVENTARIO has no row"))


def warehouses(snapshot: Rows, stock: StockSource) -> set[int]:
    """Every warehouse that may hold stock: each has its topic."""
    per_warehouse, default = stock
    return {row.cve_alm for row in snapshot.rows(Almacenes)} if per_warehouse else {default}


def price_lists(snapshot: Rows) -> tuple[int, ...]:
    """The numbers of SAE's price lists, in order."""
    return tuple(sorted({row.cve_precio for row in snapshot.rows(Precios)}))


def _rows(entity: Entity, keyed: Iterable[tuple[str, AnyRow]], make: Callable[[AnyRow], Value]) -> Iterator[Row]:
    subject = Subject(entity)
    for raw, row in keyed:
        yield Row(subject, trim(raw), raw, partial(_encoded, entity, make, row))


def _encoded(entity: Entity, make: Callable[[AnyRow], Value], row: AnyRow) -> bytes:
    return encode(entity.value, make(row))


def _products(snapshot: Rows, children: Children, stock_in: int | None) -> Iterator[Row]:
    subject = Subject(Entity.PRODUCT)
    for row in snapshot.rows(Inve):
        key = trim(row.cve_art)
        yield _made((subject, key, row.cve_art, partial(product, row, children), children.lost.get(key, ())))
        if stock_in is not None:
            yield _stock(row.cve_art, stock_in, row.exist)


def _customers(snapshot: Rows) -> Iterator[Row]:
    subject = Subject(Entity.CUSTOMER)
    for row in snapshot.rows(Clie):
        if letter(row.prospecto) != YES:
            yield Row(subject, trim(row.clave), row.clave, partial(_encoded, Entity.CUSTOMER, customer, row))


def _stock(raw: str, warehouse: int, quantity: Number) -> Row:
    key = trim(raw)
    return _made((_stock_of(warehouse), key, raw, partial(stock, key, warehouse, quantity), ()))


@cache
def _stock_of(warehouse: int) -> Subject:
    return Subject(Entity.STOCK, warehouse)
