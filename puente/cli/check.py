"""`puente check`."""

from pathlib import Path

import click

from puente import check as checks
from puente import config as settings_file
from puente.cli.common import config_option, json_option, print_findings
from puente.errors import gravest
from puente.texts import translate


def commands() -> list[click.Command]:
    @click.command(
        "check",
        help=translate("SAE, the log, its topics and schemas, every CAJA: what is wrong and what to do. Writes nothing."),
    )
    @config_option
    @json_option
    def check(config: Path, as_json: bool) -> int:
        return int(gravest(finding.code for finding in print_findings(checks.check(settings_file.load(config)), as_json=as_json)))

    return [check]
