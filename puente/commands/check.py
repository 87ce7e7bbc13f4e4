"""`puente check`: SAE, the log, its topics and schemas, every CAJA: what is wrong and what to do. Writes nothing."""

from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from time import monotonic

from consumer.caja.port import Store
from consumer.known_lists import refuse_unknown
from consumer.leftout import line
from consumer.subscribe import shared_warehouses, stores_of_warehouses, takes
from foundation.errors import ExitCode, PuenteError
from foundation.texts import text
from producer.capture.compare import COMPARE
from producer.capture.record_version import RECORD_VERSION, VersionCapture
from producer.capture.schedule import rest_after
from producer.sae.contents import price_lists, stock_source
from producer.sae.port import Snapshot, SqlSae
from producer.sae.tables import KEYS, TABLES, Inve, Mult, Row
from puente.commands.check_identity import check_identity
from puente.commands.check_log import check_log
from puente.commands.heartbeat import price_lists_of_sae
from puente.commands.privileges import check_caja, check_sae
from puente.config import CajaSettings, SaeSettings, Settings
from puente.findings import Finding, Level, failure
from puente.wiring.one_database import one_database, shared
from puente.wiring.opening import CheckedCaja, find_company, log_is_missing, open_caja, open_log, open_sae, topics_of
from puente.wiring.producing import mode_of

ROWS_PER_SECOND = 50_000
"""What a plain fetch of SAE gives on one core; for the estimate of a scan's time."""


def check(settings: Settings) -> Iterator[Finding]:
    """Findings as they are made: each part is looked at even where another is down."""
    yield from _sae(settings)
    yield from check_log(settings)
    if not settings.caja:
        yield Finding(Level.WARNING, "CAJA", text("The settings name no CAJA: add [[caja]] with its name and url"))
    for caja in settings.caja:
        yield from _caja(caja, settings)
    for one, other in shared(settings):
        yield Finding(Level.ERROR, other, one_database(one, other), ExitCode.CONFIG)


def _sae(settings: Settings) -> Iterator[Finding]:
    if settings.sae is None:
        yield Finding(Level.NOTE, "SAE", text("The settings name no SAE: this place only consumes"))
        return
    try:
        with closing(open_sae(settings)) as sae:
            sae.probe()
            yield Finding(Level.OK, "SAE", text("{label}: company {company}", label=sae.label, company=sae.company))
            rights = check_sae(sae, settings.sae.address)
            yield rights
            if rights.level is not Level.ERROR:
                yield from _tables(sae, settings.sae)
                yield from check_identity(sae, settings)
    except PuenteError as error:
        yield failure("SAE", error)


def _tables(sae: SqlSae, settings: SaeSettings) -> Iterator[Finding]:
    exact = sae.exact if mode_of(settings, sae) is VersionCapture else frozenset()
    with sae.snapshot() as snapshot:
        mark = snapshot.ids.oldest_active if snapshot.ids else 0
        looks = {table: _look(snapshot, table, mark, exact) for table in TABLES}
        per_warehouse, default = stock_source(snapshot)
    scan = sum(look.rows for look in looks.values()) / ROWS_PER_SECOND
    compared = scan + max(settings.poll_seconds, settings.reconcile_seconds, rest_after(scan, settings.scan_share))
    if per_warehouse:
        stock = text("stock is read by warehouse, from {table}", table=sae.table_name(Mult))
    else:
        stock = text("stock is the company's, from {table}, and counts as warehouse {number}'s", table=sae.table_name(Inve), number=default)
    yield Finding(Level.OK, "SAE", stock)
    for table, look in looks.items():
        seen = look.mode == RECORD_VERSION
        delay = max(settings.poll_seconds, look.seconds / settings.scan_share) if seen else compared
        yield Finding(
            Level.OK,
            sae.table_name(table),
            text(
                "{count} rows, read by {mode}: a change is seen within about {delay} s",
                count=look.rows,
                mode=look.mode,
                delay=f"{delay:.1f}",
            ),
        )


@dataclass(frozen=True, slots=True)
class _Look:
    """How many rows a table has, how it is read, and how long a look at it takes."""

    rows: int
    mode: str
    seconds: float = 0.0


def _look(snapshot: Snapshot, table: type[Row], mark: int, exact: frozenset[type[Row]]) -> _Look:
    if table not in KEYS:  # a handful of rows, read at every look
        return _Look(sum(1 for _ in snapshot.rows(table)), RECORD_VERSION if exact else COMPARE)
    if table not in exact:
        return _Look(snapshot.count(table), COMPARE)
    began = monotonic()
    rows = snapshot.survey(table, mark).rows
    return _Look(rows, RECORD_VERSION, monotonic() - began)


