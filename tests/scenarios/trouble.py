"""What befalls a site: backups put back, by file and by gbak, and what its users do meanwhile."""

import shutil
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from foundation.engines import open_database
from tests.e2e.running import Running
from tests.e2e.small_site import SmallSite, wait_until
from tests.engines.administrator import run_tool

LOOK_SECONDS = 0.03
PRODUCTS = ("INVE", "PRECIO_X_PROD", "CVES_ALTER", "MULT")


@dataclass
class Story:
    """A site, and how often it was edited, so that every edit is another. Each chapter begins and ends with every CAJA equal to SAE."""

    site: SmallSite
    turn: int = field(default=0)

    def edit(self) -> None:
        """Something of every entity in one transaction: new, changed and gone.

        However many edits there are, no price doubles: where the log has older ones, that would be a mass change.
        """
        self.turn += 1
        n = self.turn
        other = f"(SELECT MIN(CVE_ART) FROM INVE01 WHERE CVE_ART NOT STARTING WITH 'T-' AND STATUS = 'A' AND DESCR <> 'Turno {n}')"
        self.site.sql(
            f"UPDATE INVE01 SET DESCR = 'Turno {n}' WHERE CVE_ART = {other}",
            "UPDATE PRECIO_X_PROD01 SET PRECIO = PRECIO + 0.01",
            f"UPDATE MULT01 SET EXIST = EXIST + {n}",
            f"UPDATE CLIN01 SET DESC_LIN = 'Línea {n}' WHERE CVE_LIN = (SELECT MIN(CVE_LIN) FROM CLIN01)",
            f"UPDATE IMPU01 SET IMPUESTO1 = {n} WHERE CVE_ESQIMPU = 1",
            f"UPDATE MONED01 SET TCAMBIO = {n}.5 WHERE NUM_MONED = 2",
            f"UPDATE CLIE01 SET CALLE = 'Calle {n}'",
            f"INSERT INTO INVE01 (CVE_ART, DESCR, TIPO_ELE, CVE_ESQIMPU, STATUS) VALUES ('T-{n}', 'Nuevo {n}', 'P', 1, 'A')",
            f"INSERT INTO PRECIO_X_PROD01 (CVE_ART, CVE_PRECIO, PRECIO) VALUES ('T-{n}', 1, {n})",
            f"INSERT INTO MULT01 (CVE_ART, CVE_ALM, EXIST) VALUES ('T-{n}', 1, {n})",
            f"INSERT INTO CLIE01 (CLAVE, NOMBRE, STATUS) VALUES ('T-{n}', 'Cliente {n}', 'A')",
            f"DELETE FROM CLIE01 WHERE CLAVE = 'T-{n - 2}'",
            *(f"DELETE FROM {table}01 WHERE CVE_ART = 'T-{n - 2}'" for table in PRODUCTS),
        )

    def once(self) -> None:
        self.site.fill()

    @contextmanager
    def running(self, *arguments: str) -> Iterator[Running]:
        """`puente run`, or what is named, which must still run at the end and never show a traceback."""
        running = Running(self.site, *(arguments or ("run",)))
        try:
            yield running
            assert running.process.poll() is None, running.said
            running.ends()
        except BaseException:
            running.tells_where_it_stands()
            raise
        finally:
            running.kill()

    @contextmanager
    def no_price_goes_back(self) -> Iterator[None]:
        """In any CAJA, for as long as a till might see it: every edit raises them all."""
        done, urls = threading.Event(), self.site.caja_urls.values()
        with ThreadPoolExecutor(len(urls)) as threads:
            looks = [threads.submit(_fallen_prices, url, done) for url in urls]
            try:
                yield
            finally:
                done.set()
        assert [look.result() for look in looks] == [[]] * len(urls)

    def heals(self) -> None:
        """Every CAJA becomes equal to SAE, by itself."""
        self.site.becomes_equal()

    @property
    def differences(self) -> list[str]:
        return self.site.differences()


def _fallen_prices(url: str, done: threading.Event) -> list[tuple[str, float, float]]:
    """(product, price, next price) of each that fell."""
    fallen, before = [], dict[str, float]()
    with closing(open_database(url)) as database:
        while not done.wait(LOOK_SECONDS):
            with database.reading() as reader:
                now = {key: price for key, price in reader.rows(sa.text("SELECT PRODUCTO, PRECIOP FROM CATINVEN")) if price is not None}
            fallen += [(key, price, now[key]) for key, price in before.items() if now.get(key, price) < price]
            before |= now
    return fallen


def file_of(url: str) -> Path:
    """A database's file, where its server is on this machine."""
    path = make_url(url).database
    assert path is not None
    return Path(path)


def copy_file(url: str, to: Path) -> None:
    """A copy made while nobody has the database open."""
    shutil.copyfile(file_of(url), to)


def put_back(copy: Path, url: str) -> None:
    """The copy takes the database's place; on Windows, too, nobody can do that while somebody has it open."""
    file = file_of(url)
    draft = file.with_suffix(".draft")
    shutil.copyfile(copy, draft)
    draft.replace(file)


def gbak_backup(url: str, to: Path) -> None:
    done = _firebird("gbak", url, ["-b"], [str(to)])
    assert done.returncode == 0, done.stderr


def gbak_restore(backup: Path, url: str) -> None:
    """As an administrator does it: everybody is put out, the database is replaced; once more where somebody just knocked at the door."""
    done = _firebird("gfix", url, ["-shut", "full", "-force", "0"])
    assert done.returncode == 0, done.stderr

    def is_restored() -> bool:
        done = _firebird("gbak", url, ["-rep", str(backup)])
        assert done.returncode == 0 or "in use" in done.stderr, done.stderr
        return done.returncode == 0

    wait_until(is_restored)


def _firebird(tool: str, url: str, before: list[str], after: Sequence[str] = ()) -> CompletedProcess[str]:
    return run_tool(tool, url, lambda database: [*before, database, *after])
