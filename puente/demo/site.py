"""The demo's site: a folder with a SAE, three CAJAs and the settings that every other command works with."""

import shutil
import tomllib
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from foundation.engines import create_database, open_database
from foundation.errors import ConfigError
from foundation.texts import Text, text
from puente.commands import grants, setup
from puente.commands.grants import READER, WRITER
from puente.config import Settings, from_document, load
from puente.demo.retail import fill_sae
from puente.demo.statements import run
from puente.reference import Store, build_caja, build_sae
from puente.wiring.opening import open_log

FOLDER = Path("puente-demo")
SETTINGS = "puente.toml"
LOG = "puente-log.db"
SAE = "SAE90EMPRE01.FDB"
COMPANY = "01"


@dataclass(frozen=True, slots=True)
class DemoCaja:
    """A CAJA of the demo: its file, its stores, and what its owner decided (lines of the settings)."""

    name: str
    file: str
    stores: tuple[Store, ...]
    decided: tuple[str, ...] = ()


CAJAS = (
    DemoCaja("central", "CAJA50-central.FDB", (Store(1, "Centro", 1), Store(2, "Reforma", 2, 2))),
    DemoCaja("norte", "CAJA50-norte.FDB", (Store(1, "Norte", 3),), ("inactivate_missing_products = true",)),
    DemoCaja("sur", "CAJA50-sur.FDB", (Store(1, "Sur", 4, 3),)),
)


def build(folder: Path, products: int, announce: Callable[[Text], None], kafka: str | None, watch: Callable[[int], None]) -> Settings:
    """Makes the folder anew and everything in it; `announce` hears what is being done, `watch` how many products SAE has so far.

    `kafka` is a broker (HOST:PORT) that is to keep the log: topics of this demo alone, since an older one's tell of another SAE.
    """
    log = _embedded() if kafka is None else _on_kafka(kafka)
    if kafka is not None:
        _reach(log)
    _empty(folder)
    announce(text("A SAE with {count} products", count=products))
    with closing(open_database(_new(folder / SAE))) as database:
        build_sae(database, COMPANY)
        fill_sae(database, company=COMPANY, count=products, watch=watch)
    announce(text("Three CAJAs, empty"))
    for caja in CAJAS:
        with closing(open_database(_new(folder / caja.file))) as database:
            build_caja(database, caja.stores)
    (folder / SETTINGS).write_text(_settings(folder, log), encoding="utf-8")
    settings = load(folder / SETTINGS)
    announce(text("Two users: {reader} may read SAE, {writer} write to the CAJAs (puente grants)", reader=READER, writer=WRITER))
    _grant(folder, settings)
    announce(text("Topics and ledgers (puente setup)"))
    for action in setup.plan(settings, settings.caja, adopt=False):
        action.run()
    return settings


def find(folder: Path) -> Settings:
    """The settings of a demo that was built before."""
    if not (folder / SETTINGS).exists():
        raise ConfigError(text("There is no demo in {folder}: run puente demo first", folder=folder))
    return load(folder / SETTINGS)


def url_of(path: Path, user: str = "") -> str:
    """An embedded database: the file alone, no server and no password, though privileges count; without a user its owner's."""
    return f"firebird+firebird://{user}{'@' if user else ''}/{path.resolve().as_posix()}"


def owner_url(settings: Settings) -> str:
    """SAE as its own users have it, who write."""
    return url_of(settings.folder / SAE)


def _grant(folder: Path, settings: Settings) -> None:
    """What the administrator of a real site does, to whom `puente grants` gives these very statements."""
    scripts = {SAE: grants.for_sae(settings), **{demo.file: grants.for_caja(settings.caja_named(demo.name)) for demo in CAJAS}}
    for file, script in scripts.items():
        with closing(open_database(url_of(folder / file))) as database, database.writing() as writer:
            for statement in script.grants:
                run(writer, statement)


def _new(path: Path) -> str:
    url = url_of(path)
    create_database(url)
    return url


def _empty(folder: Path) -> None:
    """Removes an older demo; a folder that is none is left alone."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / SETTINGS).exists():
            raise ConfigError(
                text("{folder} is no folder of the demo and is not empty: move it away or name another with --folder", folder=folder)
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)


def _embedded() -> str:
    return f'kind = "embedded"\npath = "{LOG}"\n'


def _on_kafka(servers: str) -> str:
    return f'kind = "kafka"\nbootstrap_servers = "{servers}"\nprefix = "puente-demo-{datetime.now(UTC):%Y%m%d-%H%M%S}"\n'


def _reach(log: str) -> None:
    """Before an older demo is removed; raises what is wrong with the address or the broker."""
    with closing(open_log(from_document({"log": tomllib.loads(log)}, Path(), "--kafka", {}))) as opened:
        opened.topics()


def _settings(folder: Path, log: str) -> str:
    head = f"""\
# The demo's settings. Try: puente status -c {folder.as_posix()}/{SETTINGS}
company = "auto"

[sae]
url = "{url_of(folder / SAE, READER)}"
capture = "auto"
poll_seconds = 0.2
# A real SAE is read every 300 s at most by this mode, and for 5 % of the time; this one is here to be watched.
reconcile_seconds = 0
scan_share = 1.0

[log]
{log}"""
    return head + "".join(_caja(folder, caja) for caja in CAJAS)


def _caja(folder: Path, caja: DemoCaja) -> str:
    lines = ["", "[[caja]]", f'name = "{caja.name}"', f'url = "{url_of(folder / caja.file, WRITER)}"', 'profile = "caja50"', *caja.decided]
    return "\n".join(lines) + "\n"
