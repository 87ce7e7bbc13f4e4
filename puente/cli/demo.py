"""`puente demo` and `puente demo sql`."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console

from foundation.errors import ExitCode
from foundation.texts import Text, text, translate
from puente import logs
from puente.cli.bars import Bars
from puente.cli.common import json_option, plain, print_json, print_table
from puente.commands.run import Watch
from puente.demo import show, site
from puente.demo.retail import PRODUCTS
from puente.demo.show import Outcome, Shown
from puente.demo.watch import Arrival


def commands() -> list[click.Command]:
    folder_option = click.option(
        "--folder",
        type=click.Path(file_okay=False, path_type=Path),
        default=site.FOLDER,
        show_default=True,
        help=translate("Where the demo's databases and settings stand."),
    )

    @click.group(
        "demo",
        invoke_without_command=True,
        help=translate("Builds a SAE and three CAJAs, edits SAE, shows each change arrive, and compares every field."),
    )
    @click.option(
        "--products", type=click.IntRange(50, 200_000), default=PRODUCTS, show_default=True, help=translate("How many products SAE has.")
    )
    @click.option("--kafka", metavar="HOST:PORT", help=translate("A Kafka broker that keeps the log, instead of a file."))
    @folder_option
    @json_option
    @click.pass_context
    def demo(context: click.Context, products: int, kafka: str | None, folder: Path, as_json: bool) -> int | None:
        if context.invoked_subcommand is not None:
            return None
        return _demo(folder, products, kafka, as_json=as_json)

    @demo.command("sql", help=translate("Runs one SQL statement on the demo's SAE; CP1252 characters are welcome."))
    @click.argument("statement", metavar=translate("STATEMENT"))
    @folder_option
    def sql(statement: str, folder: Path) -> int:
        touched = show.run_sql(folder, statement)
        click.echo(text("{count} rows of SAE touched", count=touched))
        return int(ExitCode.OK)

    return [demo]


def _demo(folder: Path, products: int, kafka: str | None, *, as_json: bool) -> int:
    logs.set_up(as_json=as_json, verbose=False)
    logging.getLogger("puente").setLevel(logging.ERROR)
    console = Console(highlight=False, soft_wrap=True, quiet=as_json)
    outcome = show.demo(
        folder,
        products,
        kafka=kafka,
        announce=lambda said: console.print(f"[bold cyan]▸[/] {plain(said)}"),
        showed=lambda shown: _show(console, shown),
        watched=lambda: _watched(as_json=as_json),
    )
    if as_json:
        print_json(_as_json(outcome))
    else:
        _table(console, outcome)
    return int(outcome.exit_code)


@contextmanager
def _watched(*, as_json: bool) -> Iterator[Watch]:
    with Bars[str](str, quiet=as_json) as bars:
        yield bars.hear


def _show(console: Console, shown: Shown) -> None:
    console.print(f"  {plain(shown.edit.name)}")
    for arrival in shown.arrivals:
        console.print(f"      {arrival.caja:<10} {plain(_sentence(arrival))}")


def _sentence(arrival: Arrival) -> Text:
    if not arrival.concerned:
        return text("— no store of this CAJA has that warehouse")
    if arrival.seconds is None:
        return text("✘ nothing arrived")
    took = f"{arrival.seconds * 1000:.0f}"
    if not arrival.kept:
        return text("✔ after {took} ms", took=took)
    if not arrival.changed:
        return text("· after {took} ms: kept by policy", took=took)
    return text("✔ after {took} ms; kept by policy: {kept}", took=took, kept=", ".join(map(_entity, arrival.kept)))


def _entity(subject: str) -> str:
    entity, _, warehouse = subject.partition(".")
    return f"{translate(entity)} {warehouse}".strip()


def _table(console: Console, outcome: Outcome) -> None:
    headings = [translate("CAJA"), translate("rows"), translate("fields compared"), translate("differences")]
    print_table(headings, [(c.caja, f"{c.rows:,}", f"{c.fields:,}", len(c.differences)) for c in outcome.comparisons])
    for comparison in outcome.comparisons:
        for found in comparison.differences[:10]:
            console.print(plain(f"  {found.caja} {found.table} {found.key} {found.column}: {found.expected!r} ≠ {found.found!r}"))
    loaded = outcome.loaded.produced
    console.print(
        plain(
            text(
                "{events} events published and applied to three CAJAs in {seconds} s; all of it took {total} s",
                events=f"{loaded.published:,}" if loaded else 0,
                seconds=f"{outcome.load_seconds:.1f}",
                total=f"{outcome.seconds:.1f}",
            )
        )
    )
    config = (outcome.folder / site.SETTINGS).as_posix()
    console.print(plain(text("Go on with: puente status -c {config}", config=config)))


def _as_json(outcome: Outcome) -> dict[str, object]:
    return {
        "folder": str(outcome.folder),
        "load_seconds": round(outcome.load_seconds, 2),
        "seconds": round(outcome.seconds, 2),
        "edits": [
            {
                "edit": str(shown.edit.name),
                "arrivals": [
                    {
                        "caja": a.caja,
                        "concerned": a.concerned,
                        "milliseconds": a.seconds and round(a.seconds * 1000),
                        "row_changed": a.changed,
                        "kept": a.kept,
                    }
                    for a in shown.arrivals
                ],
            }
            for shown in outcome.shown
        ],
        "cajas": [
            {"name": c.caja, "rows": c.rows, "fields": c.fields, "differences": [str(d) for d in c.differences]}
            for c in outcome.comparisons
        ],
        "exit_code": int(outcome.exit_code),
    }
