"""Change ↔ bytes: Avro inside Confluent's frame (a zero byte, the schema's id as four big-endian bytes), and the content hash.

The schemas that this release writes are bundled. What another release wrote is read with its own schema, which the registry topic
holds, and resolved to ours; an id that is in neither stops the reader (`UnknownSchemaError`), it never makes an event a bad one.
"""

import io
import json
import struct
from binascii import b2a_base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from typing import Any, NewType

import fastavro
from fastavro.read import SchemaResolutionError
from fastavro.schema import SchemaParseException
from fastavro.types import AvroMessage, Schema

from foundation.errors import ConfigError, PoisonError
from foundation.texts import text
from schemas.changes import Value
from schemas.defaults import Fill, filling
from schemas.entities import Entity
from schemas.reader import EVERYTHING, Read, compile_reader
from schemas.writer import Write, compile_writer

ContentHash = NewType("ContentHash", str)
"""Sixteen characters (96 bits of BLAKE2b of the Avro body, base64): equal where the content is."""

MAGIC = 0
FRAME = struct.Struct(">bI")
ID_ATTRIBUTE = "puente.id"
HEARTBEAT = "word"
NAMES = (*(entity.value for entity in Entity), HEARTBEAT)
UNFIT = (TypeError, ValueError, KeyError, IndexError, AttributeError, ArithmeticError, EOFError, MemoryError, struct.error)
"""What fastavro raises for values and bytes that do not fit a schema."""


class UnknownSchemaError(ConfigError):
    """An event was written with a schema that neither this release nor the log's registry knows."""


@dataclass(frozen=True, slots=True)
class BundledSchema:
    """A schema of this release: its id for the frame, its text for the registry, itself, what fastavro made of it, and its writer."""

    id: int
    text: str
    definition: Mapping[str, Any] = field(repr=False)
    parsed: Schema = field(repr=False)
    write: Write = field(repr=False)


@cache
def bundled(name: str) -> BundledSchema:
    """The schema that this release writes for an entity or the heartbeat; `name` is its file's."""
    source = (files("schemas") / "avro" / f"{name}.avsc").read_text(encoding="utf-8")
    definition = json.loads(source)
    return BundledSchema(
        id=definition[ID_ATTRIBUTE],
        text=json.dumps(definition, ensure_ascii=False),
        definition=definition,
        parsed=fastavro.parse_schema(definition),
        write=compile_writer(definition),
    )


def encode(name: str, value: Value) -> bytes:
    """The Avro body of a value, without its frame; raises `PoisonError` where the value does not fit the schema."""
    try:
        return bundled(name).write(value)
    except UNFIT as error:
        raise unfit(name, error) from error


def unfit(name: str, error: Exception) -> PoisonError:
    """What says that a value does not fit the schema."""
    reason = f"{type(error).__name__}: {error}"
    return PoisonError(text("The {name} does not fit its schema ({reason})", name=name, reason=reason))


def frame(name: str, body: bytes) -> bytes:
    """The body with its frame, as it stands in the log."""
    return FRAME.pack(MAGIC, bundled(name).id) + body


def content_hash(body: bytes) -> ContentHash:
    """The hash of an Avro body."""
    return ContentHash(content_bytes(body).decode("ascii"))


def content_bytes(body: bytes) -> bytes:
    """The same as it stands in the header."""
    return b2a_base64(blake2b(body, digest_size=12).digest(), newline=False)


def schema_id(framed: bytes) -> int:
    """The id in the frame; raises `PoisonError` where there is no frame."""
    if len(framed) < FRAME.size or framed[0] != MAGIC:
        raise PoisonError(text("The event does not begin with Confluent's frame (a zero byte and a schema id)"))
    return int(FRAME.unpack_from(framed)[1])


@dataclass(frozen=True, slots=True)
class _Writer:
    """A schema that events were written with, whose values become those of this release's by `fill`."""

    name: str
    parsed: Schema
    fill: Fill | None = None


class Decoder:
    """Bytes → values, with the bundled schemas and those that the registry brought (`learn`)."""

    def __init__(self) -> None:
        self._writers = {bundled(name).id: _Writer(name, bundled(name).parsed) for name in NAMES}
        self._reads: dict[tuple[str, frozenset[str]], tuple[bytes, Read]] = {}

    def learn(self, definitions: Mapping[int, str]) -> None:
        """Adds schemas of other releases; a bundled one stays as it is, what is no schema is passed over."""
        for number in definitions.keys() - self._writers.keys():
            try:
                definition = json.loads(definitions[number])
                name = _file_name(definition["name"])
                fill = filling(definition, json.loads(bundled(name).text)) if name in NAMES else None
                self._writers[number] = _Writer(name, fastavro.parse_schema(definition), fill)
            except (*UNFIT, SchemaParseException):
                continue

    def decode(self, name: str, framed: bytes, wanted: frozenset[str] = EVERYTHING) -> dict[str, Any]:
        """The value, or at least the fields that are `wanted` of it, as `compile_reader` names them.

        Raises `UnknownSchemaError` (stop and upgrade) or `PoisonError` (set the event aside), whatever is wanted.
        """
        head, read = self._reads.get((name, wanted)) or self._reader(name, wanted)
        if framed.startswith(head):
            found: dict[str, Any]
            try:
                found, end = read(framed, FRAME.size)
            except (LookupError, ValueError, ArithmeticError):
                return self._decode(name, framed)
            if end == len(framed):
                return found
        return self._decode(name, framed)

    def _reader(self, name: str, wanted: frozenset[str]) -> tuple[bytes, Read]:
        """The one of what this release writes, and the frame that shows that something was."""
        found = self._reads[name, frozenset(wanted)] = frame(name, b""), compile_reader(bundled(name).definition, wanted)
        return found

    def _decode(self, name: str, framed: bytes) -> dict[str, Any]:
        """The same by fastavro: of what another release wrote, and of what may be wrong."""
        number = schema_id(framed)
        if number not in self._writers:
            raise UnknownSchemaError(
                text(
                    "An event was written with schema {number}, which this release does not know: upgrade Puente",
                    number=number,
                )
            )
        writer = self._writers[number]
        if writer.name != name:
            raise PoisonError(text("The event holds a {found} where a {name} belongs", found=writer.name, name=name))
        reader = bundled(name)
        buffer = io.BytesIO(framed[FRAME.size :])
        try:
            same = number == reader.id
            value: AvroMessage = fastavro.schemaless_reader(buffer, writer.parsed, None if same else reader.parsed)
        except SchemaResolutionError as error:
            raise UnknownSchemaError(
                text("Schema {number} of the log does not resolve to this release's: upgrade Puente", number=number)
            ) from error
        except UNFIT as error:
            raise PoisonError(text("The {name} cannot be decoded: {error}", name=name, error=str(error) or type(error).__name__)) from error
        if buffer.read(1) or not isinstance(value, dict):
            raise PoisonError(text("The {name} has bytes after its end", name=name))
        if writer.fill is not None:
            writer.fill(value)
        return value


def _file_name(record_name: str) -> str:
    """`mx.puente.TaxScheme` → `tax_scheme`, the name of the schema's file."""
    name = record_name.rpartition(".")[2]
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
