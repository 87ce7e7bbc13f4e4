"""The programs of a site: the real producer and the real consumer, put together as the wiring does it, one life after another."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from consumer.assignment import Assignment
from consumer.batch import Planner
from consumer.caja.port import Holder
from consumer.consume import Consumer
from consumer.lease import Lease
from consumer.policies import Policies
from consumer.subscribe import subjects
from foundation.errors import Displaced, InvariantError, PuenteError
from producer.capture.compare import CompareCapture
from producer.capture.record_version import VersionCapture
from producer.claim import Standby
from producer.index import LogIndex
from producer.losses import Kind
from producer.mass_change import MassChange
from producer.poll import Producer
from producer.publish import Publisher
from producer.recognition import Recognition
from schemas.codec import Decoder
from schemas.entities import Entity, Subject
from schemas.registry import RegistryReader
from tests.simulation.caja import SimCaja, mappers_for
from tests.simulation.caja_session import CajaSession
from tests.simulation.log import SimLog, SimStore
from tests.simulation.sae import SaeSession, SimSae
from tests.simulation.scheduler import Process
from tests.unit.consuming import TOPICS

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BATCH = 2
EVERY = 20.0
"""Seconds between two comparisons of all, where a table needs them."""


@dataclass
class Times:
    """All clocks of the world; `seconds` is every monotonic one, `nights` how many nights fell."""

    seconds: float = 0.0
    nights: int = 0

    def clock(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def local(self) -> datetime:
        """For the comparison at night, which comes when a history says so."""
        return START + timedelta(days=self.nights)


@dataclass
class Site:
    """What the programs share. `compares`: the capture mode is `compare`."""

    sae: SimSae
    store: SimStore
    times: Times
    compares: bool = False
    runs: int = 0
    lives: int = 0
    allowed: int = 0
    """How many of each kind of loss the first pass of a new producer lets through."""
    accepts_sae: bool = False
    """Whether a new producer takes SAE whichever the log holds."""

    def new_run(self) -> str:
        self.runs += 1
        return f"run{self.runs}"

    def new_host(self) -> str:
        """Each life has a host of its own: whether a process of this one is gone is for the operating system to say, not for us."""
        self.lives += 1
        return f"host{self.lives}"


class ProducerProcess(Process):
    """A producer that stands by until the log is free, and stands by again once another one claimed it."""

    def __init__(self, site: Site) -> None:
        super().__init__(self._one_turn)
        self._site = site
        self._own: list[str] = []
        self._standby = self._new_standby()
        self.producer: Producer | None = None
        self.mass_change = MassChange()
        self.session: SaeSession | None = None
        self.by_force = False
        """Claims the log whoever holds it."""
        self.leaves = False
        """Ends cleanly at its next turn."""
        self.displaced = 0
        """How often another one claimed the log after it."""

    def _new_standby(self) -> Standby:
        return Standby(SimLog(self._site.store, self), TOPICS.control, own=self._own, clock=self._site.times.clock)

    def _one_turn(self) -> None:
        if self.leaves:
            self._leave()
            return
        try:
            self._work()
        except Displaced:
            self.displaced += 1
            self.drop()
            self._own.clear()
            self._standby = self._new_standby()
        except PuenteError as error:
            self.failed(error)

    def failed(self, error: PuenteError) -> None:
        """All connections are made anew."""
        if isinstance(error, InvariantError):
            raise error
        self.drop()

    def drop(self) -> None:
        self.producer = self.session = None

    def _work(self) -> None:
        if self.producer is None:
            if not (self.by_force or self._standby.may_claim()):
                return
            self.producer = self._build()
        if self.by_force:
            self.producer.claim()
            self.by_force = False
        self.producer.run_pass()

    def _build(self) -> Producer:
        site, times = self._site, self._site.times
        log, self.session = SimLog(site.store, self), SaeSession(site.sae, self)
        self.mass_change = MassChange(dict.fromkeys(Kind, site.allowed) if site.allowed else {})
        if site.compares:
            capture: CompareCapture | VersionCapture = CompareCapture(self.session, every_seconds=EVERY, clock=times.clock, now=times.now)
        else:  # as where a look takes long: after each table in which something changed it goes on later
            capture = VersionCapture(self.session, every_seconds=EVERY, clock=times.clock, now=times.now, local=times.local, enough=0.0)
        return Producer(
            capture=capture,
            publisher=Publisher(log, TOPICS, self._new_run, times.now),
            new_index=lambda claim: LogIndex(log, TOPICS, claim.take),
            recognition=Recognition(self.session, is_accepted=site.accepts_sae, clock=times.clock),
            mass_change=self.mass_change,
            clock=times.clock,
        )

    def _new_run(self) -> str:
        self._own.append(self._site.new_run())
        return self._own[-1]

    def _leave(self) -> None:
        self.leaves = False
        producer = self.producer
        self.drop()
        self._own.clear()
        self._standby = self._new_standby()
        try:
            if producer is not None:
                producer.release()
        except PuenteError:
            return


class ConsumerProcess(Process):
    """A consumer of one CAJA, with the policies of its start."""

    def __init__(self, site: Site, caja: SimCaja, policies: Policies) -> None:
        super().__init__(self._one_turn)
        self._site, self._caja, self.policies = site, caja, policies
        self._holder = Holder(host=site.new_host(), process=1, started=1)
        self._lease: Lease | None = None
        self.consumer: Consumer | None = None
        self.resyncs = False
        """Takes the CAJA by force at its next turn and asks for a resync of all."""
        self.leaves = False
        self.allowed: int | None = None
        """How many rows somebody lets a sweep take."""
        self.rests = False
        """Whether its last turn found nothing to do."""

    @property
    def token(self) -> str | None:
        return self._lease.token if self._lease else None

    def _one_turn(self) -> None:
        self.rests = False
        try:
            self.consumer = self.consumer or self._build()
            if self.leaves:
                self._leave(self.consumer)
                return
            if self.resyncs:
                if not self.consumer.take_over(by_force=True):
                    return
                self.consumer.ask_for_resync(list(Entity))
                self.resyncs = False
            self.consumer.allow_deletes = self.allowed
            step = self.consumer.step()
            self.rests = step is None or (step.at_end and not step.applied)
        except PuenteError as error:
            self.consumer = None
            if isinstance(error, InvariantError):
                raise

    def _leave(self, consumer: Consumer) -> None:
        self.leaves, self.consumer = False, None
        consumer.release()
        self.rests = True

    def _build(self) -> Consumer:
        site, times, decoder = self._site, self._site.times, Decoder()
        log, mappers = SimLog(site.store, self), mappers_for(self.policies)
        session = CajaSession(self._caja, self, self.policies, mappers)
        self._lease = Lease(session, self._holder, times.clock, self.token)
        consumer = Consumer(
            Assignment(
                name=self._caja.name,
                caja=session,
                log=log,
                topics=TOPICS,
                registry=RegistryReader(log, TOPICS.registry, decoder),
                planner=Planner(decoder, mappers, self.policies, {store: store for store in self._caja.numbers}),
                lease=self._lease,
                fingerprint=repr(self.policies),
                clock=times.clock,
                now=times.now,
            )
        )
        consumer.pace.limit = BATCH
        return consumer

    def subjects(self) -> list[Subject]:
        """What it reads."""
        return subjects(self.policies, self._caja.numbers, self._caja.parameters)
