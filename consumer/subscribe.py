"""Which topics a CAJA reads, and which store each warehouse is."""

from collections.abc import Collection, Iterable, Sequence

from consumer.caja import Store, Switches
from consumer.policies import Policies, StockPolicy
from puente.errors import ConfigError
from puente.texts import text
from schemas.changes import Entity, Subject


def choose_stores(known: Sequence[Store], wanted: Sequence[int] | None, caja: str) -> list[Store]:
    """The stores to serve (None: all); raises `ConfigError` for one that CAJA lacks, and for two on one warehouse."""
    by_number = {store.number: store for store in known}
    for number in wanted or ():
        if number not in by_number:
            listed = ", ".join(map(str, sorted(by_number))) or "—"
            raise ConfigError(text("{caja} has no store {number}; it has: {listed}", caja=caja, number=number, listed=listed))
    chosen = [store for store in known if wanted is None or store.number in wanted]
    stores_of_warehouses(chosen, caja)
    return chosen


def stores_of_warehouses(stores: Iterable[Store], caja: str) -> dict[int, int]:
    """warehouse → store; a store without a warehouse gets no stock."""
    found: dict[int, int] = {}
    for store in stores:
        if store.warehouse is None:
            continue
        if store.warehouse in found:
            raise ConfigError(
                text(
                    "{caja}: the stores {one} and {other} have the same warehouse {warehouse} of SAE: name one of them in stores",
                    caja=caja,
                    one=found[store.warehouse],
                    other=store.number,
                    warehouse=store.warehouse,
                )
            )
        found[store.warehouse] = store.number
    return found


def takes(policies: Policies, warehouses: Collection[int], subject: Subject) -> bool:
    """Whether a CAJA takes changes of a subject, now or once «Cambio a existencias» is on; of others its ledger may hold what is past."""
    if subject.entity is Entity.STOCK:
        return policies.stock is not StockPolicy.OFF and subject.warehouse in warehouses
    return subject.entity in policies.entities


def subjects(policies: Policies, warehouses: Iterable[int], switches: Switches) -> list[Subject]:
    """What to read now, in order of dependency.

    Stock is left unread, not skipped, while «Cambio a existencias» is off: it is caught up on when somebody switches it on.
    """
    chosen = [Subject(entity) for entity in Entity if entity in policies.entities and entity is not Entity.STOCK]
    match policies.stock:
        case StockPolicy.OFF:
            return chosen
        case StockPolicy.GUARDED if not switches.stock_changes:
            return chosen
        case _:
            return chosen + [Subject(Entity.STOCK, warehouse) for warehouse in sorted(warehouses)]
