"""Many rows in one call, cut apart inside an EXECUTE BLOCK: row, ledger row and error report in one round trip.

Stays inside Firebird 2.5: a statement under 64 KB, at most 255 contexts, parameters of at most 64 KB together. Each row stands in its
own block, so that one that fails (a constraint, a lock) leaves nothing behind, of its total and its ledger row neither, and leaves the
others alone. Numbers travel as text, with six decimals or as many as they have.

Firebird takes back the work of a block when an error leaves it. One that is handled where it happened takes back the failed statement
alone: so a row's work is a block of its own, and the handler stands around it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from foundation.engines.catalogue import Kind, Scalar
from foundation.engines.firebird import packing
from foundation.engines.firebird.errors import DUPLICATE_CODES
from foundation.engines.firebird.opening import NO_OPENING, REPORT, Opening
from foundation.engines.firebird.text import to_database
from foundation.engines.writing import LEDGER_COLUMNS, Action, Refusal, RowWrite, Total, WriteColumn, WritePlan, written
from foundation.errors import InvariantError
from foundation.once import once
from foundation.texts import text

LEDGER_KEY = 3
DUPLICATES = ", ".join(map(str, sorted(DUPLICATE_CODES)))
_WIDTHS = {Kind.INTEGER: 11, Kind.FLOAT: 26}
LATIN = "ISO8859_1"
DIGITS = 18
"""Of an exact number in eight bytes."""


def width_of(column: WriteColumn) -> int:
    """How many characters the column's value takes at most."""
    return column.width if column.kind is Kind.TEXT else _WIDTHS[column.kind]


@dataclass(frozen=True)
class PackedBlock:
    """A plan's statement, and how its rows are packed."""

    sql: str
    columns: tuple[WriteColumn, ...]

    @once
    def _packer(self) -> Callable[[Sequence[Any]], str]:
        return packing.packer([(width_of(column), _text_of(column)) for column in self.columns])

    def pack(self, row: RowWrite) -> str:
        """One row."""
        missing = len(self.columns) - len(row.values) - len(row.ledger)
        try:
            return packing.whole(row.action.value + self._packer((*row.values, *(None,) * missing, *row.ledger)))
        except IndexError as error:
            raise InvariantError(text("A value is longer than its column: {ledger}", ledger=row.ledger[:LEDGER_KEY])) from error


def _text_of(column: WriteColumn) -> packing.Texts:
    if column.kind is Kind.TEXT:
        return lambda value: to_database(str(value)).rstrip(" ")
    return lambda value: format(value, "d") if isinstance(value, int) else written(value)


def build(plan: WritePlan, *, aloud: bool = False, opening: Opening = NO_OPENING) -> PackedBlock:
    """The statement for a plan, after an opening; `aloud` lets the error of a row leave it, with all that Firebird says of it."""
    columns = plan.columns + LEDGER_COLUMNS
    variables = {column.name: f"V{index}" for index, column in enumerate(plan.columns)}
    ledger = {column.name: f"V{len(plan.columns) + index}" for index, column in enumerate(LEDGER_COLUMNS)}
    lines = [
        f"execute block {packing.parameters(opening.declared)}",
        f"returns {REPORT} as",
        packing.DECLARED,
        "declare i integer = 0; declare touched integer = 0; declare c integer; declare a char(1);",
        *([f"declare s {_number(Kind.FLOAT, plan.total)};"] if plan.total else []),
        *(["declare f bigint;"] if plan.numbered else []),
        *(f"declare V{index} {_declared(column)};" for index, column in enumerate(columns)),
        "begin",
        *opening.lines,
        packing.BEGUN,
        f"while {packing.MORE} do begin",
        f"code = 0; c = 0; {packing.BEGIN}",
        "begin begin",
        "a = substring(d from o for 1); o = o + 1;",
        *(line for index, column in enumerate(columns) for line in _cut(index, column)),
        *_apply(plan, variables),
        "if (code = 0) then begin",
        f"if (a <> '{Action.TOTAL.value}') then begin",
        *_write_ledger(plan.ledger, ledger),
        "end touched = touched + c;",
        "end else begin row_no = i; state = null; seen = 0; suspend; end",
        "end",
        *([] if aloud else _report(plan, variables)),
        "end",
        f"i = i + 1; {packing.NEXT}",
        "end",
        "row_no = -1; code = touched; suspend;",
        "end",
    ]
    return PackedBlock(sql="\n".join(lines), columns=columns)


def _declared(column: WriteColumn) -> str:
    return _text(column, column.charset or LATIN) if column.kind is Kind.TEXT else _number(column.kind, column)


def _text(column: WriteColumn, charset: str) -> str:
    return f"varchar({column.width}) character set {charset.lower()}"


def _turned(piece: str, column: WriteColumn) -> str:
    """Bytes of CP1252 that count as ISO8859_1, as the column's character set has them: its own bytes, but for UTF8."""
    if (column.charset or LATIN) in (LATIN, "ASCII"):
        return piece
    taken = f"cast({piece} as {_text(column, 'NONE')})"
    return taken if column.charset in ("NONE", "WIN1252") else f"cast({taken} as {_text(column, 'WIN1252')})"


