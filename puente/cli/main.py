"""The door: language, commands, and errors turned into one message and an exit code."""

import faulthandler
import gc
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version

import click

from foundation.errors import ExitCode, PuenteError
from foundation.texts import choose_language, marked, translate, use
from puente import logs
from puente.cli.common import lang_option
from puente.loop import leave

OBJECTS_TO_A_COLLECTION = 50_000
"""Python's own 700 make a tenth of a producer's start, whose rows and keys refer to nothing that would need one."""


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script; never returns. Should a driver's own code ever end the process, every thread's stack is told."""
    if sys.stderr is not None:  # a program without a console has none
        faulthandler.enable()
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    _utf8_output()
    logs.quiet_libraries()
    gc.set_threshold(OBJECTS_TO_A_COLLECTION)
    use("en" if "--json" in arguments else choose_language(_lang_option(arguments)))
    leave(run(arguments))


def run(arguments: Sequence[str]) -> int:
    """Runs one command and returns its exit code; only a bug raises."""
    try:
        code = build().main(args=list(arguments), prog_name="puente", standalone_mode=False)
    except PuenteError as error:
        _show_error(str(error))
        return int(error.exit_code)
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.Abort:
        _show_error(translate("Stopped."))
        return int(ExitCode.INTERRUPTED)
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)
    except click.ClickException as error:
        error.show()
        return int(ExitCode.CONFIG)
    return int(code or 0)


MODULES = {
    "demo": "demo",
    **dict.fromkeys(("run", "produce", "consume"), "running"),
    **{name: name for name in ("check", "init", "setup", "status", "resync", "log", "grants", "reference")},
}
"""Command → the module of `puente.cli` that makes it."""


class Commands(click.Group):
    """Imports what makes a command when that is asked for: its help is then in the language in use, and nobody waits for the others."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return sorted(MODULES)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in MODULES:
            return None
        made: list[click.Command] = import_module(f"puente.cli.{MODULES[name]}").commands()
        command = next(each for each in made if each.name == name)
        _take_lang(command)
        translate_usage(command)
        return command


def build() -> click.Group:
    """All commands, with their help in the language in use."""
    group = Commands(
        "puente",
        help=translate(
            "Puente carries every change made in Aspel SAE to every Aspel CAJA, and loses none.\n\n"
            "Start with: puente demo. For a site of your own: puente init, puente check, puente setup, puente run.\n\n"
            "Exit codes: 0 ok, 1 differences or a bug, 2 configuration, 3 something is down, 130/143 stopped."
        ),
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    click.version_option(version("puente"), help=translate("Show the version and exit."))(group)
    lang_option(group)
    translate_usage(group)
    return group


VALUES = {
    "text": marked("TEXT"),
    "integer": marked("NUMBER"),
    "integer range": marked("NUMBER"),
    "float": marked("NUMBER"),
    "float range": marked("NUMBER"),
}
"""What stands for an option's value, by click's name of its type."""
OF_CLICK = (marked("[OPTIONS]"), marked("COMMAND [ARGS]..."), marked("[COMMAND] [ARGS]..."), marked("required"))
"""Words that click does not offer for translation, or not where the catalogue is gathered."""


def translate_usage(command: click.Command) -> None:
    """What click writes in English whatever the language: the line of usage, and what stands for values."""
    command.options_metavar = translate("[OPTIONS]")
    for parameter in command.params:
        if parameter.metavar is None and parameter.type.name in VALUES:
            parameter.metavar = translate(VALUES[parameter.type.name])
    if isinstance(command, click.Group):
        command.subcommand_metavar = translate(command.subcommand_metavar)
        for inner in command.commands.values():
            translate_usage(inner)


def _take_lang(command: click.Command) -> None:
    """The command and those in it."""
    lang_option(command)
    for inner in command.commands.values() if isinstance(command, click.Group) else ():
        _take_lang(inner)


def _lang_option(arguments: Sequence[str]) -> str | None:
    for place, argument in enumerate(arguments):
        if argument == "--lang" and place + 1 < len(arguments):
            return arguments[place + 1]
        if argument.startswith("--lang="):
            return argument.partition("=")[2]
    return None


def _utf8_output() -> None:
    """A Windows console or a pipe with another code page must not end the program at the first ñ."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")


def _show_error(message: str) -> None:
    click.echo(f"puente: {message}", err=True)
