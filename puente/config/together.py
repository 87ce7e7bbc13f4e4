"""What one setting says of another: each CAJA has a name and a database of its own."""

from collections.abc import Iterator, Mapping
from typing import Any

from foundation.texts import Text, text
from puente.config.problems import Problem


def clashes(document: Mapping[str, Any]) -> Iterator[Problem]:
    """Of a document whose variables are put in; what is no list of CAJAs is told elsewhere."""
    listed = document.get("caja")
    cajas = [caja if isinstance(caja, dict) else {} for caja in listed] if isinstance(listed, list) else []
    names: dict[str, int] = {}
    for number, caja in enumerate(cajas):
        name = caja.get("name")
        if isinstance(name, str) and names.setdefault(name, number) != number:
            yield ("caja", number, "name"), text("another CAJA above has this name")
    yield from _databases(document.get("sae"), cajas)


def _databases(sae: object, cajas: list[dict[str, Any]]) -> Iterator[Problem]:
    from foundation.engines import urls  # noqa: PLC0415 - takes as long to import as all else of a command

    def place_of(table: object) -> urls.Place | None:
        url = table.get("url") if isinstance(table, dict) else None
        return urls.Place.of(urls.parse(url)) if isinstance(url, str) and urls.fault_of(url) is None else None

    owners: dict[urls.Place, Text | str] = {}
    if (place := place_of(sae)) is not None:
        owners[place] = "SAE"
    for number, caja in enumerate(cajas):
        if (place := place_of(caja)) is None:
            continue
        if place in owners:
            yield ("caja", number, "url"), text("this is the database of {owner}: each has one of its own", owner=owners[place])
        owners.setdefault(place, text("CAJA {name}", name=caja.get("name") or number + 1))
