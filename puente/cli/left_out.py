"""What rows of a CAJA lack of what SAE holds, as lines for people."""

from collections.abc import Iterable

import click

from consumer.leftout import LeftOut, line
from foundation.texts import text


def show(caja: str, found: Iterable[LeftOut]) -> None:
    listed = list(map(line, found))
    if listed:
        click.echo(text("{caja}: SAE holds what it does not get:", caja=caja))
    for told in listed:
        click.echo(f"  {told}")
