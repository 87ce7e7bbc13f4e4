"""What CAJA itself knows and Puente only reads: its parameters and its stores."""

from typing import Any

import sqlalchemy as sa

from consumer.caja import Store, Switches
from consumer.entries import Switch
from consumer.profile import Profile
from puente.engines.database import Reader


def read_switches(reader: Reader, profile: Profile) -> Switches:
    p = profile.parameters
    query: sa.Select[*tuple[Any, ...]] = sa.select(sa.column(p.name), sa.column(p.value)).select_from(sa.table(p.table))
    found = {str(name).strip(): str(value or "").strip() for name, value in reader.rows(query)}

    def on(switch: Switch) -> bool:
        return found.get(switch.name) == switch.yes

    return Switches(interface=on(p.interface), stock_changes=on(p.stock_changes), tax_included=on(p.tax_included))


def read_stores(reader: Reader, profile: Profile) -> list[Store]:
    """The stores that CAJA knows, by number; none where the profile names no table of stores."""
    s = profile.stores
    if s is None:
        return []
    query: sa.Select[*tuple[Any, ...]] = sa.select(*map(sa.column, (s.number, s.warehouse, s.description))).select_from(sa.table(s.table))
    found = [Store(number=number, warehouse=warehouse, name=(name or "").strip()) for number, warehouse, name in reader.rows(query)]
    return sorted(found, key=lambda store: store.number)
