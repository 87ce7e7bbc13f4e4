"""`puente check`."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click

from foundation.errors import gravest
from foundation.texts import text, translate
from puente import config as settings_file
from puente.cli.common import config_option, json_option, print_findings
from puente.commands import check as checks
from puente.findings import Finding, Level


def commands() -> list[click.Command]:
    @click.command(
        "check",
        help=translate("SAE, the log, its topics and schemas, every CAJA: what is wrong and what to do. Writes nothing."),
    )
    @config_option
    @json_option
    def check(config: Path, as_json: bool) -> int:
        findings = print_findings(checks.check(settings_file.load(config)), as_json=as_json)
        if not as_json:
            click.echo(summary(findings))
        return int(gravest(finding.code for finding in findings))

    return [check]


def summary(findings: Sequence[Finding]) -> str:
    """How many errors and warnings there are, and what to do next."""
    levels = Counter(finding.level for finding in findings)
    errors, warnings = levels[Level.ERROR], levels[Level.WARNING]
    if errors:
        todo = text("mend what is marked ✘, then puente check again")
    elif any(finding.needs_setup for finding in findings):
        todo = text("you can run puente setup")
    else:
        todo = text("all is set up: you can run puente run")
    counts = [
        text("1 error") if errors == 1 else text("{count} errors", count=errors),
        text("1 warning") if warnings == 1 else text("{count} warnings", count=warnings),
    ]
    return f"{counts[0]}, {counts[1]}: {todo}"
