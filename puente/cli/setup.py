"""`puente setup`."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from puente import config as settings_file
from puente import setup as setups
from puente.cli.common import config_option, json_option, print_json
from puente.errors import ConfigError, ExitCode
from puente.texts import text, translate


def commands() -> list[click.Command]:
    @click.command(
        "setup",
        help=translate("Makes the log's topics and the ledger tables in each CAJA. Says what it will do and asks for a backup first."),
    )
    @config_option
    @click.option("--caja", "names", multiple=True, help=translate("Which CAJA of the settings; all where none is named."))
    @click.option("--dry-run", is_flag=True, help=translate("Only say what would be done."))
    @click.option("--yes", is_flag=True, help=translate("There is a backup: do not ask."))
    @click.option("--adopt", is_flag=True, help=translate("This database is a copy of another CAJA's: take its ledger over."))
    @json_option
    def setup(config: Path, names: Sequence[str], dry_run: bool, yes: bool, adopt: bool, as_json: bool) -> int:
        return _setup(config, names, dry_run=dry_run, yes=yes, adopt=adopt, as_json=as_json)

    return [setup]


def _setup(path: Path, names: Sequence[str], *, dry_run: bool, yes: bool, adopt: bool, as_json: bool) -> int:
    settings = settings_file.load(path)
    cajas = [settings.caja_named(name) for name in names] or settings.caja
    actions = list(setups.plan(settings, cajas, adopt=adopt))
    done = not dry_run
    if not as_json:
        for action in actions:
            click.echo(f"• {action.about}: {action.text}")
    if done and not yes and any(action.touches_caja for action in actions):
        _ask_for_backup(as_json=as_json)
    if done:
        for action in actions:
            action.run()
    if as_json:
        print_json({"done": done, "actions": [{"about": a.about, "text": str(a.text)} for a in actions]})
    elif not actions:
        click.echo(translate("Nothing to do: all is there."))
    else:
        click.echo(translate("Done.") if done else translate("Nothing was done (--dry-run)."))
    return int(ExitCode.OK)


def _ask_for_backup(*, as_json: bool) -> None:
    if as_json or not sys.stdin.isatty():
        raise ConfigError(text("Make a backup of each CAJA first, then say so with --yes"))
    click.confirm(translate("Is there a fresh backup of each CAJA?"), abort=True)
