"""`puente check`, as far as it tells whether SAE is the one that the log holds: what `produce` would say before it publishes anything.

How much an older SAE would take back is known by comparing all of it, which is the producer's work: here its age alone is told.
"""

from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import timedelta

from foundation.errors import PuenteError
from foundation.eventlog.lineage import read_until
from foundation.eventlog.port import EventLog
from foundation.texts import text
from producer.index import LogIndex
from producer.recognition import PRODUCTS, age, is_recognised, refuse_another, refuse_strange_products
from producer.sae.port import SqlSae
from producer.sae.tables import Inve
from puente.config import Settings
from puente.findings import Finding, Level
from puente.wiring.opening import log_is_missing, open_log, topics_of
from schemas.control import SaeIdentity
from schemas.keys import trim
from schemas.topics import Topics


def check_identity(sae: SqlSae, settings: Settings) -> Iterator[Finding]:
    """`sae` was probed, and its tables may be read. Raises `AnotherSae`, and what `Database` does."""
    if sae.hides_company():
        said = text(
            "its user may not read the company's RFC, which tells one SAE from another: puente grants sae prints the script that lets it"
        )
        yield Finding(Level.WARNING, "SAE", said)
    held = None
    with suppress(PuenteError):  # what is wrong with the log is told elsewhere
        held = _held(settings, sae.company)
    if held is not None:
        yield _compared(sae, *held)


def _held(settings: Settings, company: str) -> tuple[SaeIdentity, set[bytes]] | None:
    """The SAE that the log holds, and its products; None where no producer said it."""
    if log_is_missing(settings):
        return None
    with closing(open_log(settings)) as log:
        topics = topics_of(settings, company)
        known = LogIndex(log, topics).read_sae()
        return None if known is None else (known, _products_of_log(log, topics))


def _compared(sae: SqlSae, known: SaeIdentity, in_log: set[bytes]) -> Finding:
    found = sae.identity()
    refuse_another(known, found)
    in_sae = _products(sae)
    refuse_strange_products(known, found, len(in_log), len(in_sae), len(in_log & in_sae))
    behind = age(known, found)
    if behind:
        said = text(
            "it is {days} days older than what the log holds: every CAJA goes back with it", days=f"{behind / timedelta(days=1):.1f}"
        )
        return Finding(Level.WARNING, "SAE", said)
    if is_recognised(known, found):
        return Finding(Level.OK, "SAE", text("it is the one that the log holds"))
    return Finding(Level.NOTE, "SAE", text("nothing in it tells whether it is the one that the log holds; its products do"))


def _products_of_log(log: EventLog, topics: Topics) -> set[bytes]:
    found: set[bytes] = set()
    topic = topics.of(PRODUCTS)
    state = log.state(topic)
    for event in read_until(log, topic, state) if state is not None else ():
        (found.discard if event.value is None else found.add)(event.key)
    return found


def _products(sae: SqlSae) -> set[bytes]:
    with sae.snapshot() as snapshot:
        raw = (key[0] for key in snapshot.keys(Inve)) if Inve in snapshot.exact else (row.cve_art for row in snapshot.rows(Inve))
        return {trim(key).encode() for key in raw}
