"""`--allow KIND=N` and `--allow-deletes N`: what of a mass change the first pass of a producer lets through."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from foundation.texts import text, translate
from producer.losses import TOLD, Kind
from puente.cli.common import Command


def allow_options(command: Command) -> Command:
    """The options `allow` (pairs of a kind and a number) and `allow_deletes`."""
    allow = click.option(
        "--allow",
        type=_KindAndNumber(),
        multiple=True,
        metavar="KIND=N",
        help=str(
            text(
                "Lets up to N changes of a kind, of each entity, through in the first pass, also where so many at once would wait. "
                "May be given for several kinds: {kinds}.",
                kinds=", ".join(Kind),
            )
        ),
    )
    deletes = click.option(
        "--allow-deletes", type=click.IntRange(min=1), metavar="N", help=str(text("Short for --allow {pair}.", pair=f"{Kind.DELETED}=N"))
    )
    return allow(deletes(command))


def allowed(pairs: Sequence[tuple[Kind, int]], deletes: int | None) -> Mapping[Kind, int]:
    """The number of each kind; of one that is given more than once, the greatest."""
    every = [*pairs, *([(Kind.DELETED, deletes)] if deletes else [])]
    return {kind: max(number for one, number in every if one is kind) for kind, _ in every}


class _KindAndNumber(click.ParamType[tuple[Kind, int]]):
    """`price-gone=1095`."""

    name = "KIND=N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Kind, int]:
        kind, equals, number = str(value).partition("=")
        if kind not in list(Kind):
            kinds = ", ".join(f"{one} ({translate(TOLD[one])})" for one in Kind)
            self.fail(str(text("there is no kind {kind}; there are: {kinds}", kind=repr(kind), kinds=kinds)), param, ctx)
        if not equals or not (number.isascii() and number.isdigit()) or int(number) < 1:
            self.fail(
                str(text("{kind}=N takes a whole number from 1 on: {kind}=100, not {found}", kind=kind, found=repr(value))), param, ctx
            )
        return Kind(kind), int(number)
