"""`puente log copy`."""

from pathlib import Path

import click

from foundation.errors import ExitCode
from foundation.eventlog.port import Topic
from foundation.texts import text, translate
from puente import config as settings_file
from puente.cli.bars import Bars
from puente.cli.common import config_option, json_option, print_json, print_table
from puente.commands import logcopy
from puente.commands.logcopy import Result, Task
from puente.config import EmbeddedLogSettings, Settings


def commands() -> list[click.Command]:
    group = click.Group("log", help=translate("The log between SAE and the CAJAs."))

    @group.command(
        "copy",
        help=translate(
            "Copies the log that -c names into the log that the settings TARGET name, and compares both: for a shop that moves its log "
            "from the file to Kafka, or back, and keeps its history.\n\n"
            "TARGET is a TOML file; its [log] alone counts. The prefixes may differ. The target must be empty or hold what an earlier copy "
            "left: what it lacks is added. So it may be ended at any moment and run again, first while puente run writes, then, "
            "that one stopped, for the rest.\n\n"
            "Afterwards: put the [log] of TARGET into puente.toml, then puente setup and puente run. Each CAJA is compared with the new "
            "log by itself; a row that has not changed is not written."
        ),
    )
    @click.argument("target", type=click.Path(path_type=Path), metavar="TARGET.toml")
    @config_option
    @click.option("--dry-run", is_flag=True, help=translate("Only say what would be copied; nothing is written."))
    @json_option
    def copy(target: Path, config: Path, dry_run: bool, as_json: bool) -> int:
        source, into = settings_file.load(config), settings_file.load(target)
        return _dry_run(source, into, as_json=as_json) if dry_run else _copy(source, into, as_json=as_json)

    return [group]


class _Watch:
    """How much of each topic is done, as bars where somebody looks."""

    def __init__(self, bars: Bars[Topic]) -> None:
        self._bars = bars
        self._under_way: dict[Topic, tuple[float, float]] = {}

    def __call__(self, topic: Topic, done: float) -> None:
        self._under_way[topic] = (done, 1.0)
        self._bars.show(self._under_way)


def _bars(*, as_json: bool) -> Bars[Topic]:
    return Bars(str, quiet=as_json)


def _copy(source: Settings, target: Settings, *, as_json: bool) -> int:
    with logcopy.opened(source, target, dry_run=False) as (of, into), _bars(as_json=as_json) as bars:
        watch = _Watch(bars)
        result = logcopy.copy(of, into, logcopy.plan(of, into, watch), watch)
    if as_json:
        print_json(_as_json(source, target, result))
    else:
        _show(source, target, result)
    return int(result.exit_code)


def _show(source: Settings, target: Settings, result: Result) -> None:
    _say_which(source, target)
    headings = [translate("topic"), translate("events"), translate("keys"), translate("tombstones"), translate("copied now")]
    print_table(
        [*headings, translate("equal")],
        [
            (c.into, c.source.events, c.source.keys, c.source.tombstones, c.copied, translate("yes") if c.equal else translate("no"))
            for c in result.topics
        ],
    )
    for copied in result.topics:
        if not copied.equal:
            click.echo(
                text(
                    "{topic}: the target's newest events are not the source's; somebody else has written there. "
                    "Delete the target's topics (of an embedded log, the file) and copy again",
                    topic=copied.into,
                )
            )
    if result.grew:
        click.echo(translate("The source grew meanwhile: puente run still writes; stop it and copy again."))
    elif result.exit_code is ExitCode.OK:
        click.echo(translate("Both hold the same. Now put the target's [log] into the settings, then: puente setup, puente run."))


def _say_which(source: Settings, target: Settings) -> None:
    click.echo(f"{_named(source)} → {_named(target)}")


def _named(settings: Settings) -> str:
    name = settings.log_path if isinstance(settings.log, EmbeddedLogSettings) else settings.log.name
    return f"{name} ({settings.log.prefix})"


def _as_json(source: Settings, target: Settings, result: Result) -> dict[str, object]:
    return {
        "source": _named(source),
        "target": _named(target),
        "topics": [
            {
                "topic": copied.topic,
                "into": copied.into,
                "events": copied.source.events,
                "keys": copied.source.keys,
                "tombstones": copied.source.tombstones,
                "copied": copied.copied,
                "equal": copied.equal,
            }
            for copied in result.topics
        ],
        "grew": result.grew,
        "exit_code": int(result.exit_code),
    }


def _dry_run(source: Settings, target: Settings, *, as_json: bool) -> int:
    with logcopy.opened(source, target, dry_run=True) as (of, into), _bars(as_json=as_json) as bars:
        found = logcopy.count(of, logcopy.plan(of, into, _Watch(bars)))
    if as_json:
        print_json([{"topic": task.topic, "into": task.into, "is_new": task.target is None, "to_copy": count} for task, count in found])
        return int(ExitCode.OK)
    _say_which(source, target)
    headings = [translate("topic"), translate("in the target"), translate("to copy")]
    print_table(headings, [(task.into, _is_there(task), count) for task, count in found])
    click.echo(translate("Nothing was written (--dry-run)."))
    return int(ExitCode.OK)


def _is_there(task: Task) -> str:
    return translate("is made") if task.target is None else translate("is there")
