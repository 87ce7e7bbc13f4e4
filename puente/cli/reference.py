"""`puente reference`: an empty SAE or CAJA, as the reference has it."""

from contextlib import closing

import click

from puente.engines import create_database, open_database
from puente.errors import ExitCode
from puente.reference import Store, build_caja, build_sae
from puente.texts import text, translate


def commands() -> list[click.Command]:
    group = click.Group("reference", help=translate("Creates an empty reference database, to try Puente on."))
    url = click.option("--url", required=True, help=translate("firebird+firebird://user:password@host:port/path of the new database."))

    @group.command("sae", help=translate("An empty SAE 9: every table Puente knows of, with the parameters of inventory."))
    @url
    @click.option("--company", default="01", show_default=True, help=translate("The two digits every table ends in."))
    def sae(url: str, company: str) -> int:
        create_database(url)
        with closing(open_database(url)) as database:
            build_sae(database, company)
            click.echo(text("Made an empty SAE of company {company}: {label}", company=company, label=database.label))
        return int(ExitCode.OK)

    @group.command("caja", help=translate("An empty reference CAJA with its parameters and one store per --warehouse."))
    @url
    @click.option(
        "--warehouse",
        "warehouses",
        multiple=True,
        type=click.IntRange(1),
        default=(1,),
        show_default=True,
        help=translate("SAE's warehouse of a store; may be given several times."),
    )
    def caja(url: str, warehouses: tuple[int, ...]) -> int:
        create_database(url)
        stores = [Store(number, f"Tienda {number}", warehouse, 1) for number, warehouse in enumerate(warehouses, start=1)]
        with closing(open_database(url)) as database:
            build_caja(database, stores)
            click.echo(text("Made an empty CAJA with {count} stores: {label}", count=len(stores), label=database.label))
        return int(ExitCode.OK)

    return [group]
