"""The whole site: one SAE, one log, two CAJAs, two producers, two consumers to each CAJA; and how it comes to rest."""

import copy
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from consumer.caja.port import Store
from consumer.policies import Policies
from producer.sae.tables import Mult
from tests.simulation.actors import ConsumerProcess, ProducerProcess, Site, Times
from tests.simulation.caja import SimCaja, mappers_for
from tests.simulation.check import CajaCheck, check_held, check_log
from tests.simulation.log import SimStore
from tests.simulation.sae import OWN, SimSae
from tests.simulation.scale import MANY
from tests.simulation.scheduler import Process
from tests.simulation.truth import SUBJECTS
from tests.simulation.watch import Violation, Watch
from tests.unit.consuming import TOPICS

ROUNDS, STEPS = 16, 80
ROUND_SECONDS = 4000.0
"""Longer than anything waits before it is tried again."""
FIRST, SECOND, BOTH = range(3)
"""Which of two processes is there in the end."""


class World:
    """`wanted` are the policies that each CAJA's next process starts with. The list `found` grows as things go wrong."""

    def __init__(self) -> None:
        self.times = Times()
        self.store = SimStore(clock=self.times.clock)
        self.site = Site(SimSae(), self.store, self.times)
        self.watch = Watch(self.site)
        self.store.on_append = self.watch.on_append
        self.cajas = [self._new_caja("centro", (1, 2)), self._new_caja("norte", (1,))]
        self.wanted = [Policies(), Policies()]
        self.producers = [ProducerProcess(self.site) for _ in range(2)]
        self.consumers = [[self._new_consumer(n) for _ in range(2)] for n in range(2)]

    @property
    def sae(self) -> SimSae:
        return self.site.sae

    @property
    def found(self) -> list[Violation]:
        return self.watch.found

    def _new_caja(self, name: str, stores: Iterable[int]) -> SimCaja:
        known = [Store(number=number, warehouse=number) for number in stores]
        return SimCaja(mappers=mappers_for(Policies()), name=name, known_stores=known, on_commit=self.watch.on_commit)

    def _new_consumer(self, n: int) -> ConsumerProcess:
        return ConsumerProcess(self.site, self.cajas[n], self.wanted[n])

    # processes

    def run(self, process: Process, calls: int | None = None) -> None:
        """One turn of a process, or as far as so many calls go. What the product never should raise is a violation, too."""
        self.times.seconds += 0.5
        try:
            process.run(calls)
        except Exception as error:  # noqa: BLE001 - whatever it is
            self.watch.report(f"L raises {type(error).__name__}", error)

    def kill_producer(self, n: int) -> None:
        self.producers[n].kill()
        self.producers[n] = ProducerProcess(self.site)

    def kill_consumer(self, n: int, number: int) -> None:
        self.consumers[n][number].kill()
        self.consumers[n][number] = self._new_consumer(n)

    def end(self) -> None:
        """No thread outlives its world."""
        for process in [*self.producers, *self.consumers[0], *self.consumers[1]]:
            process.kill()

    def post_sales(self, n: int) -> None:
        """CAJA's sales reach SAE."""
        caja, sae = self.cajas[n], self.sae
        if not caja.sold:
            return
        number = sae.begin()
        for (store, key), sold in caja.sold.items():
            found = sae.rows[Mult].get((key, store))
            if found is not None:
                sae.write(number, Mult, (key, store), found[1]._replace(exist=found[1].exist - sold))
        sae.commit(number)
        caja.forget_sales()

    # at rest

    def rest(self, how: int) -> None:
        """Whatever was planted goes away, time passes, and what must hold then is checked; where it does not, whether it heals at all."""
        self._calm(commits=how % 2 == 0)
        for n, wanted in enumerate(self.wanted):
            for number, process in enumerate(self.consumers[n]):
                if process.policies != wanted:
                    self.kill_consumer(n, number)
        self._bury(self.producers, how // 2 % 3)
        for processes in self.consumers:
            self._bury(processes, how // 6 % 3)
        self._accept_own()
        self._settle()
        if self._accept_own():  # one that had read another company's database went on only now
            self._settle()
        self._let_through()
        broken = list(self._violations())
        self.found.extend(broken)
        if broken:
            self._mend()
            self.found.extend(Violation(f"{one.kind} FOREVER", one.about) for one in self._violations())

    def _calm(self, *, commits: bool) -> None:
        for number in self.sae.writers:
            (self.sae.commit if commits else self.sae.end)(number)
        self.store.fault, self.store.is_down = None, False
        self.store.late.clear()
        if self.sae.is_away:
            self.sae.swap(is_away=False)
        for n, caja in enumerate(self.cajas):
            caja.broken = None
            caja.parameters = replace(caja.parameters, stock_changes=True, interface=True)
            caja.locked.clear()
            self.post_sales(n)
            caja.adopt()

    def _bury(self, processes: Sequence[Process], who: int) -> None:
        """Those that are not there in the end do nothing any more."""
        for place, process in enumerate(processes):
            if who not in (place, BOTH):
                process.kill()

    def _let_through(self) -> None:
        """Mass changes and sweeps that are held: `puente produce --allow`, `puente resync --allow-deletes`."""
        held = [n for n, producer in enumerate(self.producers) if not producer.dead and producer.mass_change.held]
        for n in held:
            if self.producers[n].producer is not None:  # else what it held is another's matter
                self.found.extend(check_held(self.site, self.producers[n].mass_change.held.values()))
        for n in held:
            self.allow(n, MANY)
        sweeps = [progress.sweep for caja in self.cajas for progress in caja.content.progress.values()]
        if held or any(sweep is not None and sweep.held for sweep in sweeps):
            self.watch.sweeps_allowed = True
            for process in (*self.consumers[0], *self.consumers[1]):
                process.allowed = MANY
            self._settle()

    def _accept_own(self) -> bool:
        """A log that forgot its SAE took another company's for its own: `puente produce --accept-sae`, once the settings are right."""
        if self.watch.which_sae() in (None, OWN):
            return False
        self.site.accepts_sae = True
        n = next(n for n, producer in enumerate(self.producers) if not producer.dead)
        self.kill_producer(n)
        self.producers[n].by_force = True
        self.run(self.producers[n])
        self.site.accepts_sae = False
        return True

    def allow(self, n: int, count: int) -> None:
        """Another process claims the log by force, and its first pass may take so many of each kind."""
        self.watch.allowed = max(count, self.watch.allowed)
        self.site.allowed = count
        self.kill_producer(n)
        self.producers[n].by_force = True
        self.run(self.producers[n])
        self.site.allowed = 0

    def _settle(self) -> None:
        for processes, caja in zip(self.consumers, self.cajas, strict=True):
            next(process for process in processes if not process.dead).resyncs |= caja.edited
            caja.edited = False
        seen: list[Any] = []
        while len(seen) < ROUNDS and (len(seen) < 4 or any(one != seen[-1] for one in seen[-4:])):
            self.times.seconds += ROUND_SECONDS
            self.watch.speakers.clear()
            for _ in range(2):
                self._run_all(self.producers)
            for processes in self.consumers:
                self._run_to_end(processes)
            seen.append(self._state())
        if len(seen) == ROUNDS:
            self.watch.report("L never at rest", "")
        if len(self.watch.speakers) > 1:
            self.watch.report("I6 two producers", self.watch.speakers)

    def _run_all(self, processes: Iterable[Process]) -> None:
        for process in processes:
            if not process.dead:
                self.run(process)

    def _run_to_end(self, processes: Sequence[ConsumerProcess]) -> None:
        for process in processes:
            for _ in range(0 if process.dead else STEPS):
                self.run(process)
                if process.rests:
                    break

    def _state(self) -> Any:
        ends = {subject: topic.end for subject in SUBJECTS if (topic := self.store.topics.get(TOPICS.of(subject)))}
        contents = [caja.content for caja in self.cajas]
        positions = [{topic: (p.position.next_offset, p.sweep) for topic, p in c.progress.items()} for c in contents]
        turns = [process.displaced for process in self.producers], [content.lease.token for content in contents]
        return ends, positions, turns, [(copy.deepcopy(content).rows, dict(content.parked)) for content in contents]

    def _violations(self) -> Iterable[Violation]:
        yield from check_log(self.site)
        for processes, caja in zip(self.consumers, self.cajas, strict=True):
            alive = next(process for process in processes if not process.dead)
            yield from CajaCheck(self.site, caja, alive).violations()

    def _mend(self) -> None:
        """What a site does by itself or its people know to do: the comparison at night, a new process, a resync."""
        self.times.nights += 1
        for producer in self.producers:
            producer.drop()
        for caja in self.cajas:
            caja.edited = True
        self._settle()
