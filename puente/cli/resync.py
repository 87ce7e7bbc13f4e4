"""`puente resync`."""

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from consumer.ledger.parked import Reason
from consumer.leftout import LeftOut, summary
from consumer.resync.preview import Preview
from foundation.errors import ExitCode
from foundation.texts import text, translate
from puente import config as settings_file
from puente import logs
from puente.cli import left_out
from puente.cli.bars import Bars
from puente.cli.common import config_option, json_option, print_json, print_table, verbose_option
from puente.commands import resync as resyncs
from puente.commands.resync import Resynced
from puente.commands.status import document
from puente.config import CajaSettings, Settings
from puente.loop import Stop, attended, stop_on_signals
from schemas.entities import Entity, Subject
from schemas.keys import Key

LISTED = 10


def commands() -> list[click.Command]:
    @click.command(
        "resync",
        help=translate(
            "Reads the log from its start and compares its newest state with every row of a CAJA, then inactivates by policy what SAE "
            "lacks. A puente run that writes to this CAJA hands it over for a moment and goes on afterwards."
        ),
    )
    @config_option
    @click.option("--caja", "name", required=True, help=translate("Which CAJA of the settings."))
    @click.option(
        "--entity",
        "entities",
        multiple=True,
        type=click.Choice([entity.value for entity in Entity]),
        help=translate("Only this entity (or several); all that the CAJA takes where none is named."),
    )
    @click.option("--dry-run", is_flag=True, help=translate("Only say what would change; nothing is written."))
    @click.option(
        "--allow-deletes",
        type=click.IntRange(min=1),
        metavar="N",
        help=translate("Let up to N rows of an entity be inactivated where that is more than 50 and 5 %."),
    )
    @json_option
    @verbose_option
    def resync(
        config: Path, name: str, entities: Sequence[str], dry_run: bool, allow_deletes: int | None, as_json: bool, verbose: bool
    ) -> int:
        logs.set_up(as_json=as_json, verbose=verbose)
        if not verbose:
            logging.getLogger("puente").setLevel(logging.ERROR)  # the report says it all
        settings = settings_file.load(config)
        caja = settings.caja_named(name)
        chosen = [Entity(entity) for entity in entities] or list(Entity)
        if dry_run:
            return _dry_run(settings, caja, chosen, as_json=as_json)
        return _resync(settings, caja, chosen, allow_deletes, as_json=as_json)

    return [resync]


def _resync(settings: Settings, caja: CajaSettings, entities: Sequence[Entity], allow_deletes: int | None, *, as_json: bool) -> int:
    stop = Stop()
    stop_on_signals(stop)
    with Bars(_name, quiet=as_json) as bars:
        work = partial(resyncs.resync, settings, caja, entities, stop, allow_deletes, bars.show)
        result = attended(work, stop, settings.run.stop_seconds) or Resynced(stopped=True)
    if as_json:
        print_json(_as_json(result))
    else:
        _show(result, caja.name)
    return int(stop.exit_code or ExitCode.OK)


def _name(subject: Subject) -> str:
    return f"{translate(subject.entity.value)} {subject.warehouse or ''}".strip()


def _show(result: Resynced, caja: str) -> None:
    headings = [translate("entity"), translate("in SAE"), translate("rows written"), translate("inactivated"), translate("parked")]
    print_table(
        headings,
        [(_name(s), r.keys, r.written, r.inactivated, r.parked) for s, r in sorted(result.reports.items(), key=_order)],
        title=caja,
    )
    for subject, report in result.reports.items():
        if report.held is not None:
            click.echo(
                text(
                    "{entity}: {count} rows of CAJA are not in SAE, more than may be inactivated unasked; look at them, then: "
                    "puente resync --caja {caja} --entity {name} --allow-deletes {count}",
                    entity=_name(subject),
                    name=subject.entity,
                    count=report.held,
                    caja=caja,
                )
            )
    left_out.show(caja, result.left_out)
    if result.stopped:
        click.echo(translate("Stopped before the end: the next process that writes to this CAJA goes on."))
    elif result.unread:
        unread = ", ".join(map(_name, result.unread))
        click.echo(
            text("The log was made again or lost its end: {entities} come in once a producer has compared it with SAE.", entities=unread)
        )
    elif result.unheard:
        click.echo(translate("No producer has spoken since: what SAE lacks is inactivated once one says that the log is complete."))


def _order(item: tuple[Subject, object]) -> tuple[int, int]:
    subject = item[0]
    return list(Entity).index(subject.entity), subject.warehouse or 0


def _as_json(result: Resynced) -> dict[str, object]:
    return {
        "stopped": result.stopped,
        "sweep_waits_for_producer": result.unheard,
        "unread": list(map(str, result.unread)),
        "entities": [
            {
                "entity": str(subject),
                "keys": report.keys,
                "rows_written": report.written,
                "inactivated": report.inactivated,
                "held": report.held,
                "parked": report.parked,
            }
            for subject, report in sorted(result.reports.items(), key=_order)
        ],
        "left_out": list(map(document.left_out, result.left_out)),
    }


def _dry_run(settings: Settings, caja: CajaSettings, entities: Sequence[Entity], *, as_json: bool) -> int:
    with Bars(_name, quiet=as_json) as bars:
        found = resyncs.dry_run(settings, caja, entities, bars.at)
    if as_json:
        print_json(list(map(_previewed, found)))
    else:
        _show_preview(caja.name, found)
    return int(ExitCode.OK)


def _previewed(preview: Preview) -> dict[str, object]:
    return {
        "entity": str(preview.subject),
        "equal": preview.equal,
        "added": preview.added,
        "changed": preview.changed,
        "inactivated": preview.inactivated,
        "not_in_sae": preview.swept.gone,
        "held": preview.swept.is_too_much(None),
        "parked": {key: reason.value for key, reason in preview.parked.items()},
        "left_out": list(map(document.left_out, _lacking([preview]))),
    }


def _show_preview(caja: str, found: Sequence[Preview]) -> None:
    headings = [translate("entity"), translate("equal"), translate("added"), translate("changed"), translate("inactivated")]
    print_table(
        [*headings, translate("not in SAE"), translate("parked")],
        [(_name(p.subject), p.equal, len(p.added), len(p.changed), len(p.inactivated), len(p.swept.gone), len(_parked(p))) for p in found],
        title=caja,
    )
    for preview in found:
        parts = {
            text("added"): preview.added,
            text("changed"): preview.changed,
            text("inactivated"): preview.inactivated,
            text("not in SAE"): preview.swept.gone,
            text("parked"): _parked(preview),
        }
        for what, keys in parts.items():
            if keys:
                more = f" (+{len(keys) - LISTED})" if len(keys) > LISTED else ""
                click.echo(f"{_name(preview.subject)}, {what}: {', '.join(keys[:LISTED])}{more}")
    left_out.show(caja, _lacking(found))
    click.echo(translate("Nothing was written (--dry-run)."))


def _lacking(found: Sequence[Preview]) -> list[LeftOut]:
    return summary({(preview.subject, key): notes for preview in found for key, notes in preview.left_out.items()}, lambda _subject: True)


def _parked(preview: Preview) -> list[Key]:
    """What is no trouble does not count."""
    return [key for key, reason in preview.parked.items() if reason is not Reason.KEPT_OUT]
