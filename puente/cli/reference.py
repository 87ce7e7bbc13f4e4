"""`puente reference`: an empty SAE or CAJA, as the reference has it."""

from contextlib import closing
from pathlib import Path

import click
import sqlalchemy as sa

from foundation.engines import create_database, open_database, server_of
from foundation.engines.database import Database
from foundation.errors import ConfigError, ExitCode, PuenteError
from foundation.texts import text, translate
from puente.cli.bars import Bars
from puente.demo.retail import fill_sae
from puente.reference import Store, build_caja, build_sae


def commands() -> list[click.Command]:
    group = click.Group("reference", help=translate("Creates an empty reference database, to try Puente on."))
    url_option = click.option(
        "--url", required=True, help=translate("firebird+firebird://user:password@host:port/path of the new database.")
    )
    keep_option = click.option("--keep", is_flag=True, help=translate("Where the database is there already, only add what it lacks."))

    @group.command("sae", help=translate("An empty SAE 9: every table Puente knows of, with the parameters of inventory."))
    @url_option
    @click.option("--company", default="01", show_default=True, help=translate("The two digits every table ends in."))
    @click.option(
        "--products",
        type=click.IntRange(1, 200_000),
        metavar="N",
        help=translate("Fills it with a shop of N products, as the demo does; one that has products already is left as it is."),
    )
    @keep_option
    def sae(url: str, company: str, products: int | None, keep: bool) -> int:
        return _sae(url, company, products, keep=keep)

    @group.command("caja", help=translate("An empty reference CAJA with its parameters and one store per --warehouse."))
    @url_option
    @click.option(
        "--warehouse",
        "warehouses",
        multiple=True,
        type=click.IntRange(1),
        default=(1,),
        show_default=True,
        help=translate("SAE's warehouse of a store; may be given several times."),
    )
    @keep_option
    def caja(url: str, warehouses: tuple[int, ...], keep: bool) -> int:
        return _caja(url, warehouses, keep=keep)

    return [group]


def _sae(url: str, company: str, products: int | None, *, keep: bool) -> int:
    new = _create(url, keep=keep)
    with closing(open_database(url)) as database:
        build_sae(database, company)
        if products is not None and _has_no_products(database, company):
            with Bars[str](str, quiet=False) as bars:
                fill_sae(database, company=company, count=products, watch=lambda done: bars.at("SAE", done, products))
            click.echo(
                text(
                    "Made a SAE of company {company} with {count} products: {label}", company=company, count=products, label=database.label
                )
            )
        elif new:
            click.echo(text("Made an empty SAE of company {company}: {label}", company=company, label=database.label))
        else:
            _show_kept(database)
    return int(ExitCode.OK)


def _caja(url: str, warehouses: tuple[int, ...], *, keep: bool) -> int:
    new = _create(url, keep=keep)
    stores = [Store(number, f"Tienda {number}", warehouse, 1) for number, warehouse in enumerate(warehouses, start=1)]
    with closing(open_database(url)) as database:
        build_caja(database, stores)
        if new:
            click.echo(text("Made an empty CAJA with {count} stores: {label}", count=len(stores), label=database.label))
        else:
            _show_kept(database)
    return int(ExitCode.OK)


def _create(url: str, *, keep: bool) -> bool:
    """Whether the database is new; one that is there raises `ConfigError`, unless it is to be kept."""
    if keep and _is_there(url):
        return False
    try:
        create_database(url)
    except ConfigError as error:
        label = open_database(url).label
        if _is_there(url):
            raise ConfigError(text("{label} is there already; --keep adds only what it lacks", label=label)) from error
        if server_of(url) is None and Path(label).exists():
            raise ConfigError(
                text("{label} is there already, and is no database of this Firebird: name another file", label=label)
            ) from error
        raise
    return True


def _is_there(url: str) -> bool:
    """False also where the user may not enter: creating it then fails and says so."""
    try:
        with closing(open_database(url)) as database, database.reading():
            return True
    except PuenteError:
        return False


def _has_no_products(database: Database, company: str) -> bool:
    with database.reading() as reader:
        return not any(reader.rows(sa.select(sa.literal_column("1")).select_from(sa.table(f"INVE{company}")).limit(1)))


def _show_kept(database: Database) -> None:
    click.echo(text("{label} is there already; it has every table now", label=database.label))
