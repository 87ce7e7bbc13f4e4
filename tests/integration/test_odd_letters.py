"""Letters that mean nothing, in rows of a SAE on a real engine: each such row is refused by its name and listed, the others go on."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from foundation.eventlog.memory import MemoryLog
from foundation.eventlog.port import START
from puente.commands.heartbeat import unpublished
from schemas.codec import Decoder
from schemas.entities import Entity, Subject
from tests.integration.exact_site import TOPICS, Site


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A column of one letter, in the row of `key` alone of two; what is made of both rows is told by `told` of `of`."""

    column: str
    usual: str
    entity: Entity
    of: str
    by: str
    told: str
    key: str
    other: str

    @property
    def table(self) -> str:
        return "CVES_ALTER01" if self.column == "TIPO" else self.of

    def set_to(self, letter: str) -> str:
        return f"UPDATE {self.table} SET {self.column} = '{letter}' WHERE {self.by} = '{self.key}'"

    def both_say(self, words: str) -> str:
        return f"UPDATE {self.of} SET {self.told} = '{words}' WHERE {self.by} IN ('{self.key}', '{self.other}')"

    def place(self, key: str) -> str:
        """As `published` names it."""
        return f"{Subject(self.entity)} {key.strip()}"

    def __str__(self) -> str:
        return f"{self.table[:-2]}.{self.column}"


LINE: dict[str, Any] = {"entity": Entity.PRODUCT_LINE, "of": "CLIN01", "by": "CVE_LIN", "told": "DESC_LIN", "key": "L", "other": "M"}
SCHEME: dict[str, Any] = {"entity": Entity.TAX_SCHEME, "of": "IMPU01", "by": "CVE_ESQIMPU", "told": "DESCRIPESQ", "key": "2", "other": "1"}
CURRENCY: dict[str, Any] = {"entity": Entity.CURRENCY, "of": "MONED01", "by": "NUM_MONED", "told": "DESCR", "key": "1", "other": "2"}
PRODUCT: dict[str, Any] = {"entity": Entity.PRODUCT, "of": "INVE01", "by": "CVE_ART", "told": "DESCR", "key": "A", "other": "B"}
CUSTOMER: dict[str, Any] = {
    "entity": Entity.CUSTOMER, "of": "CLIE01", "by": "CLAVE", "told": "NOMBRE", "key": "         7", "other": "         8",
}  # fmt: skip
LETTERS = [
    *(Letter(column="STATUS", usual="A", **one) for one in (LINE, SCHEME, CURRENCY, PRODUCT, CUSTOMER)),
    Letter(column="TIPO_ELE", usual="P", **PRODUCT),
    Letter(column="TIPO", usual="N", **PRODUCT),
    Letter(column="PROSPECTO", usual="N", **CUSTOMER),
    Letter(column="CON_CREDITO", usual="N", **CUSTOMER),
]
MORE = (
    "INSERT INTO CLIN01 (CVE_LIN, DESC_LIN, STATUS) VALUES ('M', 'old', 'A')",
    *(f"INSERT INTO MONED01 (NUM_MONED, DESCR, TCAMBIO, STATUS) VALUES ({number}, 'old', 1, 'A')" for number in (1, 2)),
    "INSERT INTO CLIE01 (CLAVE, STATUS, PROSPECTO, NOMBRE) VALUES ('         8', 'A', 'N', 'old')",
    "UPDATE IMPU01 SET DESCRIPESQ = 'old'",
)
PREFIX = {"TIPO": "CVES_ALTER.TIPO"}


@pytest.fixture
def site(exact_url: str) -> Iterator[Site]:
    """Each table has two rows at least."""
    with ExitStack() as stack:
        site = Site(exact_url, stack)
        site.sql(*MORE)
        site.run()
        yield site


def words_of(value: dict[str, Any]) -> object:
    return value["name"] if "name" in value else value["description"]


def in_log(site: Site, letter: Letter) -> object:
    """What the newest event of the row says."""
    events = site.log.read(TOPICS.of(Subject(letter.entity)), START).events
    newest = next(event.value for event in reversed(events) if event.key == letter.key.strip().encode())
    assert newest is not None
    return words_of(Decoder().decode(letter.entity.value, newest))


