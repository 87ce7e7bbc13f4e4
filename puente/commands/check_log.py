"""`puente check`, as far as it looks at the log: who may do what, its topics and how they are kept, its schemas."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryFile

from consumer.resync.retention import SHORTEST
from foundation.errors import ExitCode, PuenteError, RetryableError
from foundation.eventlog.port import EventLog, Topic, TopicSettings
from foundation.eventlog.rights import Operation, Resource
from foundation.texts import Text, text
from producer.sae.company import AUTO
from puente.commands.heartbeat import held, last_heartbeat, stuck, untravelled
from puente.commands.kafka_rights import check_rights
from puente.config import EmbeddedLogSettings, Settings
from puente.findings import Finding, Level, failure
from puente.wiring.opening import find_company, log_is_missing, open_log, open_sae, topics_of
from schemas.codec import NAMES, bundled
from schemas.registry import read_schemas
from schemas.topics import Topics


def check_log(settings: Settings) -> Iterator[Finding]:
    about = text("log")
    yield from _folders(settings)
    if log_is_missing(settings):
        yield Finding(
            Level.WARNING, str(about), text("{path} does not exist yet: puente setup makes it", path=settings.log.name), needs_setup=True
        )
        return
    try:
        with closing(open_log(settings)) as log:
            company = _company(settings, log)
            yield Finding(Level.OK, str(about), text("{path} can be read", path=settings.log.name))
            if company is None:
                yield Finding(Level.WARNING, str(about), text("it has no topics yet: puente setup makes them"), needs_setup=True)
            else:
                yield from _topics(log, settings, topics_of(settings, company))
    except PuenteError as error:
        yield failure(str(about), error)


def _folders(settings: Settings) -> Iterator[Finding]:
    """Where a file of this machine must be written: an embedded log, which has others beside it, and the log lines."""
    if isinstance(settings.log, EmbeddedLogSettings):
        yield from _folder(str(text("log")), settings.log_path.parent)
    if settings.log_file is not None:
        yield from _folder("run.log_file", settings.log_file.parent)


def _folder(about: str, folder: Path) -> Iterator[Finding]:
    if not folder.is_dir():
        yield Finding(Level.ERROR, about, text("The folder {folder} does not exist: make it", folder=folder), ExitCode.CONFIG)
        return
    try:
        TemporaryFile(dir=folder).close()  # nothing else tells on every system
    except OSError as error:
        told = text("Nothing can be written into the folder {folder} ({error})", folder=folder, error=error.strerror)
        yield Finding(Level.ERROR, about, told, ExitCode.CONFIG)


def _company(settings: Settings, log: EventLog) -> str | None:
    """None where nothing tells it, and the log has nothing that this user may not see."""
    if settings.company == AUTO and settings.sae is not None:
        with suppress(PuenteError), closing(open_sae(settings)) as sae:  # what is wrong with it was told
            sae.probe()
            return sae.company
    try:
        return find_company(settings, log)
    except RetryableError:
        if log.topics():
            raise
        return None


def _topics(log: EventLog, settings: Settings, topics: Topics) -> Iterator[Finding]:
    about, present = str(text("topics")), log.topics()
    refused, told = check_rights(log, settings, topics)
    yield from told
    hidden = {right.name for right in refused if right.operation is Operation.READ and right.resource is Resource.TOPIC}
    missing = [topic for topic in topics.fixed() if topic not in present and topic not in hidden]
    if len(missing) == len(topics.fixed()):
        yield Finding(Level.WARNING, str(text("log")), text("it has no topics yet: puente setup makes them"), needs_setup=True)
        return
    if missing:
        yield Finding(Level.WARNING, about, text("missing: {topics}; puente setup makes them", topics=", ".join(missing)), needs_setup=True)
        return
    stock = sum(subject is not None and subject.warehouse is not None for subject in map(topics.subject, present))
    yield Finding(
        Level.OK,
        about,
        text(
            "{count} topics of company {company}, {stock} of them stock",
            count=len(present),
            company=topics.company,
            stock=stock,
        ),
    )
    silent = {right.name for right in refused if right.operation is Operation.DESCRIBE_CONFIGS}
    yield from _kept_otherwise(log, topics, [topic for topic in present if topic not in silent])
    if hidden.intersection((topics.registry, topics.control)):
        return
    yield from _heartbeat(log, topics)
    known, _ = read_schemas(log, topics.registry)
    lacking = [name for name in NAMES if known.get(bundled(name).id) != bundled(name).text]
    if lacking:
        yield Finding(
            Level.WARNING,
            about,
            text("the registry lacks schemas of this release ({names}); the producer adds them", names=", ".join(lacking)),
        )


def _heartbeat(log: EventLog, topics: Topics) -> Iterator[Finding]:
    heartbeat = last_heartbeat(log, topics)
    if heartbeat is not None:
        yield from (Finding(Level.WARNING, "SAE", stuck(table)) for table in heartbeat.stuck)
        yield from (Finding(Level.WARNING, "SAE", told) for told in [*untravelled(heartbeat), *held(heartbeat)])


_LOSES: dict[str, Text] = {
    "cleanup.policy": text(
        "events of keys that did not change for long would be thrown away, and a CAJA that is new or behind would lack them"
    ),
    "compression.type": text("Puente reads what is not compressed, or by gzip, and nothing else"),
    "message.timestamp.type": text("compaction would go by the producer's clock, and the broker refuses events of one that is fast"),
    "min.compaction.lag.ms": text(
        "a power cut could take the tombstone of a key whose other events are compacted away: nobody would learn that it is gone"
    ),
    "delete.retention.ms": text("a CAJA that is off for longer than this must read the whole log again"),
}
"""Why it matters, by Kafka's name of the setting; an embedded log's own names are the same with other signs."""


def _kept_otherwise(log: EventLog, topics: Topics, present: Iterable[Topic]) -> Iterator[Finding]:
    ours = [topic for topic in present if topic in topics.fixed() or topics.subject(topic) is not None]
    unfit = log.unfit({topic: TopicSettings() for topic in ours})
    yield from _short(log, {found.topic for found in unfit if found.setting.replace("_", ".") == "delete.retention.ms"})
    for found in unfit:
        why = _LOSES[found.setting.replace("_", ".")]
        yield Finding(
            Level.WARNING,
            found.topic,
            text("{setting} is {found}, not {wanted}: {why}", setting=found.setting, found=found.found, wanted=found.wanted, why=why),
        )


def _short(log: EventLog, topics: Collection[Topic]) -> Iterator[Finding]:
    """Those whose tombstones may go before a reader that starts anew has seen them."""
    for topic in sorted(topics):
        settings = log.settings(topic)
        if settings is not None and settings.tombstones_last < SHORTEST:
            said = text(
                "it keeps tombstones for less than {minutes} minutes: a CAJA may never hear that a key is gone; raise delete.retention.ms",
                minutes=SHORTEST // timedelta(minutes=1),
            )
            yield Finding(Level.ERROR, topic, said, ExitCode.CONFIG)
