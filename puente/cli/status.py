"""`puente status`."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from consumer.ledger.parked import Reason
from consumer.leftout import line
from foundation.texts import Text, text, translate
from puente import config as settings_file
from puente.cli.common import config_option, json_option, print_json, print_table
from puente.commands.heartbeat import ProducerState, ProducerStatus, held, stuck, untravelled
from puente.commands.status import status as look
from puente.commands.status.document import document
from puente.commands.status.model import CajaStatus, Lacks, Parked, State, Status, is_late


def commands() -> list[click.Command]:
    @click.command("status", help=translate("What works, how far each CAJA is, what waits and why. Exits 3 where something does not work."))
    @config_option
    @click.option(
        "--max-lag",
        type=click.FloatRange(min=0),
        metavar=translate("SECONDS"),
        help=translate("Exit 3, too, where a CAJA is behind for longer than this."),
    )
    @json_option
    def status(config: Path, max_lag: float | None, as_json: bool) -> int:
        found = look(settings_file.load(config))
        if as_json:
            print_json(document(found, max_lag))
        else:
            _show(found, max_lag)
        return int(found.exit_code(max_lag))

    return [status]


def _show(found: Status, max_lag: float | None) -> None:
    click.echo(_producer(found))
    if found.cajas:
        headings = [translate("CAJA"), translate("state"), translate("behind"), translate("last change"), translate("ready to sell")]
        print_table(headings, [_row(caja) for caja in found.cajas])
    for trouble in _of_producer(found.producer):
        click.echo(f"SAE: {trouble}")
    for caja in found.cajas:
        for told in _of_caja(caja, max_lag):
            click.echo(f"{caja.name}: {' '.join(str(told).split())}")  # a trigger of CAJA's own may say several lines
    if found.error:
        click.echo(f"puente: {found.error}", err=True)


def _producer(found: Status) -> Text:
    said = {
        ProducerState.WORKING: text("the producer works"),
        ProducerState.WAITING: text("the producer works, but for tables of SAE that cannot be read"),
        ProducerState.COMPARING: text("the producer compares all of SAE with the log"),
        ProducerState.STOPPED: text("the producer is stopped"),
        ProducerState.SILENT: text("the producer is silent"),
        ProducerState.NEVER_STARTED: text("no producer has spoken yet"),
        ProducerState.UNKNOWN: text("what the producer does is not known"),
    }[found.producer.state]
    if found.producer.heard_seconds is None:
        return text("SAE: {said}", said=said)
    return text("SAE: company {company}; {said}; heard {ago} ago", company=found.company, said=said, ago=ago(found.producer.heard_seconds))


def _row(caja: CajaStatus) -> list[object]:
    last = ago((datetime.now(UTC) - caja.applied_at).total_seconds()) if caja.applied_at else "—"
    behind = "?" if caja.behind is None else f"{caja.behind:,}"
    ready = translate("yes") if caja.ready_at else "?" if caja.lacks is None else translate("no")
    return [caja.name, translate(caja.state), behind, last, ready]


def _of_producer(found: ProducerStatus) -> Iterator[Text]:
    if found.state in (ProducerState.STOPPED, ProducerState.SILENT, ProducerState.NEVER_STARTED):
        yield text("nothing that changes there is carried: start puente run (or puente produce) where SAE is")
    if found.heartbeat:
        yield from map(stuck, found.heartbeat.stuck)
        yield from untravelled(found.heartbeat)
        yield from held(found.heartbeat)


def _of_caja(caja: CajaStatus, max_lag: float | None) -> Iterator[Text | str]:
    """What is not as it should be, one line each."""
    if caja.error:
        yield str(caja.error).removeprefix(f"{caja.name}: ")
    yield from _of_state(caja)
    if is_late(caja, max_lag):
        yield text("it has been behind for {ago}, longer than {limit} s", ago=ago(caja.lag_seconds or 0), limit=f"{max_lag:g}")
    if caja.lacks is not None and caja.state is not State.NEVER_LOADED:
        yield text("not ready to sell: {reason}", reason=_LACKS[caja.lacks])
    for topic, count in caja.held.items():
        yield text(
            "{count} rows that SAE lacks wait to be inactivated ({topic}); if that is right: "
            "puente resync --caja {caja} --allow-deletes {count}",
            caja=caja.name,
            count=count,
            topic=topic,
        )
    for reason, parked in caja.parked.items():
        if reason is not Reason.KEPT_OUT:
            yield _of_parked(reason, parked)
    for lacking in caja.left_out:
        yield line(lacking)


def _of_state(caja: CajaStatus) -> Iterator[Text]:
    since = "" if caja.silent_seconds is None else ago(caja.silent_seconds)
    match caja.state:
        case State.FAILED if caja.error is None:
            yield text("stopped by an error {ago} ago: {reason}", ago=ago(caja.last_error_seconds or 0), reason=caja.last_error)
        case State.STOPPED:
            yield text("nobody has written to it for {ago}: start puente run (or puente consume --caja {caja})", ago=since, caja=caja.name)
        case State.NEVER_LOADED if caja.error is None:
            yield text("nothing was applied yet: start puente run (or puente consume --caja {caja})", caja=caja.name)
        case State.INTERFACE_OFF:
            yield text("its interface with SAE is off; switch it on in CAJA, nothing is lost meanwhile")
        case _:
            pass


_LACKS = {
    Lacks.RESYNC: text("it is yet to be compared with the whole log"),
    Lacks.PERSON: text("rows that SAE lacks are held"),
    Lacks.PUBLISHED: text("SAE has rows that cannot be published, see above"),
    Lacks.PRODUCER: text("the producer is yet to say that the log holds all of SAE"),
    Lacks.ENTITIES: text("its settings leave entities out"),
    Lacks.CONSUMER: text("its consumer is yet to say so"),
}


def _of_parked(reason: Reason, parked: Parked) -> str:
    """`2 locked for 3 min: product A, B (a till holds the row)`."""
    by_detail: dict[str, list[str]] = {}
    for example in parked.first:
        by_detail.setdefault(example.detail, []).append(f"{translate(example.subject.entity)} {example.key}")
    told = "; ".join(f"{', '.join(keys)} ({detail})" for detail, keys in by_detail.items())
    more = f" (+{parked.count - len(parked.first)})" if parked.count > len(parked.first) else ""
    since = ago((datetime.now(UTC) - parked.oldest).total_seconds()) if parked.oldest else "?"
    return str(
        text("{count} wait, {reason}, for {ago}: {told}", count=parked.count, reason=translate(reason), ago=since, told=f"{told}{more}")
    )


def ago(value: float) -> str:
    seconds = max(0, int(value))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    return f"{days} d" if days else f"{hours} h" if hours else f"{minutes} min" if minutes else f"{seconds} s"