def _number(kind: Kind, of: WriteColumn | Total) -> str:
    """As the column itself keeps it: else a value is not equal to what was stored of it."""
    if kind is Kind.INTEGER:
        return "integer"
    if of.scale is not None:
        return f"numeric({DIGITS}, {of.scale})"
    return "float" if of.single else "double precision"


def _cut(index: int, column: WriteColumn) -> Iterator[str]:
    def value(piece: str) -> str:
        return _turned(piece, column) if column.kind is Kind.TEXT else f"cast({piece} as {_number(column.kind, column)})"

    return packing.cut(f"V{index}", width_of(column), value)


def _apply(plan: WritePlan, v: dict[str, str]) -> Iterator[str]:
    where = " and ".join(f"{name} = :{v[name]}" for name in plan.match)
    yield "if (a = 'P' or a = 'C') then begin"
    for parent in plan.parents:
        own = v[parent.own]
        yield (
            f"if (:{own} is not null and not exists(select 1 from {parent.table} where {parent.column} = :{own})) "
            f"then code = {Refusal.PARENT.value};"
        )
    yield "if (code = 0) then begin"
    yield from _update(plan, v, where)
    yield f"if (c = 0 and a = 'P' and not exists(select 1 from {plan.table} where {where})) then begin"
    yield from _insert(plan, v)
    yield "end end end"
    yield "else if (a = 'R') then begin"
    yield _set(plan.table, {name: _literal(value) for name, value in plan.retire.items()}, where)
    yield "end"
    if plan.total is not None:
        yield from _add_up(plan, v)


def _update(plan: WritePlan, v: dict[str, str], where: str) -> Iterator[str]:
    fixed = {*plan.match, *plan.only_new}
    values = {column.name: f":{v[column.name]}" for column in plan.columns if column.name not in fixed}
    yield _set(plan.table, values, where)


def _set(table: str, values: dict[str, str], where: str) -> str:
    """Writes only where something differs, so that an equal row gets no new version; nothing where a plan has nothing to set."""
    return f"{_changed(table, values, where)} c = row_count;" if values else ""


def _changed(table: str, values: dict[str, str], where: str) -> str:
    assignments = ", ".join(f"{name} = {value}" for name, value in values.items())
    differs = " or ".join(f"{name} is distinct from {value}" for name, value in values.items())
    return f"update {table} set {assignments} where {where} and ({differs});"


def _insert(plan: WritePlan, v: dict[str, str]) -> Iterator[str]:
    values = {column.name: f":{v[column.name]}" for column in plan.columns}
    values.update({name: _literal(value) for name, value in plan.added.items()})
    if plan.numbered is not None:
        yield from _number_of_its_own(plan, plan.numbered, v)
    yield f"insert into {plan.table} ({', '.join(values)}) values ({', '.join(values.values())}); c = row_count;"


def _number_of_its_own(plan: WritePlan, name: str, v: dict[str, str]) -> Iterator[str]:
    """As a till takes one: after the highest. It is looked for once in a call, and only where a key is taken."""
    column = next(column for column in plan.columns if column.name == name)
    digits = f"{{1,{min(column.width, DIGITS)}}}"
    highest = f"case when trim({name}) similar to '[0-9]{digits}' then cast(trim({name}) as bigint) end" if column.width else name
    yield f"if (exists(select 1 from {plan.table} where {name} = :{v[name]})) then begin"
    yield f"if (f is null) then select coalesce(max({highest}), 0) from {plan.table} into f;"
    yield f"f = f + 1; {v[name]} = f; end"


def _add_up(plan: WritePlan, v: dict[str, str]) -> Iterator[str]:
    total = plan.total
    assert total is not None
    own = v[total.own_key]
    yield f"if (code = 0 and (c > 0 or a = '{Action.TOTAL.value}')) then begin"
    yield f"select sum(x.{total.of}) from {plan.table} x where x.{total.own_key} = :{own} into s;"
    yield f"update {total.table} set {total.column} = :s where {total.key} = :{own} and {total.column} is distinct from :s;"
    yield "if (c = 0) then c = row_count; end"


def _report(plan: WritePlan, v: dict[str, str]) -> Iterator[str]:
    """Of a unique value also whether this snapshot shows the other row that has it: if not, another transaction made it meanwhile."""
    yield "when any do begin row_no = i; code = gdscode; state = sqlstate; seen = 0;"
    own = " and ".join(f"{name} = :{v[name]}" for name in plan.match)
    for key in plan.keys:
        same = " and ".join(f"{name} = :{v[name]}" for name in key)
        yield f"if (code in ({DUPLICATES}) and exists(select 1 from {plan.table} where {same} and not ({own}))) then seen = 1;"
    yield "suspend; end"


def _write_ledger(table: str, v: dict[str, str]) -> Iterator[str]:
    keys = [column.name for column in LEDGER_COLUMNS[:LEDGER_KEY]]
    values = [column.name for column in LEDGER_COLUMNS[LEDGER_KEY:]]
    where = " and ".join(f"{name} = :{v[name]}" for name in keys)
    yield _changed(table, {name: f":{v[name]}" for name in values}, where)
    yield (
        f"if (row_count = 0 and not exists(select 1 from {table} where {where})) then insert into {table} ({', '.join(keys + values)}) "
        f"values ({', '.join(f':{v[name]}' for name in keys + values)});"
    )


def _literal(value: Scalar) -> str:
    if value is None:
        return "null"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)
