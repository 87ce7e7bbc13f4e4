"""A profile: the data that maps an event to CAJA's tables and columns. A site edits names, no code.

`load` reads one, `check` holds it against a database's own catalogue.
"""

import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Self

from pydantic import ValidationError, model_validator
from pydantic_core import ErrorDetails

from consumer.mapping import sources
from consumer.mapping.parts import EntityMapping, Parameters, Part, Sales, Stores
from foundation.engines.catalogue import Catalogue, Kind, Table
from foundation.engines.charset import SERVED
from foundation.errors import ConfigError
from foundation.texts import Text, text
from schemas.entities import Entity
from schemas.keys import KEY_FIELD, KEY_LENGTH

BUNDLED = ("caja50",)


class Profile(Part):
    """A whole profile. `stores` is absent where CAJA knows no table of stores: the settings name them."""

    name: str
    product_line: EntityMapping
    tax_scheme: EntityMapping
    currency: EntityMapping
    product: EntityMapping
    customer: EntityMapping
    stock: EntityMapping
    parameters: Parameters
    stores: Stores | None = None
    sales: Sales

    @model_validator(mode="after")
    def _draws_from_fields_that_exist(self) -> Self:
        found = [
            f"{entity}.{name}: {fault}"
            for entity in Entity
            for name, column in self.entity(entity).columns.items()
            for fault in sources.faults(entity, column.source, column.conversion, column.price_list)
        ]
        keyless = [
            f"{entity}: {text('no column takes {field}', field=KEY_FIELD[entity])}"
            for entity in Entity
            if all(column.source != KEY_FIELD[entity] for column in self.entity(entity).columns.values())
        ]
        flags = [
            f"{entity}.active: {text('an event of {entity} has no field {source}', entity=entity, source=sources.STATUS)}"
            for entity in Entity
            if self.entity(entity).active and not sources.has_status(entity)
        ]
        if found or keyless or flags:
            raise ValueError("; ".join([*found, *keyless, *flags]))
        return self

    def entity(self, entity: Entity) -> EntityMapping:
        mapping = getattr(self, entity.value)
        assert isinstance(mapping, EntityMapping)
        return mapping

    @property
    def assumed(self) -> tuple[str, ...]:
        """The columns that nobody has seen in a real CAJA, as TABLE.COLUMN."""
        mappings = [self.entity(entity) for entity in Entity]
        return tuple(f"{m.table}.{name}" for m in mappings for name, column in m.columns.items() if column.evidence == "assumed")


def load(name: str) -> Profile:
    """A bundled profile by name, or a site's own by path; raises `ConfigError` naming everything that is wrong in it."""
    source, label = _read(name)
    try:
        return Profile.model_validate(tomllib.loads(source))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(text("The profile {name} is no TOML: {error}", name=label, error=error)) from error
    except ValidationError as error:
        listed = "; ".join(": ".join([*_place(problem["loc"]), _message(problem)]) for problem in error.errors())
        raise ConfigError(text("The profile {name} is wrong: {listed}", name=label, listed=listed)) from error


def _place(path: tuple[int | str, ...]) -> list[str]:
    return [".".join(map(str, path))] if path else []


def _message(problem: ErrorDetails) -> str:
    return str(text("is missing")) if problem["type"] == "missing" else problem["msg"].removeprefix("Value error, ")


def _read(name: str) -> tuple[str, str]:
    if name in BUNDLED:
        return (files("consumer.profiles") / f"{name}.toml").read_text(encoding="utf-8"), name
    path = Path(name)
    try:
        return path.read_text(encoding="utf-8"), name
    except (OSError, UnicodeDecodeError) as error:
        bundled = ", ".join(BUNDLED)
        raise ConfigError(
            text("There is no profile {name}: name one that comes with Puente ({bundled}) or a file", name=name, bundled=bundled)
        ) from error


def check(profile: Profile, catalogue: Catalogue, label: str) -> list[Text]:
    """Holds a profile against a database: returns warnings, raises `ConfigError` naming all that forbids writing."""
    faults = [*_missing(profile, catalogue)]
    warnings: list[Text] = []
    if not faults:
        for entity in Entity:
            mapping = profile.entity(entity)
            table = catalogue[mapping.table]
            faults += [*_faults(entity, mapping, table), *_letters(mapping, table), *_constants(mapping, table)]
            warnings += _short(entity, mapping, table)
        faults += _charsets(profile, catalogue)
    if faults:
        listed = "; ".join(map(str, faults))
        raise ConfigError(text("{label} does not fit the profile {name}: {listed}", label=label, name=profile.name, listed=listed))
    return warnings


def needed(profile: Profile) -> dict[str, set[str]]:
    """The columns that a profile names, by table."""
    tables: dict[str, set[str]] = {}

    def need(table: str, *columns: str) -> None:
        tables.setdefault(table, set()).update(columns)

    for entity in Entity:
        m = profile.entity(entity)
        need(m.table, *m.columns, *m.match, *m.retire, *m.added, *([m.active.column] if m.active else []))
        if m.total:
            need(m.total.table, m.total.key, m.total.column)
    need(profile.parameters.table, profile.parameters.name, profile.parameters.value)
    if profile.stores:
        need(profile.stores.table, profile.stores.number, profile.stores.description, profile.stores.warehouse, profile.stores.price)
    sales = profile.sales
    need(sales.table, sales.note, sales.store, sales.cancelled.column, sales.posted.column)
    need(sales.lines.table, sales.lines.note, sales.lines.product)
    return tables


