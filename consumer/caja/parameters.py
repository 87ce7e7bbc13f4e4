"""What CAJA itself knows and Puente only reads: its parameters and its stores."""

from typing import Any

import sqlalchemy as sa

from consumer.caja.port import Store, Switches
from consumer.mapping.parts import Switch
from consumer.mapping.profile import Profile
from foundation.engines.database import Reader
from foundation.errors import ConfigError
from foundation.texts import Text, text


def read_switches(reader: Reader, profile: Profile, caja: str) -> Switches:
    """Raises `ConfigError` where a parameter is missing or holds neither of its two values: each of them guards what is written."""
    p = profile.parameters
    query: sa.Select[*tuple[Any, ...]] = sa.select(sa.column(p.name), sa.column(p.value)).select_from(sa.table(p.table))
    found = {str(name).strip(): str(value or "").strip() for name, value in reader.rows(query)}

    def on(switch: Switch) -> bool:
        value = found.get(switch.name)
        if value not in (switch.yes, switch.no):
            raise ConfigError(_unknown(caja, f"{p.table}.{switch.name}", switch, value))
        return value == switch.yes

    return Switches(interface=on(p.interface), stock_changes=on(p.stock_changes), tax_included=on(p.tax_included))


def _unknown(caja: str, parameter: str, switch: Switch, value: str | None) -> Text:
    if value is None:
        return text("{caja}: the parameter {parameter} is missing, so nothing can be written", caja=caja, parameter=parameter)
    return text(
        "{caja}: the parameter {parameter} is “{value}”, neither {yes} (yes) nor {no} (no), so nothing can be written",
        caja=caja,
        parameter=parameter,
        value=value,
        yes=switch.yes,
        no=switch.no,
    )


def read_stores(reader: Reader, profile: Profile) -> list[Store]:
    """The stores that CAJA knows, by number; none where the profile names no table of stores."""
    s = profile.stores
    if s is None:
        return []
    query: sa.Select[*tuple[Any, ...]] = sa.select(*map(sa.column, (s.number, s.warehouse, s.description, s.price))).select_from(
        sa.table(s.table)
    )
    found = [
        Store(number=number, warehouse=warehouse, name=(name or "").strip(), price=price)
        for number, warehouse, name, price in reader.rows(query)
    ]
    return sorted(found, key=lambda store: store.number)
