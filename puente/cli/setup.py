"""`puente setup`."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from foundation.errors import ConfigError, PuenteError, gravest
from foundation.texts import text, translate
from puente import config as settings_file
from puente.cli.common import config_option, json_option, print_json
from puente.commands import setup as setups
from puente.commands.setup import Action, Part
from puente.config import CajaSettings
from puente.findings import Finding, failure

YES, NO = {"s", "sí", "si", "y", "yes"}, {"", "n", "no"}
"""In both languages, whichever is in use: the question is the same."""


def commands() -> list[click.Command]:
    @click.command(
        "setup",
        help=translate(
            "Makes the log's topics and the ledger tables in each CAJA. Says what it will do and asks for a backup first. "
            "What is wrong with one CAJA does not stop the others."
        ),
    )
    @config_option
    @click.option("--caja", "names", multiple=True, help=translate("Which CAJA of the settings; all where none is named."))
    @click.option("--dry-run", is_flag=True, help=translate("Only say what would be done; nothing is written."))
    @click.option("--yes", is_flag=True, help=translate("There is a backup: do not ask."))
    @click.option("--adopt", is_flag=True, help=translate("This database is a copy of another CAJA's: take its ledger over."))
    @json_option
    def setup(config: Path, names: Sequence[str], dry_run: bool, yes: bool, adopt: bool, as_json: bool) -> int:
        return _setup(config, names, dry_run=dry_run, yes=yes, adopt=adopt, as_json=as_json)

    return [setup]


def _setup(path: Path, names: Sequence[str], *, dry_run: bool, yes: bool, adopt: bool, as_json: bool) -> int:
    settings = settings_file.load(path)
    cajas = [settings.caja_named(name) for name in names] or settings.caja
    actions, failures = _planned(setups.parts(settings, cajas, adopt=adopt))
    if not as_json:
        for action in actions:
            click.echo(f"• {action.about}: {action.text}")
    touched = {action.about for action in actions if action.touches_caja}
    if touched and not dry_run and not yes:
        _ask_for_backup([caja for caja in cajas if caja.name in touched], as_json=as_json)
    if not dry_run:
        failures += _run(actions)
    if as_json:
        _print_json(actions, failures, done=not dry_run)
    else:
        _show(actions, failures, done=not dry_run)
    return int(gravest(found.code for found in failures))


def _planned(parts: Iterable[Part]) -> tuple[list[Action], list[Finding]]:
    """What can be done, and what stands in the way of the rest."""
    actions, failures = [], []
    for part in parts:
        try:
            actions += list(part.plan())
        except PuenteError as error:
            failures.append(failure(part.about, error))
    return actions, failures


def _run(actions: Iterable[Action]) -> list[Finding]:
    """Does all that it can: one part's failure ends that part alone."""
    failures: list[Finding] = []
    for action in actions:
        if not any(found.about == action.about for found in failures):
            try:
                action.run()
            except PuenteError as error:
                failures.append(failure(action.about, error))
    return failures


def _ask_for_backup(cajas: Sequence[CajaSettings], *, as_json: bool) -> None:
    if as_json or not sys.stdin.isatty():
        raise ConfigError(
            text("Make a backup of each CAJA first, then say so with --yes; for example:\n{commands}", commands=_backups(cajas))
        )
    question = translate("Is there a fresh backup of each CAJA? [y/N]")
    while (answer := click.prompt(question, default="", show_default=False).strip().lower()) not in YES | NO:
        click.echo(translate("Please answer yes or no."))
    if answer in NO:
        raise ConfigError(
            text("Nothing was done. A backup is made where the database is, for example:\n{commands}", commands=_backups(cajas))
        )


def _backups(cajas: Iterable[CajaSettings]) -> str:
    return "\n".join(f"  {setups.backup_command(caja)}" for caja in cajas)


def _print_json(actions: Iterable[Action], failures: Iterable[Finding], *, done: bool) -> None:
    print_json(
        {
            "done": done,
            "actions": [{"about": action.about, "text": str(action.text)} for action in actions],
            "failures": [{"about": found.about, "text": str(found.text), "exit_code": int(found.code)} for found in failures],
        }
    )


def _show(actions: Sequence[Action], failures: Sequence[Finding], *, done: bool) -> None:
    for found in failures:
        click.echo(f"puente: {found.text}", err=True)
    if not done:
        click.echo(translate("Nothing was done (--dry-run)."))
    elif failures:
        names = ", ".join(dict.fromkeys(found.about for found in failures))
        click.echo(text("Done, but for: {names}. Mend that, then run puente setup again.", names=names))
    else:
        click.echo(translate("Done.") if actions else translate("Nothing to do: all is there."))