def refused(site: Site) -> list[tuple[str, str]]:
    return [(row.entity, row.key) for row in site.heartbeat().unpublished]


@pytest.mark.parametrize("letter", LETTERS, ids=str)
def test_a_row_with_an_odd_letter_keeps_its_event_and_is_named_and_its_neighbour_goes_on(
    site: Site, letter: Letter, caplog: pytest.LogCaptureFixture
) -> None:
    site.sql(letter.set_to("X"), letter.both_say("new"))
    published = site.published()
    assert {place: words_of(value) for place, value in published.items()} == {letter.place(letter.other): "new"}
    assert in_log(site, letter) == "old"
    assert refused(site) == [(letter.entity.value, letter.key.strip())]
    says = f"{PREFIX.get(letter.column, letter.column)} is 'X', which is none of "
    assert says in site.heartbeat().unpublished[0].reason
    assert says in str(unpublished(site.heartbeat()))  # which `status` and `check` show
    told = [vars(record) for record in caplog.records if getattr(record, "action", "") == "unmappable"]
    assert [(one["entity"], one["key"]) for one in told] == [(letter.entity.value, letter.key.strip())]
    assert says in told[0]["reason"]
    # And once somebody mends it, it goes in by itself
    site.sql(letter.set_to(letter.usual))
    assert {place: words_of(value) for place, value in site.published().items()} == {letter.place(letter.key): "new"}
    assert site.agrees()
    assert (refused(site), site.heartbeat().complete) == ([], True)


def test_a_first_start_publishes_all_but_the_rows_with_an_odd_letter(site: Site) -> None:
    """A customer and a product for each letter that theirs may have odd."""
    site.sql(
        *(f"INSERT INTO CLIE01 (CLAVE, STATUS, PROSPECTO, CON_CREDITO) VALUES ('{key}', 'A', 'N', 'N')" for key in ("P", "Q")),
        *(f"INSERT INTO INVE01 (CVE_ART, STATUS, TIPO_ELE) VALUES ('{key}', 'A', 'P')" for key in ("P", "Q")),
        "INSERT INTO CVES_ALTER01 (CVE_ART, CVE_ALTER, TIPO) VALUES ('Q', '751', 'N')",
    )
    odd = {
        "product_line L": "UPDATE CLIN01 SET STATUS = 'X' WHERE CVE_LIN = 'L'",
        "tax_scheme 2": "UPDATE IMPU01 SET STATUS = 'X' WHERE CVE_ESQIMPU = 2",
        "currency 1": "UPDATE MONED01 SET STATUS = 'X' WHERE NUM_MONED = 1",
        "product A": "UPDATE INVE01 SET STATUS = 'X' WHERE CVE_ART = 'A'",
        "product P": "UPDATE INVE01 SET TIPO_ELE = 'X' WHERE CVE_ART = 'P'",
        "product Q": "UPDATE CVES_ALTER01 SET TIPO = 'X' WHERE CVE_ART = 'Q'",
        "customer 7": "UPDATE CLIE01 SET STATUS = 'X' WHERE CLAVE = '         7'",
        "customer P": "UPDATE CLIE01 SET PROSPECTO = 'X' WHERE CLAVE = 'P'",
        "customer Q": "UPDATE CLIE01 SET CON_CREDITO = 'X' WHERE CLAVE = 'Q'",
    }
    site.sql(*odd.values())
    site.begin(MemoryLog())
    published = site.published("compare")
    others = {"product_line M", "tax_scheme 1", "currency 2", "product B", "product C", "customer 8", "stock.1 A", "stock.1 B"}
    assert published.keys() == others
    assert {" ".join(row) for row in refused(site)} == odd.keys()
    told = str(unpublished(site.heartbeat()))
    assert told.count("which is none of") == site.heartbeat().unpublished_count == len(odd)
    assert site.incomplete() == {place.partition(" ")[0] for place in odd}
    site.sql(*(one.replace("'X'", "'P'" if "TIPO_ELE" in one else "'A'" if "STATUS" in one else "'N'") for one in odd.values()))
    assert site.published().keys() == odd.keys()
    assert site.agrees()
    assert (refused(site), site.heartbeat().complete) == ([], True)
