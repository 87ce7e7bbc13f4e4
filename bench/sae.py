"""A SAE to read: the demo's shop, or one table with many wide rows."""

from collections import Counter
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from foundation.engines import open_database
from foundation.engines.database import Database, Writer
from puente.config import Settings, load
from puente.demo.products import products
from puente.demo.retail import fill_sae
from puente.demo.rows import Chance
from puente.demo.statements import load as load_rows
from puente.demo.statements import sql
from puente.reference import build_sae
from schemas.keys import trim

COMPANY = "01"
TABLE = "INVE01"
SEEDED = 1000
PRICE = "UPDATE PRECIO_X_PROD{s} SET PRECIO = PRECIO + 1 WHERE CVE_ART = {key} AND CVE_PRECIO = 1"
PRICED = f"""P.CVE_ART FROM PRECIO_X_PROD{COMPANY} P JOIN INVE{COMPANY} I ON I.CVE_ART = P.CVE_ART
WHERE P.CVE_PRECIO = 1 AND I.STATUS = 'A' ORDER BY P.CVE_ART"""


def build_shop(url: str, count: int) -> None:
    """Products with all that hangs on them, customers, and the rest, as in the demo."""
    with closing(open_database(url)) as database:
        build_sae(database, COMPANY)
        fill_sae(database, company=COMPANY, count=count)


def build_wide(url: str, count: int) -> None:
    """`count` products in INVE, all of its columns as wide as in real rows, and nothing else."""
    with closing(open_database(url)) as database:
        build_sae(database, COMPANY)
        columns = list(database.catalogue([TABLE])[TABLE].columns)
        seeded = min(count, SEEDED)
        rows = [{**made.inve, "CVE_ART": f"{number:06d}"} for number, made in enumerate(products(Chance(1), seeded))]
        with database.writing() as writer:
            load_rows(writer, TABLE, columns, rows)
        with database.writing() as writer:
            _multiply(writer, columns, seeded, count)


def _multiply(writer: Writer, columns: list[str], seeded: int, count: int) -> None:
    """Copies of the seeded rows under keys of their own, until there are `count`: on the server, where that takes a second."""
    others = ", ".join(name for name in columns if name != "CVE_ART")
    writer.execute(
        sa.text(f"""EXECUTE BLOCK AS
            DECLARE copy INTEGER = 1;
            BEGIN
                WHILE (copy * {seeded} < {count}) DO BEGIN
                    INSERT INTO {TABLE} (CVE_ART, {others})
                        SELECT FIRST (MINVALUE({seeded}, {count} - \\:copy * {seeded})) \\:copy || '-' || CVE_ART, {others}
                        FROM {TABLE} WHERE CVE_ART NOT LIKE '%-%' ORDER BY CVE_ART;
                    copy = copy + 1;
                END
            END""")
    )


def priced_products(sae: Database) -> list[str]:
    """Active ones with a price, whose keys are no other's once trimmed."""
    with sae.reading() as reader:
        found = [str(key) for (key,) in reader.rows(sa.text(f"SELECT {PRICED}"))]
    times = Counter(map(trim, found))
    return [key for key in found if key == trim(key) and times[trim(key)] == 1]


def dearer(key: str) -> str:
    """The statement that makes a product cost more."""
    return sql(PRICE, s=COMPANY, key=key)


def embedded_log(name: str) -> str:
    """The settings of a log in the benchmark's folder."""
    return f'path = "{name}"'


def kafka_log(servers: str, prefix: str) -> str:
    return f'kind = "kafka"\nbootstrap_servers = "{servers}"\nprefix = "{prefix}"'


def settings(folder: Path, url: str, log: str) -> Settings:
    """Those of a producer that looks as often as it is asked to; `log` is what stands under [log]."""
    path = folder / "puente.toml"
    lines = (
        f'company = "{COMPANY}"',
        "[sae]",
        f'url = "{url}"',
        "reconcile_seconds = 0",
        "scan_share = 1.0",
        "[log]",
        log,
    )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return load(path, {})
