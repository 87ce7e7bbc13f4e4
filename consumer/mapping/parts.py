"""The parts that a profile is made of, each checked as it is read."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from foundation.engines.catalogue import Kind
from foundation.texts import text
from schemas.entities import Entity

Evidence = Literal["seen", "assumed"]
Conversion = Literal["key", "text", "list", "code", "integer", "number"]
Names = Annotated[tuple[str, ...], BeforeValidator(lambda value: (value,) if isinstance(value, str) else value)]


class Part(BaseModel):
    """Frozen; a name that is not known is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class ColumnMapping(Part):
    """How a column is filled."""

    source: str = Field(alias="from")
    conversion: Conversion | dict[str, str] = Field(alias="as")
    evidence: Evidence
    price_list: int | None = Field(default=None, alias="list")

    @property
    def kind(self) -> Kind:
        if self.conversion == "integer":
            return Kind.INTEGER
        return Kind.FLOAT if self.conversion == "number" else Kind.TEXT


class Active(Part):
    """The flag that says whether a row is in use, and its two values."""

    column: str
    yes: str
    no: str


class Total(Part):
    """Where the sum of `of` over the rows of one product stands."""

    table: str
    key: str
    column: str
    of: str


class EntityMapping(Part):
    """One entity's table."""

    table: str
    match: Names
    key: str | None = None
    columns: dict[str, ColumnMapping]
    active: Active | None = None
    retire: dict[str, int | float | str] = {}
    added: dict[str, int | float | str] = {}
    parents: tuple[Entity, ...] = ()
    total: Total | None = None
    evidence: Evidence
    taxes: int | None = None
    alternates: int | None = None
    """Of no use any more, but in profiles that sites made: how many there are, the columns say."""

    def places(self, array: str) -> frozenset[int]:
        """Which of an event's taxes, or of its bar codes, the columns draw from."""
        split = (column.source.split(".") for column in self.columns.values())
        return frozenset(int(rest[0]) for name, *rest in split if name == array and rest and rest[0].isdecimal())

    @model_validator(mode="after")
    def _names_its_own_columns(self) -> Self:
        lacking = [name for name in (*self.match, *filter(None, [self.key])) if name not in self.columns]
        if lacking:
            raise ValueError(f"the key columns {', '.join(lacking)} are missing under columns")
        return self


class Switch(Part):
    """A parameter of CAJA and its two values: another one, or none, is an error, never a no."""

    name: str
    yes: str
    no: str

    @model_validator(mode="after")
    def _yes_differs_from_no(self) -> Self:
        if self.yes == self.no:
            raise ValueError(str(text("{name}: yes and no are the same", name=self.name)))
        return self


class Parameters(Part):
    table: str
    name: str
    value: str
    interface: Switch
    stock_changes: Switch
    tax_included: Switch
    evidence: Evidence


class Stores(Part):
    table: str
    number: str
    description: str
    warehouse: str
    price: str
    evidence: Evidence


class ColumnValue(Part):
    column: str
    value: str


class SaleLines(Part):
    table: str
    note: str
    product: str


class Sales(Part):
    table: str
    note: str
    store: str
    cancelled: ColumnValue
    posted: ColumnValue
    lines: SaleLines
    evidence: Evidence
