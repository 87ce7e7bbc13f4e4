"""`puente grants sae`, `puente grants caja` and `puente grants kafka`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from foundation.errors import ConfigError, ExitCode
from foundation.texts import text, translate
from puente import config as settings_file
from puente.cli.common import config_option
from puente.cli.private import write_private
from puente.commands import grants, kafka_grants
from puente.commands.grants import Script
from puente.config import CajaSettings, Settings, source

Command = TypeVar("Command", bound=Callable[..., Any])


def commands() -> list[click.Command]:
    group = click.Group(
        "grants",
        help=translate("Prints the SQL that makes a user who may do what Puente needs, and no more; for the administrator to run."),
    )

    @group.command("sae", help=translate("A user who may read the tables of SAE that Puente reads."))
    @_options
    def sae(config: Path, user: str | None, password_file: Path | None, output: Path | None) -> int:
        return _give(grants.for_sae(settings_file.load(config), user), password_file, output)

    @group.command("caja", help=translate("A user who may write what Puente writes in a CAJA, and make the ledger's tables."))
    @click.option("--caja", "name", help=translate("Which CAJA of the settings; may be left out where there is one."))
    @_options
    def caja(config: Path, name: str | None, user: str | None, password_file: Path | None, output: Path | None) -> int:
        return _give(grants.for_caja(_caja(settings_file.load(config), name), user), password_file, output)

    @group.command(
        "kafka", help=translate("Commands of Kafka's own tools for the users of a log on Kafka: the producer, each CAJA, an administrator.")
    )
    @config_option
    @click.option("--caja", "name", help=translate("Only the user of this CAJA, which is asked for its warehouses."))
    @click.option(
        "--user",
        metavar="NAME",
        help=translate("The name of the CAJA's user, or without --caja of the producer's; else the settings' own."),
    )
    @click.option(
        "-o",
        "--output",
        type=click.Path(dir_okay=False, path_type=Path),
        help=translate("Writes the commands into a file; no password stands in them."),
    )
    def kafka(config: Path, name: str | None, user: str | None, output: Path | None) -> int:
        settings = settings_file.load(config)
        if name is None:
            return _give_commands(kafka_grants.for_all(settings, user), output)
        return _give_commands(kafka_grants.for_caja(settings, settings.caja_named(name), user), output)

    return [group]


def _options(command: Command) -> Command:
    options = (
        config_option,
        click.option(
            "--user", metavar="NAME", help=translate("The user's name; else the one in the settings' url, or LECTOR and ESCRITOR.")
        ),
        click.option(
            "--password-file",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help=translate("A file that holds the password; else it is to be written into the script."),
        ),
        click.option(
            "-o",
            "--output",
            type=click.Path(dir_okay=False, path_type=Path),
            help=translate("Writes the script into a file that only you can read."),
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _caja(settings: Settings, name: str | None) -> CajaSettings:
    if name is not None or len(settings.caja) == 1:
        return settings.caja_named(name if name is not None else settings.caja[0].name)
    known = ", ".join(caja.name for caja in settings.caja) or "—"
    raise ConfigError(text("Each CAJA has a script of its own: name one with --caja; there are: {known}", known=known))


def _give(script: Script, password_file: Path | None, output: Path | None) -> int:
    made = script.text(_password(password_file) if password_file else None)
    if output is None:
        click.echo(made, nl=False)
    else:
        write_private(output, made)
        click.echo(text("{file}: run it on {database}, then delete it", file=output, database=script.database))
    return int(ExitCode.OK)


def _password(file: Path) -> str:
    try:
        return source.read(file).strip()
    except OSError as error:
        raise ConfigError(text("the file {path} cannot be read", path=file)) from error
    except source.NotUtf8Error as error:
        raise ConfigError(text("the file {path} is not in UTF-8: {remedy}", path=file, remedy=source.REMEDY)) from error


def _give_commands(script: kafka_grants.Script, output: Path | None) -> int:
    made = script.text()
    if output is None:
        click.echo(made, nl=False)
    else:
        try:
            output.write_text(made, encoding="utf-8")
        except OSError as error:
            raise ConfigError(text("The file cannot be read or written: {error}", error=error)) from error
        click.echo(text("{file}: run it where Kafka's tools are", file=output))
    for trouble in script.troubles:
        click.echo(f"puente: {trouble}", err=True)
    return int(script.exit_code)
