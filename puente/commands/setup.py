"""`puente setup`: the log's topics and each CAJA's ledger tables. Says what it will do before it does it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa

from consumer.caja import sales
from consumer.caja.sql import rows_of
from consumer.ledger import making, tables
from consumer.ledger.adopt import unproved
from consumer.ledger.parked import SubjectKey
from foundation.engines import open_database, server_of
from foundation.engines.database import Reader
from foundation.errors import ConfigError
from foundation.texts import Text, text
from producer.sae.company import AUTO
from puente.commands.privileges import ADMINISTRATOR
from puente.config import CajaSettings, Settings
from puente.wiring.one_database import are_one, one_database, shared
from puente.wiring.opening import CheckedCaja, find_company, log_is_missing, open_caja, open_log, open_sae, topics_of
from schemas.entities import Entity
from schemas.keys import Key
from schemas.registry import publish_schemas


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do; `touches_caja` where a backup should come first."""

    about: str
    text: Text
    run: Callable[[], None]
    touches_caja: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """The log, or one CAJA: what is wrong with one keeps nobody from setting up the others. `plan` raises it."""

    about: str
    plan: Callable[[], Iterator[Action]]


def parts(settings: Settings, cajas: Sequence[CajaSettings], *, adopt: bool) -> Iterator[Part]:
    yield Part(str(text("log")), partial(_log, settings))
    twins = list(shared(settings))
    for caja in cajas:
        yield Part(caja.name, partial(_caja, settings, caja, twins, adopt=adopt))


def plan(settings: Settings, cajas: Sequence[CajaSettings], *, adopt: bool) -> Iterator[Action]:
    """What is to be done; nothing where all is there. Raises what is wrong with SAE, the log or a CAJA."""
    for part in parts(settings, cajas, adopt=adopt):
        yield from part.plan()


def backup_command(caja: CajaSettings) -> str:
    """What makes a backup of a CAJA; its administrator knows the password."""
    administrator = f"-user {ADMINISTRATOR} -password ... " if server_of(caja.address) else ""
    return f'gbak -b {administrator}"{open_database(caja.address).label}" "{caja.name}.fbk"'


def _log(settings: Settings) -> Iterator[Action]:
    company = _company(settings)
    topics = topics_of(settings, company)
    if log_is_missing(settings):
        yield Action(str(text("log")), text("make the file {path}", path=settings.log_path), lambda: open_log(settings).close())
        missing = list(topics.fixed())
    else:
        with closing(open_log(settings)) as log:
            present = log.topics(topics.fixed())
        missing = [topic for topic in topics.fixed() if topic not in present]

    def create() -> None:
        with closing(open_log(settings)) as log:
            log.create(topics.fixed())
            publish_schemas(log, topics.registry)

    if missing:
        yield Action(str(text("log")), text("make the topics {topics}", topics=", ".join(missing)), create)


def _company(settings: Settings) -> str:
    """From SAE where the settings name it, else from the log that somebody else fills."""
    if settings.sae is not None:
        with closing(open_sae(settings)) as sae:
            sae.probe()
            return sae.company
    if log_is_missing(settings):  # which opening would make
        if settings.company == AUTO:
            raise ConfigError(text("Nobody can tell the company yet: set company to its two digits, or name SAE"))
        return settings.company
    with closing(open_log(settings)) as log:
        return find_company(settings, log)


def _caja(settings: Settings, caja: CajaSettings, twins: Iterable[tuple[str, str]], *, adopt: bool) -> Iterator[Action]:
    for pair in twins:
        if caja.name in pair:
            raise ConfigError(one_database(*pair))
    with closing((checked := open_caja(caja)).database):
        catalogue = checked.catalogue
        with checked.database.reading() as reader:
            version, owner = making.version_and_owner(reader, catalogue)
        missing = [name for name in tables.metadata.tables if name not in catalogue]
        left_over = [name for name in making.names_of_old() if name in catalogue]
        index = list(_index(checked))
    _refuse(caja, version, owner, adopt=adopt)
    _refuse_one(caja, [other for other in settings.caja if other.name == owner != caja.name])
    yield from index
    label = checked.database.label
    if version is not None and version < tables.OLDEST:
        every = ", ".join(tables.metadata.tables)
        renewed = text("make the tables {tables} of {database} anew; all is compared again", tables=every, database=label)
        yield Action(caja.name, renewed, lambda: _renew_ledger(caja), touches_caja=True)
        return
    if version is not None and (version < tables.VERSION or left_over):
        upgraded = text("bring the ledger of {database} to this version; what it knows stays", database=label)
        if version == making.WITHOUT_LEFT_OUT:
            upgraded = text("add to the ledger of {database} what it lacks; all is compared again", database=label)
        yield Action(caja.name, upgraded, lambda: _upgrade_ledger(caja), touches_caja=True)
    elif missing:
        added = text("add the tables {tables} to {database}", tables=", ".join(missing), database=label)
        yield Action(caja.name, added, lambda: _create_ledger(caja), touches_caja=True)
    elif owner is None:
        named = text("write the name {name} into the ledger", name=caja.name)
        yield Action(caja.name, named, lambda: _create_ledger(caja), touches_caja=True)
    if owner not in (None, caja.name):
        begun = text(
            "begin the ledger of {found}, which was copied with the database, anew for {name}; all is compared again",
            found=owner,
            name=caja.name,
        )
        yield Action(caja.name, begun, lambda: _adopt(caja), touches_caja=True)


