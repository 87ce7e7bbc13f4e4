"""`EventLog` on Apache Kafka: a topic of Puente's is a Kafka topic with one partition, its topic id is Kafka's topic id."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import zip_longest
from time import monotonic, sleep
from time import time as wall_clock
from typing import Any

from kafka import errors
from kafka.errors import KafkaError

from foundation.errors import RetryableError
from foundation.eventlog.kafka import fetching, groups, producing
from foundation.eventlog.kafka.client import DEFAULT_LIMITS, Client, Place, refuse
from foundation.eventlog.kafka.rights import lacking
from foundation.eventlog.kafka.topics import BROKERS_OWN, create_request, created, describe_request, settings, settings_request, unfit
from foundation.eventlog.port import Batch, Offset, Record, Topic, TopicSettings, TopicState, Unfit
from foundation.eventlog.rights import Operation, Right
from foundation.limits import KafkaLimits
from foundation.texts import text

SMALLEST_FETCH, LARGEST_FETCH = 64_000, 8_000_000
FIRST_EVENT_BYTES = 300.0
TURN_SECONDS = 0.1
"""How long one of several brokers is waited for while another may have news."""
_OUTSIDE = errors.OffsetOutOfRangeError.errno
_GONE = (errors.UnknownTopicIdError.errno, errors.UnknownTopicOrPartitionError.errno)


class KafkaLog:
    """Connects at the first call. Sees the topics of `prefix` alone; `replication` is how many brokers keep each topic that it makes.

    `options` are kafka-python's, for security. Belongs to one thread; `clock` gives seconds since 1970.
    """

    def __init__(
        self,
        servers: Sequence[str],
        prefix: str,
        *,
        options: Mapping[str, Any] | None = None,
        limits: KafkaLimits = DEFAULT_LIMITS,
        replication: int = BROKERS_OWN,
        clock: Callable[[], float] = wall_clock,
    ) -> None:
        self._client = Client(servers, options, limits)
        self._prefix, self._replication, self._clock = f"{prefix}.", replication, clock
        self._numbering: producing.Numbering | None = None
        self._coordinators: dict[str, int] = {}
        self._event_bytes = FIRST_EVENT_BYTES

    def create(self, topics: Mapping[Topic, TopicSettings]) -> list[Topic]:
        return self._client.trying(lambda: self._create(topics))

    def _create(self, topics: Mapping[Topic, TopicSettings]) -> list[Topic]:
        present = self._client.places(topics)
        missing = {topic: settings for topic, settings in topics.items() if topic not in present}
        if not missing:
            return []
        made = list(created(self._client.ask(create_request(missing, self._replication))))
        self._client.trying(lambda: self._wait_for(missing))
        return made

    def _wait_for(self, topics: Iterable[Topic]) -> None:
        """A broker knows a new topic a moment after the controller made it."""
        lacking = set(topics) - self._client.places(topics).keys()
        if lacking:
            raise errors.LeaderNotAvailableError(*lacking)

    def unfit(self, topics: Mapping[Topic, TopicSettings]) -> list[Unfit]:
        def ask() -> list[Unfit]:
            present = {topic: topics[topic] for topic in self._client.places(topics)}
            return sorted(unfit(self._client.ask(describe_request(present)), present), key=lambda found: found.topic) if present else []

        return self._client.trying(ask)

    def settings(self, topic: Topic) -> TopicSettings | None:
        def ask() -> TopicSettings | None:
            self._client.placed(topic)
            return settings(self._client.ask(settings_request(topic)))

        return self._client.trying(ask)

    def lacking(self, rights: Collection[Right]) -> list[Right]:
        return self._client.trying(lambda: lacking(self._client, rights))

    def topics(self, names: Collection[Topic] | None = None) -> dict[Topic, TopicState]:
        client = self._client
        return client.trying(lambda: self._states(client.all_places(self._prefix) if names is None else client.places(names)))

    def state(self, topic: Topic) -> TopicState | None:
        return self.topics([topic]).get(topic)

    def _states(self, places: Mapping[Topic, Place]) -> dict[Topic, TopicState]:
        ends = fetching.ends(self._client, places) if places else {}
        return {topic: fetching.state_of(places[topic], end) for topic, end in sorted(ends.items())}

    def append(self, records: Iterable[Record]) -> list[Offset]:
        part = list(records)
        by_topic: dict[Topic, list[int]] = {}
        for number, record in enumerate(part):
            by_topic.setdefault(record.topic, []).append(number)
        identities = self._client.trying(lambda: {topic: self._client.placed(topic).topic_id for topic in by_topic})
        offsets = [Offset(-1)] * len(part)
        cut = [[(topic, batch) for batch in producing.batches([part[n] for n in numbers])] for topic, numbers in by_topic.items()]
        left = {topic: iter(numbers) for topic, numbers in by_topic.items()}
        try:
            for turn in zip_longest(*cut):  # a batch of each topic to a request
                sent = dict(filter(None, turn))
                for topic, first in self._send(sent, identities).items():
                    for place in range(len(sent[topic])):
                        offsets[next(left[topic])] = Offset(first + place)
        except BaseException:
            self._numbering = None  # what was kept of this is not known, so its numbers are of no more use
            raise
        return offsets

    def _send(self, batches: Mapping[Topic, Sequence[Record]], identities: Mapping[Topic, object]) -> dict[Topic, int]:
        """The offset of the first record of each batch."""
        now = int(self._clock() * 1000)
        packed: dict[Topic, bytes] = {}

        def attempt() -> dict[Topic, int]:
            if self._numbering is None:
                self._numbering = producing.Numbering(self._client, next(iter(batches)))
            places = {topic: self._client.placed(topic) for topic in batches}
            for topic, place in places.items():
                if place.topic_id != identities[topic]:
                    raise RetryableError(text("The topic {topic} was deleted, cut or made again", topic=topic))
                if topic not in packed:
                    packed[topic] = self._numbering.packed(place, batches[topic], now)
            by_leader: dict[int, dict[Topic, tuple[Place, bytes]]] = {}
            for topic, place in places.items():
                by_leader.setdefault(place.leader, {})[topic] = (place, packed[topic])
            answers = self._client.ask_all({leader: producing.produce_request(those) for leader, those in by_leader.items()})
            return {topic: first for answer in answers for topic, first in producing.acknowledged(answer, places).items()}

        return self._client.trying(attempt)

    def read(self, topic: Topic, offset: Offset, limit: int = 1000) -> Batch:
        return self._client.trying(lambda: self._read(topic, offset, limit))

    def _read(self, topic: Topic, offset: Offset, limit: int) -> Batch:
        place = self._client.placed(topic)
        most = int(min(max(limit * self._event_bytes, SMALLEST_FETCH), LARGEST_FETCH))
        told = fetching.only_partition(self._client.ask(fetching.fetch_request({topic: (place, offset)}, most=most), place.leader))
        if told.error_code == _OUTSIDE:
            return self._read_outside(topic, place, offset, limit)
        if told.error_code in _GONE:
            self._client.forget(topic)
            self._client.placed(topic)  # which says that it is not there

        refuse(told.error_code, topic, Operation.READ)
        events, after = fetching.events_of(told.records, offset, limit)
        if events:
            self._event_bytes = max(1.0, len(told.records) / len(events))
        return Batch(events=events, next_offset=after, state=fetching.state_of(place, Offset(told.high_watermark)))

    def _read_outside(self, topic: Topic, place: Place, offset: Offset, limit: int) -> Batch:
        """Before the first event that is left, or past the end; never silently from somewhere else."""
        first = fetching.ends(self._client, {topic: place}, fetching.EARLIEST)[topic]
        if offset < first:
            return self._read(topic, first, limit)
        return fetching.nothing(offset, place, fetching.ends(self._client, {topic: place})[topic])

    def wait(self, positions: Mapping[Topic, Offset], timeout: float) -> bool:
        until = monotonic() + timeout
        while True:
            left = max(0.0, until - monotonic())
            began = monotonic()
            if self._client.trying(lambda: self._has_news(positions, left)):  # noqa: B023 - runs at once
                return True
            if monotonic() >= until:
                return False
            if not positions or monotonic() - began < TURN_SECONDS / 10:  # nothing to wait for is there yet
                sleep(min(TURN_SECONDS, max(0.0, until - monotonic())))

    def _has_news(self, positions: Mapping[Topic, Offset], seconds: float) -> bool:
        by_leader: dict[int, dict[Topic, tuple[Place, Offset]]] = {}
        for topic, offset in positions.items():
            place = self._client.place(topic)
            if place is not None:
                by_leader.setdefault(place.leader, {})[topic] = (place, offset)
        seconds = seconds if len(by_leader) == 1 else min(seconds, TURN_SECONDS)
        requests = {leader: fetching.fetch_request(those, most=1, seconds=seconds) for leader, those in by_leader.items()}
        for answer in self._client.ask_all(requests, seconds) if requests else ():
            refuse(answer.error_code, "fetch")
            codes = {part.error_code for told in answer.responses for part in told.partitions}
            if _OUTSIDE in codes or any(part.records for told in answer.responses for part in told.partitions):
                return True
            if codes - {0}:  # a topic that is gone, or has another leader now
                self._client.forget(*positions)
        return False

    def commit_offsets(self, reader: str, positions: Mapping[Topic, Offset]) -> None:
        def commit() -> None:
            there = {topic: offset for topic, offset in positions.items() if self._client.place(topic) is not None}
            if reader not in self._coordinators:
                self._coordinators[reader] = groups.coordinator(self._client, reader)
            try:
                groups.commit(self._client, self._coordinators[reader], reader, there)
            except KafkaError:
                self._coordinators.clear()
                raise

        if positions:
            self._client.trying(commit)

    def committed_offsets(self, reader: str) -> dict[Topic, Offset]:
        return self._client.trying(lambda: groups.committed(self._client, groups.coordinator(self._client, reader), reader))

    def close(self) -> None:
        self._client.close()
