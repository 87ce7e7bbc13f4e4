"""Where objects are joined: the only place that names concrete classes of both sides.

Connections and log handles belong to one thread, so each is made by the worker that uses it, in its first turn, and made again after a
failure: after a new connection nothing that was read before counts.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from time import monotonic, sleep
from uuid import uuid4

from filelock import FileLock, Timeout

from consumer import profile as profiles
from consumer import subscribe
from consumer.batch import Planner
from consumer.caja import Store, Switches
from consumer.consume import Consumer
from consumer.guard import GuardKeeper
from consumer.ledger import metadata
from consumer.mapping import RowMapper, mappers
from consumer.outcome import Step
from consumer.policies import Policies, SoftDeleted, StockPolicy
from consumer.profile import Profile
from consumer.sql_caja import SqlCaja, read_stores, read_switches
from producer.capture import CompareCapture
from producer.poll import Pass, Producer
from producer.publish import Publisher
from producer.sae import AUTO, SqlSae
from producer.view import View
from puente.config import CajaSettings, Settings
from puente.engines import open_database
from puente.engines.database import Catalogue, Database
from puente.errors import ConfigError, Occupied, RetryableError
from puente.eventlog.embedded import EmbeddedLog
from puente.eventlog.port import EventLog
from puente.loop import Worker
from puente.texts import Text, text
from schemas.changes import Entity
from schemas.codec import Decoder
from schemas.registry import RegistryReader
from schemas.topics import CONTROL, Topics

IDLE_SECONDS = 0.5
STANDBY_SECONDS = 1.0
COMPACT_SECONDS = 3600.0
RUN_LENGTH = 12


def open_log(settings: Settings) -> EmbeddedLog:
    """A new handle on the log, for the thread that asks."""
    return EmbeddedLog(settings.log_path)


def open_sae(settings: Settings) -> SqlSae:
    """SAE through a connection of its own; raises `ConfigError` where the settings name none."""
    if settings.sae is None:
        raise ConfigError(text("The settings name no SAE: add [sae] with its url"))
    return SqlSae(open_database(settings.sae.address), settings.company)


def find_company(settings: Settings, log: EventLog) -> str:
    """The company as set, else the only one that the log has topics of: a branch does not reach SAE."""
    if settings.company != AUTO:
        return settings.company
    pattern = re.compile(rf"{re.escape(settings.log.prefix)}\.(\d\d)\.{CONTROL}")
    found = sorted(match[1] for topic in log.topics() if (match := pattern.fullmatch(topic)))
    if not found:
        raise RetryableError(text("The log holds nothing yet: start puente produce (or puente run) where SAE is"))
    if len(found) > 1:
        raise ConfigError(text("The log has several companies ({found}): set company to one of them", found=", ".join(found)))
    return found[0]


def topics_of(settings: Settings, company: str) -> Topics:
    return Topics(settings.log.prefix, company)


def policies_of(caja: CajaSettings) -> Policies:
    return Policies(
        entities=tuple(Entity(name) for name in caja.entities),
        stock=StockPolicy(caja.stock),
        inactivate_missing_products=caja.inactivate_missing_products,
        inactivate_missing_customers=caja.inactivate_missing_customers,
        soft_deleted=SoftDeleted(caja.soft_deleted),
        interface_required=caja.interface_required,
    )


@dataclass(frozen=True, kw_only=True)
class CheckedCaja:
    """A CAJA whose catalogue fits its profile; `warnings` are for people."""

    settings: CajaSettings
    database: Database
    catalogue: Catalogue
    profile: Profile
    stores: tuple[Store, ...]
    switches: Switches
    warnings: tuple[Text, ...]
    mappers: Mapping[Entity, RowMapper]
    caja: SqlCaja

    @property
    def has_ledger(self) -> bool:
        return all(table in self.catalogue for table in metadata.tables)


def open_caja(caja: CajaSettings) -> CheckedCaja:
    """Connects and holds the profile against the catalogue; raises what is wrong, naming the CAJA."""
    profile = profiles.load(caja.profile)
    database = open_database(caja.address)
    try:
        catalogue = database.catalogue()
        warnings = profiles.check(profile, catalogue, caja.name)
        with database.reading() as reader:
            switches, known = read_switches(reader, profile), read_stores(reader, profile)
        known = known or [Store(number=s.number, warehouse=s.warehouse, name=s.name) for s in caja.store]
        stores = subscribe.choose_stores(known, None if caja.stores == "all" else caja.stores, caja.name)
        ticked = [Entity(name) for name in caja.entities]
        made = mappers(profile, catalogue, caja.prices, ticked)
    except BaseException:
        database.close()
        raise
    return CheckedCaja(
        settings=caja,
        database=database,
        catalogue=catalogue,
        profile=profile,
        stores=tuple(stores),
        switches=switches,
        warnings=tuple(warnings),
        mappers=made,
        caja=SqlCaja(caja.name, database, profile, made),
    )


class ProducerSide:
    """The producer with its connections. One at a time on an embedded log: a second one stands by at the lock file."""

    def __init__(self, settings: Settings, on_pass: Callable[[Pass], None] = lambda _done: None) -> None:
        self._settings, self._on_pass = settings, on_pass
        self._lock = FileLock(f"{settings.log_path}.producer")
        self._producer: Producer | None = None
        self._log: EmbeddedLog | None = None
        self._compacted_at = float("-inf")
        self._opened = ExitStack()

    def turn(self) -> float:
        """One pass; returns the seconds until the next, raises what keeps it from working."""
        self._on_pass(self.run_pass())
        assert self._settings.sae is not None
        return self._settings.sae.poll_seconds

    def run_pass(self) -> Pass:
        self._take_lock()
        try:
            done = (self._producer or self._build()).run_pass()
            self._compact()
        except BaseException:
            self._drop()
            raise
        return done

    def _compact(self) -> None:
        """Keeps the file from growing: the heartbeat alone adds some 40 MB a day."""
        if self._log is not None and monotonic() - self._compacted_at >= COMPACT_SECONDS:
            self._compacted_at = monotonic()
            self._log.compact()

    def _take_lock(self) -> None:
        if not self._settings.log_path.parent.is_dir():
            raise ConfigError(text("The folder of the log does not exist: {folder}", folder=self._settings.log_path.parent))
        try:
            if not self._lock.is_locked:
                self._lock.acquire(timeout=0)
        except Timeout as error:
            raise Occupied(text("Another producer writes to the log {path}", path=self._settings.log_path)) from error

    def _build(self) -> Producer:
        sae = self._opened.enter_context(closing(open_sae(self._settings)))
        self._log = log = self._opened.enter_context(closing(open_log(self._settings)))
        assert self._settings.sae is not None
        sae.probe()
        topics = topics_of(self._settings, sae.company)
        capture = CompareCapture(sae, every_seconds=self._settings.sae.reconcile_seconds, share=self._settings.sae.scan_share)
        self._producer = Producer(
            capture=capture,
            publisher=Publisher(log, topics, uuid4().hex[:RUN_LENGTH]),
            new_view=lambda: View(log, topics),
        )
        return self._producer

    def _drop(self) -> None:
        self._opened.close()
        self._producer = self._log = None

    def release(self) -> None:
        self._drop()
        self._lock.release()


class ConsumerSide:
    """The consumer of one CAJA with its connections."""

    def __init__(self, settings: Settings, caja: CajaSettings, on_step: Callable[[Step], None] = lambda _done: None) -> None:
        self._settings, self._caja, self._on_step = settings, caja, on_step
        self.name = caja.name
        self._consumer: Consumer | None = None
        self._keeper: GuardKeeper | None = None
        self._opened = ExitStack()

    def turn(self) -> float:
        """One step; returns the seconds until the next unless the log has something new before."""
        step = self.step()
        if step is None:
            return STANDBY_SECONDS
        self._on_step(step)
        return IDLE_SECONDS if step.at_end else 0.0

    def step(self) -> Step | None:
        """None while another process holds this CAJA."""
        try:
            consumer = self._consumer or self._build()
            return consumer.step()
        except BaseException:
            self._drop()
            raise

    def pause(self, seconds: float) -> None:
        """Waits for the log where there is a consumer."""
        try:
            if self._consumer is None:
                sleep(seconds)
            else:
                self._consumer.wait(seconds)
        except BaseException:
            self._drop()
            raise

    def waiting(self) -> dict[str, int]:
        """How many changes wait, by reason."""
        state = self._consumer.state if self._consumer else None
        found: dict[str, int] = {}
        for item in state.waiting.values() if state else ():
            found[item.reason.value] = found.get(item.reason.value, 0) + 1
        return found

    def _build(self) -> Consumer:
        checked = open_caja(self._caja)
        self._opened.enter_context(closing(checked.database))
        log = self._opened.enter_context(closing(open_log(self._settings)))
        topics = topics_of(self._settings, find_company(self._settings, log))
        decoder = Decoder()
        self._keeper = GuardKeeper(checked.caja, token=self._keeper.token if self._keeper else None)
        self._consumer = Consumer(
            name=self._caja.name,
            caja=checked.caja,
            log=log,
            topics=topics,
            registry=RegistryReader(log, topics.registry, decoder),
            planner=Planner(
                decoder=decoder,
                mappers=checked.mappers,
                policies=policies_of(self._caja),
                stores=subscribe.stores_of_warehouses(checked.stores, self._caja.name),
            ),
            keeper=self._keeper,
        )
        return self._consumer

    def _drop(self) -> None:
        self._opened.close()
        self._consumer = None

    def release(self) -> None:
        try:
            if self._consumer is not None:
                self._consumer.release()
        finally:
            self._drop()


def producer_worker(side: ProducerSide, pause: Callable[[float], None]) -> Worker:
    return Worker(name="SAE", turn=side.turn, pause=pause, release=side.release)


def consumer_worker(name: str, side: ConsumerSide) -> Worker:
    return Worker(name=name, turn=side.turn, pause=side.pause, release=side.release)