def _missing(profile: Profile, catalogue: Catalogue) -> Iterator[Text]:
    for table, columns in needed(profile).items():
        if table not in catalogue:
            yield text("the table {table} is missing", table=table)
            continue
        for column in sorted(columns - set(catalogue[table].columns)):
            yield text("the column {table}.{column} is missing", table=table, column=column)


def _faults(entity: Entity, mapping: EntityMapping, table: Table) -> Iterator[Text]:
    if frozenset(mapping.match) not in table.keys:
        match = ", ".join(mapping.match)
        yield text("{table} has no primary or unique key on {match}", table=table.name, match=match)
    if mapping.key is not None and frozenset((mapping.key,)) not in table.keys:
        yield text("{table} has no primary or unique key on {match}", table=table.name, match=mapping.key)
    for name, column in mapping.columns.items():
        found = table.columns[name]
        fits = found.kind is column.kind or (column.kind is Kind.INTEGER and found.kind is Kind.FLOAT)
        if not fits:
            yield text("{table}.{column} is {found}, not {wanted}", table=table.name, column=name, found=found.kind, wanted=column.kind)
        elif name in mapping.match and found.kind is Kind.TEXT and (found.length or 0) < KEY_LENGTH.get(entity, 0):
            yield text(
                "the key {table}.{column} holds {found} characters, SAE's keys have up to {wanted}",
                table=table.name,
                column=name,
                found=found.length,
                wanted=KEY_LENGTH[entity],
            )


def _charsets(profile: Profile, catalogue: Catalogue) -> Iterator[Text]:
    """One fault for each character set that cannot be served, whatever the number of columns."""
    found: dict[str, list[str]] = {}
    for table, names in sorted(needed(profile).items()):
        for name in sorted(names):
            column = catalogue[table].columns[name]
            if column.kind is Kind.TEXT and column.charset not in (*SERVED, None):
                found.setdefault(column.charset, []).append(f"{table}.{name}")
    for charset, columns in found.items():
        yield text(
            "{column} (of {count} columns) has the character set {charset}; Puente serves {served}: "
            "have the database made anew in one of them",
            column=columns[0],
            count=len(columns),
            charset=charset,
            served=", ".join(SERVED),
        )


def _letters(mapping: EntityMapping, table: Table) -> Iterator[Text]:
    """Letters that are longer than their column."""
    letters = {name: list(c.conversion.values()) for name, c in mapping.columns.items() if isinstance(c.conversion, dict)}
    if mapping.active:
        letters[mapping.active.column] = [mapping.active.yes, mapping.active.no]
    for name, used in letters.items():
        found, length = table.columns[name], max(map(len, used), default=0)
        sizes = {"found": f"{found.kind} ({found.length})" if found.length else found.kind, "wanted": f"{Kind.TEXT} ({length})"}
        is_short = found.kind is Kind.TEXT and (found.length or 0) < length
        is_number = found.kind is not Kind.TEXT and not all(map(str.isdecimal, used))
        if is_short or (is_number and name not in mapping.columns):  # of the others the kind was compared already
            yield text("{table}.{column} is {found}, not {wanted}", table=table.name, column=name, **sizes)


def _constants(mapping: EntityMapping, table: Table) -> Iterator[Text]:
    """Values of the profile's own that are of another kind than their column."""
    for name, value in {**mapping.retire, **mapping.added}.items():
        found, wanted = table.columns[name], Kind.TEXT if isinstance(value, str) else Kind.FLOAT
        if (found.kind is Kind.TEXT) != (wanted is Kind.TEXT) or found.kind in (Kind.TIMESTAMP, Kind.OTHER):
            yield text("{table}.{column} is {found}, not {wanted}", table=table.name, column=name, found=found.kind, wanted=wanted)


TEXT_LENGTHS = {
    "description": {Entity.PRODUCT: 40, Entity.PRODUCT_LINE: 20, Entity.TAX_SCHEME: 40, Entity.CURRENCY: 20},
    "name": {Entity.CUSTOMER: 254},
    "email": {Entity.CUSTOMER: 512},
}
"""Characters that SAE 9 holds, where a shorter column of CAJA is worth a warning."""


def _short(entity: Entity, mapping: EntityMapping, table: Table) -> Iterator[Text]:
    for name, column in mapping.columns.items():
        wanted = TEXT_LENGTHS.get(column.source, {}).get(entity, 0)
        found = table.columns[name].length
        if found is not None and found < wanted and column.conversion in ("text", "list"):
            yield text(
                "{table}.{column} holds {found} characters, SAE's text up to {wanted}: longer ones are shortened and listed",
                table=table.name,
                column=name,
                found=found,
                wanted=wanted,
            )
