"""`puente run`, `produce` and `consume`."""

import logging
from collections.abc import Callable, Sequence
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

import click

from consumer.ledger.parked import Reason
from foundation.engines import open_database
from foundation.errors import ConfigError, ExitCode
from foundation.texts import text, translate
from producer.losses import Kind
from producer.poll import Pass
from puente import config as settings_file
from puente import logs
from puente.cli import left_out
from puente.cli.allowing import allow_options, allowed
from puente.cli.bars import Bars
from puente.cli.common import config_option, json_option, print_json, print_table, verbose_option
from puente.commands.heartbeat import untravelled, waits
from puente.commands.run import CajaResult, Result, forever, once
from puente.commands.status import document
from puente.config import CajaSettings, Settings
from puente.loop import Stop, stop_on_signals
from puente.wiring.producing import NOTHING, Meant
from schemas.control import HeldUpdates

log = logging.getLogger("puente.run")


def commands() -> list[click.Command]:
    return [_run_command(), _produce_command(), _consume_command()]


def _once_option(command: Callable[..., int]) -> Callable[..., int]:
    help_text = translate("Everything that is there now, deletes included, then stop.")
    return click.option("--once", is_flag=True, help=help_text)(command)


def _run_command() -> click.Command:
    @click.command("run", help=translate("Producer and all consumers in one process, until Ctrl-C."))
    @config_option
    @_once_option
    @json_option
    @verbose_option
    def run(config: Path, once: bool, as_json: bool, verbose: bool) -> int:
        settings = _settings(config, as_json, verbose)
        return _run(settings, config, produce=True, cajas=settings.caja, stop_after=once, as_json=as_json)

    return run


def _produce_command() -> click.Command:
    @click.command("produce", help=translate("The producer alone: SAE to the log."))
    @config_option
    @_once_option
    @allow_options
    @click.option(
        "--accept-sae",
        "accepts_sae",
        is_flag=True,
        help=translate("Takes SAE as it is, also where the log holds another one, or a much newer state of it."),
    )
    @json_option
    @verbose_option
    def produce(
        config: Path,
        once: bool,
        allow: Sequence[tuple[Kind, int]],
        allow_deletes: int | None,
        accepts_sae: bool,
        as_json: bool,
        verbose: bool,
    ) -> int:
        settings, meant = _settings(config, as_json, verbose), Meant(allowed(allow, allow_deletes), accepts_sae)
        return _run(settings, config, produce=True, cajas=(), stop_after=once, as_json=as_json, meant=meant)

    return produce


def _consume_command() -> click.Command:
    @click.command("consume", help=translate("The consumer of one CAJA (or several): the log to CAJA."))
    @config_option
    @click.option("--caja", "names", multiple=True, help=translate("Which CAJA of the settings; all where none is named."))
    @_once_option
    @json_option
    @verbose_option
    def consume(config: Path, names: Sequence[str], once: bool, as_json: bool, verbose: bool) -> int:
        settings = _settings(config, as_json, verbose)
        cajas = [settings.caja_named(name) for name in names] or settings.caja
        if not cajas:
            raise ConfigError(text("The settings name no CAJA: add [[caja]] with its name and url"))
        return _run(settings, config, produce=False, cajas=cajas, stop_after=once, as_json=as_json)

    return consume


def _settings(path: Path, as_json: bool, verbose: bool) -> Settings:
    logs.set_up(as_json=as_json, verbose=verbose)
    settings = settings_file.load(path)
    if settings.log_file is not None:
        logs.keep(settings.log_file, as_json=as_json, megabytes=settings.run.log_megabytes, files=settings.run.log_files)
    return settings


