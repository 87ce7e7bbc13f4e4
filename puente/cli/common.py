"""What the commands share: options, and how findings, tables and JSON reach the screen."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table

from foundation.texts import LANGUAGES, marked, translate
from puente.config import DEFAULT_FILE
from puente.findings import Finding, Level

Command = TypeVar("Command", bound=Callable[..., Any])
MARKS = {Level.OK: ("✔", "green"), Level.NOTE: ("·", "cyan"), Level.WARNING: ("!", "yellow"), Level.ERROR: ("✘", "red")}

WORDS = (
    *(marked("parent"), marked("unposted-sales"), marked("locked"), marked("rejected"), marked("doubtful"), marked("kept-out")),
    *(marked("shortened"), marked("left out"), marked("beyond")),
    *(marked("product_line"), marked("tax_scheme"), marked("currency"), marked("product"), marked("customer"), marked("stock")),
)
"""Why a change waits, how a value did not fit, and the entities, as the ledger and the notes call it: translated where they are shown."""


def config_option(command: Command) -> Command:
    return click.option(
        "-c",
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        default=DEFAULT_FILE,
        show_default=True,
        help=translate("The settings' file."),
    )(command)


def json_option(command: Command) -> Command:
    return click.option("--json", "as_json", is_flag=True, help=translate("Machine-readable output, in English."))(command)


def verbose_option(command: Command) -> Command:
    return click.option("-v", "--verbose", is_flag=True, help=translate("Log lines of the last detail."))(command)


def lang_option(command: Command) -> Command:
    """Read before click runs, since help is translated too; stands here so that click accepts and lists it."""
    return click.option("--lang", type=click.Choice(LANGUAGES), expose_value=False, help=translate("Language of all texts."))(command)


def print_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def print_findings(findings: Iterable[Finding], *, as_json: bool) -> list[Finding]:
    """Shows findings as they come (JSON at the end), and returns them."""
    shown: list[Finding] = []
    console = Console(highlight=False, soft_wrap=True)
    for finding in findings:
        shown.append(finding)
        if not as_json:
            mark, colour = MARKS[finding.level]
            console.print(f"[{colour}]{mark}[/] [bold]{plain(finding.about)}[/]: {plain(finding.text)}")
    if as_json:
        print_json([{"level": f.level.value, "about": f.about, "text": str(f.text), "exit_code": int(f.code)} for f in shown])
    return shown


def plain(value: object) -> str:
    """Text of databases and files is no markup."""
    return str(value).replace("[", "\\[")


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]], title: str | None = None) -> None:
    table = Table(title=title, title_justify="left", highlight=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(plain(cell) for cell in row))
    Console(highlight=False).print(table)