def _caja(settings: CajaSettings, of: Settings) -> Iterator[Finding]:
    try:
        if settings.prices:
            refuse_unknown(settings.prices, _price_lists(of), settings.name)
    except PuenteError as error:
        yield failure(settings.name, error)
    try:
        rights = list(check_caja(settings))
        yield from rights
        if any(finding.level is Level.ERROR for finding in rights):
            return
        checked = open_caja(settings)
        with closing(checked.database):
            yield from _checked(checked)
    except PuenteError as error:
        yield failure(settings.name, error)


def _price_lists(settings: Settings) -> tuple[int, ...] | None:
    """SAE's, from SAE where the settings name it, else as the producer told them; what is wrong with either was told."""
    with suppress(PuenteError):
        if settings.sae is not None:
            with closing(open_sae(settings)) as sae:
                sae.probe()
                with sae.snapshot() as snapshot:
                    return price_lists(snapshot)
        if not log_is_missing(settings):
            with closing(open_log(settings)) as log:
                return price_lists_of_sae(log, topics_of(settings, find_company(settings, log)))
    return None


def _checked(checked: CheckedCaja) -> Iterator[Finding]:
    name = checked.settings.name
    yield Finding(
        Level.OK,
        name,
        text("{label} fits the profile {profile}", label=checked.database.label, profile=checked.profile.name),
    )
    if checked.profile.assumed:
        yield Finding(
            Level.NOTE,
            name,
            text(
                "{count} columns of the profile were assumed, not seen in a real CAJA; they exist here with fitting types",
                count=len(checked.profile.assumed),
            ),
        )
    for warning in checked.warnings:
        yield Finding(Level.WARNING, name, warning)
    yield Finding(Level.OK, name, text("stores: {stores}", stores="; ".join(map(_store, checked.stores)) or "—"))
    for fault in shared_warehouses(checked.stores):
        yield Finding(Level.ERROR, name, fault, ExitCode.CONFIG)
    yield from _sales(checked)
    yield from _switches(checked)
    if not checked.has_ledger:
        yield Finding(Level.WARNING, name, text("the ledger is missing: run puente setup"), needs_setup=True)
    else:
        checked.caja.read_lease()
        yield Finding(Level.OK, name, text("the ledger is there"))
        yield from _left_out(checked)


def _left_out(checked: CheckedCaja) -> Iterator[Finding]:
    policies, warehouses = checked.settings.policies, stores_of_warehouses(checked.stores)
    for found in checked.caja.left_out(partial(takes, policies, warehouses)):
        yield Finding(Level.NOTE, checked.settings.name, text("SAE holds what it does not get: {what}", what=line(found)))


def _store(store: Store) -> str:
    warehouse = text("no warehouse of SAE: no stock") if store.warehouse is None else text("warehouse {number}", number=store.warehouse)
    return f"{store.number} {store.name} ({warehouse})"


def _sales(checked: CheckedCaja) -> Iterator[Finding]:
    if checked.finds_sales or not checked.settings.stock.respects_caja:
        return
    name, table = checked.settings.name, checked.profile.sales.table
    remedy = text("puente setup adds it") if checked.may_index_sales else text("puente grants caja --caja {name} prints it", name=name)
    said = text(
        "{table} lacks an index of Puente's: each change of stock reads all sales that the tills ever made; {remedy}",
        table=table,
        remedy=remedy,
    )
    yield Finding(Level.WARNING, name, said)


def _switches(checked: CheckedCaja) -> Iterator[Finding]:
    name, switches = checked.settings.name, checked.switches
    if switches.tax_included:
        yield Finding(
            Level.ERROR,
            name,
            text("it keeps its prices with taxes included; Puente cannot write such prices yet, and net ones would be wrong"),
            ExitCode.CONFIG,
        )
    if not switches.interface and checked.settings.interface_required:
        yield Finding(
            Level.WARNING,
            name,
            text("its interface with SAE is off: Puente waits until somebody switches it on in CAJA"),
        )
    if checked.settings.stock.is_taken and not checked.settings.stock.is_taken_now(stock_changes=switches.stock_changes):
        yield Finding(Level.NOTE, name, text("«Cambio a existencias» is off: stock stays as it is"))
