"""Products as the log holds them: made up, each distinct, the same for the same number, every third with accents, some fields NULL."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from foundation.eventlog.port import Record
from schemas.changes import SCALE, Value
from schemas.codec import content_hash, encode, frame
from schemas.entities import Subject
from schemas.headers import EventHeaders
from schemas.keys import KEY_FIELD
from schemas.topics import Topics

TOPICS = Topics("puente", "01")
CAPTURED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NOUNS = (
    "Martillo uña 16 oz",
    "Piña rebanada 800 g",
    "Tornillo 1/4 x 2",
    "Pintura vinílica",
    "Cable THW 12",
    "Jabón de lavandería",
    "Foco LED",
)
NO_TAX: dict[str, Any] = {"percent": Decimal(0).quantize(SCALE), "base": 6}
VAT: dict[str, Any] = {"percent": Decimal(16).quantize(SCALE), "base": 0}
TAXES = [NO_TAX, NO_TAX, NO_TAX, VAT, NO_TAX, NO_TAX, NO_TAX, NO_TAX]


def key_of(number: int) -> str:
    return f"{'750' if number % 5 == 0 else 'ART'}{number:09d}"


def product(number: int, variant: int = 0) -> dict[str, Any]:
    """Another variant differs in text and amounts, as after an edit."""
    price = Decimal(number % 9973 + 1) * Decimal("1.37") + variant
    return {
        "sku": key_of(number),
        "description": f"{NOUNS[number % len(NOUNS)]} {number % 997}-{variant}",
        "line": None if number % 5 == 0 else f"L{number % 40:03d}",
        "kind": "product",
        "unit_in": "pza",
        "unit_out": None if number % 9 == 0 else "pza",
        "unit_factor": Decimal(1).quantize(SCALE),
        "tax_scheme": None if number % 100 == 0 else number % 4 + 1,
        "currency": 1,
        "taxes": TAXES,
        "prices": [_price(place, price) for place in range(1, 6) if place == 1 or (number + place) % 3],
        "alternate_keys": [{"key": f"75{place}{number:010d}", "kind": "none"} for place in range(number % 4)],
        "average_cost": None if number % 7 == 0 else (price * Decimal("0.65")).quantize(SCALE),
        "sat_product": "27111602",
        "sat_unit": None if number % 2 else "H87",
        "ieps": None,
        "status": "active",
    }


def _price(place: int, price: Decimal) -> dict[str, Any]:
    return {"list": place, "amount": (price * (1 - Decimal(place - 1) / 20)).quantize(SCALE), "tax_included": False}


def stock(number: int, warehouse: int = 1) -> dict[str, Any]:
    return {"sku": key_of(number), "warehouse": warehouse, "quantity": (Decimal(number % 240) + Decimal("0.25")).quantize(SCALE)}


def records(subject: Subject, values: Iterable[Value], run: str) -> Iterator[Record]:
    """The values as events of one run of a producer."""
    name = subject.entity.value
    for value in values:
        body = encode(name, value)
        headers = EventHeaders(hash=content_hash(body), captured=CAPTURED, run=run, mode="compare")
        key = str(value[KEY_FIELD[subject.entity]]).encode()
        yield Record(topic=TOPICS.of(subject), key=key, value=frame(name, body), headers=headers.encode())


def parts(source: Iterable[Record], size: int) -> Iterator[list[Record]]:
    part: list[Record] = []
    for record in source:
        part.append(record)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part