def _index(checked: CheckedCaja) -> Iterator[Action]:
    """Only where the user may: `check` tells who else can add it."""
    if not checked.finds_sales and checked.may_index_sales:
        table, index = checked.profile.sales.table, sales.INDEX
        added = text("add the index {index} to {table}, by which sales that SAE lacks are found", index=index, table=table)
        yield Action(checked.settings.name, added, lambda: _create_index(checked.settings), touches_caja=True)


def _create_index(caja: CajaSettings) -> None:
    with closing((checked := open_caja(caja)).database):
        of_sales = checked.profile.sales
        checked.database.create_index(sales.INDEX, of_sales.table, sales.expression(of_sales))


def _refuse(caja: CajaSettings, version: int | None, owner: str | None, *, adopt: bool) -> None:
    if version is not None and version > tables.VERSION:
        raise ConfigError(text("{caja}: its ledger is of a newer Puente: upgrade this one", caja=caja.name))
    if owner not in (None, caja.name) and not adopt:
        raise ConfigError(
            text(
                "{caja}: its ledger belongs to the CAJA {found}; if this is a copy of it, run puente setup --adopt",
                caja=caja.name,
                found=owner,
            )
        )


def _refuse_one(caja: CajaSettings, owners: Sequence[CajaSettings]) -> None:
    """A ledger of another CAJA of these settings is a copy, or that CAJA's own, which `ConfigError` says."""
    for owner in owners:
        with closing(open_database(caja.address, caja.limits)) as one, closing(open_database(owner.address, owner.limits)) as other:
            if are_one(one, other):
                raise ConfigError(one_database(owner.name, caja.name))


def _create_ledger(caja: CajaSettings, stock: Sequence[SubjectKey] = ()) -> None:
    with closing((checked := open_caja(caja)).database):
        checked.database.create_tables(tables.metadata)
        with checked.database.writing() as writer:
            owners = [str(row[0]) for row in writer.rows(sa.select(tables.lease.c.CAJA))]
            if owners and owners != [caja.name]:  # made since it was looked at
                raise ConfigError(one_database(owners[0], caja.name))
            if not owners:
                making.create(writer, caja.name, stock)


def _renew_ledger(caja: CajaSettings) -> None:
    """An older one is no loss: a resync finds out what it knew."""
    with closing((checked := open_caja(caja)).database):
        with checked.database.reading() as reader:
            stock = _unproved(checked, reader)
        making.drop(checked.database)
    _create_ledger(caja, stock)


def _upgrade_ledger(caja: CajaSettings) -> None:
    with closing((checked := open_caja(caja)).database):
        making.upgrade(checked.database)


def _adopt(caja: CajaSettings) -> None:
    with closing((checked := open_caja(caja)).database), checked.database.writing() as writer:
        making.adopt(writer, caja.name, _unproved(checked, writer))


def _unproved(checked: CheckedCaja, reader: Reader) -> list[SubjectKey]:
    told: set[Key] = set()
    for name in (tables.rows.name, tables.parked.name, making.OLD_PARKED):
        if name in checked.catalogue:
            is_stock = sa.column("ENTITY", sa.String(12)) == Entity.STOCK.value
            keys: sa.Select[tuple[str]] = sa.select(sa.column("ROW_KEY")).select_from(sa.table(name)).where(is_stock)
            told.update(Key(row[0]) for row in reader.rows(keys))
    return unproved(told, rows_of(reader, checked.mappers[Entity.STOCK]), checked.mappers[Entity.STOCK], checked.stores)
