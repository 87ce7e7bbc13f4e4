"""A SAE on a real engine with a producer in the mode `record-version`, for tests."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from firebird.driver import Isolation, TraAccessMode, tpb
from sqlalchemy.engine import make_url

from foundation.engines import open_database
from foundation.engines.database import Database
from foundation.engines.firebird import create
from foundation.eventlog.memory import MemoryLog
from foundation.eventlog.port import START
from foundation.limits import DatabaseLimits
from producer.capture.record_version import VersionCapture
from producer.index import LogIndex
from producer.poll import Pass, Producer
from producer.publish import Publisher
from producer.recognition import Recognition
from producer.sae.contents import everything
from producer.sae.port import SqlSae
from producer.sae.tables import KEYS
from puente.demo.statements import run
from puente.reference import build_sae
from schemas.codec import Decoder, content_hash
from schemas.control import Heartbeat, parse
from schemas.headers import read_headers
from schemas.topics import Topics
from tests.engines.templates import databases
from tests.engines.users import as_reader, grant_sae

TOPICS = Topics("puente", "01")
CONTENT = (
    "INSERT INTO CLIN01 (CVE_LIN, DESC_LIN, STATUS) VALUES ('L', 'old', 'A')",
    "INSERT INTO IMPU01 (CVE_ESQIMPU, IMPUESTO1, STATUS) VALUES (1, 16, 'A')",
    "INSERT INTO IMPU01 (CVE_ESQIMPU, IMPUESTO1, STATUS) VALUES (2, 0, 'A')",
    "INSERT INTO PRECIOS01 (CVE_PRECIO, DESCRIPCION, CON_IMPU) VALUES (1, 'P', 'N')",
    "INSERT INTO ALMACENES01 (CVE_ALM, DESCR) VALUES (1, 'uno')",
    *(f"INSERT INTO INVE01 (CVE_ART, DESCR, CVE_ESQIMPU, EXIST, STATUS) VALUES ('{key}', 'old', 1, 9, 'A')" for key in "ABC"),
    *(f"INSERT INTO PRECIO_X_PROD01 (CVE_ART, CVE_PRECIO, PRECIO) VALUES ('{key}', 1, 5)" for key in "AB"),
    "INSERT INTO CVES_ALTER01 (CVE_ART, CVE_ALTER, TIPO) VALUES ('A', '750', 'N')",
    "INSERT INTO CLIE01 (CLAVE, STATUS, PROSPECTO, NOMBRE) VALUES ('         7', 'A', 'N', 'old')",
    *(f"INSERT INTO MULT01 (CVE_ART, CVE_ALM, EXIST) VALUES ('{key}', 1, 3)" for key in "AB"),
)


@dataclass
class Site:
    """A SAE on a real engine, made at `url`, with a producer in the mode `record-version` on a log in memory. It may only read."""

    url: str
    stack: ExitStack
    log: MemoryLog = field(default_factory=MemoryLog)
    charset: str = "ISO8859_1"

    def __post_init__(self) -> None:
        databases([self.url], ("exact site", self.charset), self._make)
        self.database = self.connect()
        self.sae = SqlSae(self.stack.enter_context(closing(open_database(as_reader(self.url)))), "auto")
        self.begin()
        self.run()
        assert self.sae.exact == KEYS.keys()

    def _make(self) -> None:
        create.create_database(make_url(self.url), DatabaseLimits(), self.charset)
        with closing(open_database(self.url)) as database:
            build_sae(database)
            with database.writing() as writer:
                for statement in CONTENT:
                    run(writer, statement)
        grant_sae(self.url)

    def begin(self, log: MemoryLog | None = None) -> None:
        """A producer, on another log where one is given."""
        self.log = log or self.log
        self.producer = Producer(
            capture=VersionCapture(self.sae, enough=float("inf")),  # each pass looks at all, however slow the machine is
            publisher=Publisher(self.log, TOPICS),
            new_index=lambda claim: LogIndex(self.log, TOPICS, claim.take),
            recognition=Recognition(self.sae),
        )

    def connect(self) -> Database:
        """As its owner."""
        return self.stack.enter_context(closing(open_database(self.url)))

    def sql(self, *statements: str) -> None:
        """In one transaction."""
        with self.database.writing() as writer:
            for statement in statements:
                run(writer, statement)

    @contextmanager
    def transaction(self) -> Iterator["Transaction"]:
        """A READ COMMITTED one through a connection of its own, as SAE's client has; rolled back where nothing else was said."""
        opened = self.connect()
        with opened.reading():
            pass
        connection = opened._opened  # type: ignore[attr-defined]  # the product needs no such transaction
        transaction = connection.transaction_manager(tpb(Isolation.READ_COMMITTED_RECORD_VERSION, access_mode=TraAccessMode.WRITE))
        transaction.begin()
        try:
            yield Transaction(transaction)
        finally:
            if transaction.is_active():
                transaction.rollback()
            opened.close()

    def rows(self, query: str) -> list[Any]:
        """What stands after SELECT."""
        with self.database.reading() as reader:
            return list(reader.rows(sa.text(f"SELECT {query}")))

    def run(self) -> Pass:
        return self.producer.run_pass()

    def published(self, mode: str = "record-version") -> dict[str, Any]:
        """What one pass publishes: `subject key` → value; found by the mode, and nothing is left for a second pass."""
        ends = {topic: state.end for topic, state in self.log.topics().items()}
        self.run()
        found: dict[str, Any] = {}
        for topic in self.log.topics():
            subject = TOPICS.subject(topic)
            for event in self.log.read(topic, ends.get(topic, START)).events if subject else ():
                assert subject is not None
                assert read_headers(event).mode == mode
                found[f"{subject} {event.key.decode()}"] = event.value and Decoder().decode(subject.entity.value, event.value)
        assert self.run().published == 0
        return found

    def heartbeat(self) -> Heartbeat:
        """The newest heartbeat."""
        words, said = self.log.topics()[TOPICS.control], dict[int, Heartbeat]()
        for event in self.log.read(TOPICS.control, START, words.end).events:
            if event.value is not None:
                heartbeat = parse(Decoder(), event.value)
                said[event.offset] = heartbeat if heartbeat.repeats is None else said[heartbeat.repeats]
        return said[max(said)]

    def incomplete(self) -> set[str]:
        """Whose topics the newest heartbeat does not call complete."""
        return {str(TOPICS.subject(topic.topic)) for topic in self.heartbeat().topics if not topic.complete}

    def agrees(self) -> bool:
        """Whether the log holds what SAE does, read through a connection of its own."""
        with closing(SqlSae(open_database(self.url), "auto")) as sae, sae.snapshot() as snapshot:
            wanted = {(TOPICS.of(row.subject), row.key.encode()): content_hash(row.body()) for row in everything(snapshot)}
        newest = {
            (topic, event.key): event
            for topic in self.log.topics()
            if TOPICS.subject(topic)
            for event in self.log.read(topic, START).events
        }
        return {place: read_headers(event).hash for place, event in newest.items() if event.value is not None} == wanted


class Transaction:
    def __init__(self, transaction: Any) -> None:
        self._transaction = transaction

    def sql(self, *statements: str) -> None:
        for statement in statements:
            with closing(self._transaction.cursor()) as cursor:
                cursor.execute(statement)

    def commit(self, *, retaining: bool = False) -> None:
        self._transaction.commit(retaining=retaining)

    def rollback(self) -> None:
        self._transaction.rollback()