def _run(
    settings: Settings,
    source: Path,
    *,
    produce: bool,
    cajas: Sequence[CajaSettings],
    stop_after: bool,
    as_json: bool,
    meant: Meant = NOTHING,
) -> int:
    if produce and settings.sae is None:
        raise ConfigError(text("The settings name no SAE: add [sae] with its url"))
    stop = Stop()
    stop_on_signals(stop)
    if not stop_after:
        _begin(settings, source, produce=produce, cajas=cajas)
        return _end(stop, forever(settings, stop, produce=produce, cajas=cajas, meant=meant))
    with Bars[str](str, quiet=as_json) as bars:
        result = once(settings, stop, produce=produce, cajas=cajas, meant=meant, watch=bars.hear)
    show(result, as_json)
    return int(stop.exit_code or result.exit_code)


def _begin(settings: Settings, source: Path, *, produce: bool, cajas: Sequence[CajaSettings]) -> None:
    told: dict[str, str] = {"action": "begin", "version": version("puente"), "settings": str(source.resolve())}
    if produce and settings.sae is not None:
        with closing(open_database(settings.sae.address)) as sae:
            told["sae"] = sae.label
    told["log"] = settings.log.name
    log.info("Puente begins", extra={**told, "cajas": ", ".join(caja.name for caja in cajas)})


def _end(stop: Stop, code: ExitCode) -> int:
    """Who is asked by a service manager to stop, and does so cleanly, has done well."""
    if code == ExitCode.TERMINATED and stop.is_clean and not stop.at_once:
        code = ExitCode.OK
    log.info("Puente ends", extra={"action": "end", "exit_code": int(code)})
    return int(code)


def show(result: Result, as_json: bool) -> None:
    """What `once` did, for people or machines."""
    if as_json:
        print_json(_as_json(result))
        return
    if result.produced:
        _show_pass(result.produced)
    if result.cajas:
        headings = [
            translate("CAJA"),
            translate("applied"),
            translate("rows written"),
            translate("unchanged"),
            translate("parked"),
            translate("left out"),
        ]
        print_table(headings, [_row(caja) for caja in result.cajas])
        for caja in result.cajas:
            left_out.show(caja.name, caja.left_out)
    for told in dict.fromkeys(map(str, result.errors)):  # a log that is down is everybody's error
        click.echo(f"puente: {told}", err=True)


def _show_pass(done: Pass) -> None:
    click.echo(
        text(
            "SAE: {read} rows read, {published} events published, {gone} of them tombstones",
            read=done.read,
            published=done.published,
            gone=done.tombstones,
        )
    )
    if done.standing is not None:
        for told in untravelled(done.standing):
            click.echo(f"SAE: {told}")
    for (entity, kind), count in done.held.items():
        click.echo(f"SAE: {waits(entity, kind, count)}")


def _updates(done: Pass) -> list[HeldUpdates]:
    return [HeldUpdates(kind=kind, entity=entity, count=count) for (entity, kind), count in done.held.items() if kind is not Kind.DELETED]


def _row(caja: CajaResult) -> list[object]:
    parked = ", ".join(f"{translate(reason)} {count}" for reason, count in sorted(caja.parked.items()) if reason != Reason.KEPT_OUT)
    lacking = sum(found.count for found in caja.left_out)
    return [caja.name, caja.step.applied, caja.step.touched, caja.step.equal, parked, lacking]


def _as_json(result: Result) -> dict[str, object]:
    produced = result.produced
    return {
        "produced": produced
        and {
            "read": produced.read,
            "published": produced.published,
            "tombstones": produced.tombstones,
            "held": {entity: count for (entity, kind), count in produced.held.items() if kind is Kind.DELETED},
            "held_updates": [document.held_updates(one) for one in _updates(produced)],
            **document.untravelled(produced.standing),
        },
        "producer_error": result.producer_error and str(result.producer_error),
        "cajas": [
            {
                "name": caja.name,
                "applied": caja.step.applied,
                "rows_written": caja.step.touched,
                "unchanged": caja.step.equal,
                "parked": caja.parked,
                "left_out": list(map(document.left_out, caja.left_out)),
                "error": caja.error and str(caja.error),
            }
            for caja in result.cajas
        ],
        "exit_code": int(result.exit_code),
    }
