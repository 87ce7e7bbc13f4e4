"""`puente check` and `status`."""

from datetime import UTC, datetime
from pathlib import Path

import click

from puente import check as checks
from puente import config as settings_file
from puente import status as statuses
from puente.cli.common import config_option, json_option, print_findings, print_json, print_table
from puente.errors import gravest
from puente.status import CajaStatus, Status
from puente.texts import text, translate


def commands() -> list[click.Command]:
    @click.command(
        "check",
        help=translate("SAE, the log, its topics and schemas, every CAJA: what is wrong and what to do. Writes nothing."),
    )
    @config_option
    @json_option
    def check(config: Path, as_json: bool) -> int:
        return int(gravest(finding.code for finding in print_findings(checks.check(settings_file.load(config)), as_json=as_json)))

    @click.command("status", help=translate("What the producer said last, how far each CAJA is, what waits and why."))
    @config_option
    @json_option
    def status(config: Path, as_json: bool) -> int:
        return _status(statuses.status(settings_file.load(config)), as_json=as_json)

    return [check, status]


def _status(found: Status, *, as_json: bool) -> int:
    if as_json:
        print_json(_as_json(found))
    else:
        _show(found)
    errors = [error for error in (found.error, *(caja.error for caja in found.cajas)) if error]
    return int(gravest(error.exit_code for error in errors))


def _show(found: Status) -> None:
    word = found.word
    if word is None:
        click.echo(translate("SAE: no producer has spoken yet."))
    else:
        said = translate("all of SAE is in the log") if word.complete else translate("SAE is being compared with the log")
        click.echo(text("SAE: company {company}; {said}; heard {ago} ago", company=found.company, said=said, ago=_ago(word.time)))
    headings = [
        translate("CAJA"),
        translate("behind"),
        translate("last change"),
        translate("ready to sell"),
        translate("waiting"),
        translate("written by"),
        translate("trouble"),
    ]
    print_table(headings, [_row(caja) for caja in found.cajas])
    for caja in found.cajas:
        for topic, count in caja.held.items():
            click.echo(
                text(
                    "{caja}: {count} rows that SAE lacks wait to be inactivated ({topic}); if that is right: "
                    "puente resync --caja {caja} --allow-deletes {count}",
                    caja=caja.name,
                    count=count,
                    topic=topic,
                )
            )
    if found.error:
        click.echo(f"puente: {found.error}", err=True)


def _row(caja: CajaStatus) -> list[object]:
    waiting = ", ".join(f"{translate(reason)} {count}" for reason, count in sorted(caja.waiting.items()))
    last = _ago(caja.applied_at.replace(tzinfo=UTC)) if caja.applied_at else "—"
    return [caja.name, caja.behind, last, _readiness(caja), waiting or "—", caja.holder or "—", caja.error or ""]


def _readiness(caja: CajaStatus) -> str:
    """Since when, or why not; and what is going on all the same."""
    if caja.resyncs:
        return translate("being compared with the log")
    if caja.ready_at is not None:
        return translate("yes")
    if caja.held:
        return translate("no: rows that SAE lacks are held")
    if caja.sweeps:
        return translate("no: waits for the producer")
    return translate("not yet") if not caja.error else "—"


def _ago(moment: datetime) -> str:
    seconds = max(0, int((datetime.now(UTC) - moment).total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    return f"{days} d" if days else f"{hours} h" if hours else f"{minutes} min" if minutes else f"{seconds} s"


def _as_json(found: Status) -> dict[str, object]:
    word = found.word
    return {
        "company": found.company,
        "producer": word and {"run": word.run, "time": word.time.isoformat(), "complete": word.complete},
        "topics": found.topics,
        "error": found.error and str(found.error),
        "cajas": [
            {
                "name": caja.name,
                "behind": caja.behind,
                "applied_at": caja.applied_at and caja.applied_at.replace(tzinfo=UTC).isoformat(),
                "waiting": caja.waiting,
                "oldest_waiting": caja.oldest_waiting and caja.oldest_waiting.isoformat(),
                "holder": caja.holder,
                "ready_at": caja.ready_at and caja.ready_at.isoformat(),
                "resyncs": caja.resyncs,
                "sweeps_waiting_for_producer": caja.sweeps,
                "sweeps_held": caja.held,
                "error": caja.error and str(caja.error),
            }
            for caja in found.cajas
        ],
    }
