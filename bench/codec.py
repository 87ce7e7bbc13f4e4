"""The codec of the log against fastavro's own: products to bytes, and back."""

import io
from typing import Any

import fastavro

from bench.benchmark import Benchmark, Figures, Setting
from bench.measure import Figure, Way
from bench.products import product
from schemas.codec import Decoder, bundled, encode, frame

NAME = "product"
TAKEN = frozenset(
    {"sku", "description", "line", "unit_out", "tax_scheme", "currency", "kind", "average_cost", "sat_product", "sat_unit", "status"}
    | {"alternate_keys.key", "alternate_keys.kind", "prices.list", "prices.amount"}
)
"""What the profile caja50 takes of a product."""


def figures(at: Setting) -> Figures:
    values = [product(number) for number in range(at.rows)]
    bodies = [encode(NAME, value) for value in values]
    framed = [frame(NAME, body) for body in bodies]
    schema = bundled(NAME).parsed
    decoder = Decoder()
    made: list[Any] = []

    def fastavro_encode() -> None:
        for value in values:
            buffer = io.BytesIO()
            fastavro.schemaless_writer(buffer, schema, value)
            made.append(buffer.getvalue())

    def check(expected: list[object]) -> None:
        assert made == expected, "the work was not done right"
        made.clear()

    yield Figure(
        name="encode products",
        unit="product",
        count=at.rows,
        ours=Way(
            name="schemas.codec.encode", run=lambda: made.extend(encode(NAME, value) for value in values), check=lambda: check([*bodies])
        ),
        other=Way(name="fastavro.schemaless_writer", run=fastavro_encode, check=lambda: check([*bodies])),
    )

    def fastavro_decode() -> None:
        made.extend(fastavro.schemaless_reader(io.BytesIO(body), schema, None) for body in bodies)

    yield Figure(
        name="decode products",
        unit="product",
        count=at.rows,
        ours=Way(name="Decoder.decode", run=lambda: made.extend(decoder.decode(NAME, f) for f in framed), check=lambda: check([*values])),
        other=Way(
            name="fastavro.schemaless_reader",
            run=fastavro_decode,
            check=lambda: check([*values]),
        ),
    )

    def check_taken() -> None:
        assert [(value["sku"], value["average_cost"]) for value in made] == [(value["sku"], value["average_cost"]) for value in values]
        made.clear()

    yield Figure(
        name="decode what caja50 takes",
        unit="product",
        count=at.rows,
        ours=Way(name="Decoder.decode", run=lambda: made.extend(decoder.decode(NAME, f, TAKEN) for f in framed), check=check_taken),
        other=Way(name="fastavro.schemaless_reader", run=fastavro_decode, check=check_taken),
    )


BENCHMARK = Benchmark(name="codec", about="events to bytes and back, against fastavro", rows=20_000, rounds=5, plain=figures)
