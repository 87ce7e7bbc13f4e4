"""Which companies a database of SAE holds: the two digits at the end of its tables' names."""

import re

from foundation.engines.catalogue import Catalogue
from foundation.errors import ConfigError
from foundation.texts import text
from producer.sae.tables import TABLES

AUTO = "auto"
_COMPANY = re.compile(r"INVE(\d\d)", re.ASCII)
OF_CAJA = "CATINVEN"
"""The products' table of a CAJA, where somebody took one for a SAE."""


def companies(catalogue: Catalogue) -> list[str]:
    """The two-digit suffixes for which the database has all tables; where it has so for none, those with a table of products."""
    found = sorted(match[1] for name in catalogue if (match := _COMPANY.fullmatch(name)))
    return [number for number in found if all(f"{name}{number}" in catalogue for name in TABLES.values())] or found


def choose_company(found: list[str], wanted: str, label: str) -> str:
    """The suffix to read; raises `ConfigError` where it is missing or not the only one."""
    listed = ", ".join(found)
    if wanted != AUTO:
        if wanted in found:
            return wanted
        raise ConfigError(text("{label} has no company {wanted}; it has: {found}", label=label, wanted=wanted, found=listed or "—"))
    if not found:
        raise ConfigError(text("{label} is no SAE: it has no table INVE followed by two digits", label=label))
    if len(found) > 1:
        raise ConfigError(text("{label} has several companies ({found}): set company to one of them", label=label, found=listed))
    return found[0]
