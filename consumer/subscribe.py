"""Which topics a CAJA reads, and which store each warehouse is."""

from collections.abc import Collection, Iterable, Sequence

from consumer.caja.port import Store, Switches
from consumer.policies import Policies
from foundation.errors import ConfigError
from foundation.texts import Text, text
from schemas.entities import Entity, Subject


def choose_stores(known: Sequence[Store], wanted: Sequence[int] | None, caja: str) -> list[Store]:
    """The stores to serve (None: all); raises `ConfigError` for one that CAJA lacks."""
    by_number = {store.number: store for store in known}
    for number in wanted or ():
        if number not in by_number:
            listed = ", ".join(map(str, sorted(by_number))) or "—"
            raise ConfigError(text("{caja} has no store {number}; it has: {listed}", caja=caja, number=number, listed=listed))
    return [store for store in known if wanted is None or store.number in wanted]


def served(stores: Iterable[Store]) -> dict[int, int | None]:
    """store → warehouse: all that matters of them."""
    return {store.number: store.warehouse for store in stores}


def stores_of_warehouses(stores: Iterable[Store]) -> dict[int, int]:
    """warehouse → store. A store without a warehouse gets no stock, nor do two that share one: what is left of it belongs to both."""
    return {warehouse: numbers[0] for warehouse, numbers in _sharing(stores).items() if len(numbers) == 1}


def shared_warehouses(stores: Iterable[Store]) -> list[Text]:
    """What is wrong with the stores, for people."""
    return [
        text(
            "the stores {stores} have the same warehouse {warehouse} of SAE: none of them gets its stock; name one of them in stores",
            stores=", ".join(map(str, numbers)),
            warehouse=warehouse,
        )
        for warehouse, numbers in _sharing(stores).items()
        if len(numbers) > 1
    ]


def _sharing(stores: Iterable[Store]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for store in stores:
        if store.warehouse is not None:
            found.setdefault(store.warehouse, []).append(store.number)
    return found


def takes(policies: Policies, warehouses: Collection[int], subject: Subject) -> bool:
    """Whether a CAJA takes changes of a subject, now or once «Cambio a existencias» is on; of others its ledger may hold what is past."""
    if subject.entity is Entity.STOCK:
        return policies.stock.is_taken and subject.warehouse in warehouses
    return subject.entity in policies.entities


def subjects(policies: Policies, warehouses: Iterable[int], switches: Switches) -> list[Subject]:
    """What to read now, in order of dependency.

    Stock is left unread, not skipped, while «Cambio a existencias» is off: it is caught up on when somebody switches it on.
    """
    chosen = [Subject(entity) for entity in Entity if entity in policies.entities and entity is not Entity.STOCK]
    if policies.stock.is_taken_now(stock_changes=switches.stock_changes):
        chosen += [Subject(Entity.STOCK, warehouse) for warehouse in sorted(warehouses)]
    return chosen
