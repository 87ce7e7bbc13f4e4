"""The products that go through the log, in the form that each side reads, and what CAJA must hold of them in the end."""

import json
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from bench.caja import build, fourteen_columns, opened
from bench.engines import Engine
from bench.products import TOPICS, key_of, product, records
from foundation.engines import open_database
from foundation.engines.catalogue import Scalar
from foundation.eventlog.port import Record
from schemas.entities import Entity, Subject

PRODUCT = Subject(Entity.PRODUCT)
KEY = "PRODUCTO"


@dataclass(frozen=True, slots=True)
class Numbered:
    """A product, and which of its states: another one differs in text and amounts, as after an edit."""

    number: int
    variant: int


class Products:
    """Maps products to CAJA's rows as Puente does: the other sides are spared that."""

    def __init__(self, engine: Engine) -> None:
        url = engine.new("plan")
        build(url)
        with closing(open_database(url)) as database:
            self._mapper = opened(database, fourteen_columns())[1][Entity.PRODUCT]
        engine.drop(url)
        self.table: str = self._mapper.plan.table
        self.columns = [column.name for column in self._mapper.plan.columns]
        self._kept: dict[tuple[str, Numbered], Record] = {}

    def row(self, one: Numbered) -> tuple[Scalar, ...]:
        return self._mapper.row(product(one.number, one.variant), None).values

    def readable(self, one: Numbered) -> tuple[Any, ...]:
        """What is read back: amounts are floats in CAJA."""
        return tuple(value if isinstance(value, str | int | None) else float(value) for value in self.row(one))

    def as_event(self, one: Numbered) -> Record:
        """Avro, as Puente's producer writes it."""
        return self._keep("avro", one, lambda: next(records(PRODUCT, [product(one.number, one.variant)], "bench")))

    def as_row(self, one: Numbered) -> Record:
        """CAJA's row as JSON, ready to be written."""
        return self._keep("json", one, lambda: self._json(one))

    def _json(self, one: Numbered) -> Record:
        text = json.dumps(dict(zip(self.columns, self.readable(one), strict=True)), ensure_ascii=False)
        return Record(topic=TOPICS.of(PRODUCT), key=key_of(one.number).encode(), value=text.encode())

    def _keep(self, form: str, one: Numbered, make: Callable[[], Record]) -> Record:
        found = self._kept.get((form, one))
        if found is None:
            found = self._kept[form, one] = make()
        return found

    def schema(self) -> str:
        """Of those rows, as Kafka Connect's JsonConverter reads it."""
        kinds = {str: "string", int: "int32", float: "double"}
        seen: dict[str, str] = {}
        for number in range(200):  # among which every column has a value
            for column, value in zip(self.columns, self.readable(Numbered(number, 0)), strict=True):
                if value is not None:
                    seen[column] = kinds[type(value)]
        fields = [{"field": column, "type": seen[column], "optional": column != KEY} for column in self.columns]
        return json.dumps({"type": "struct", "optional": False, "fields": fields})

    def all(self, count: int, variant: int) -> Sequence[Numbered]:
        return [Numbered(number, variant) for number in range(count)]
