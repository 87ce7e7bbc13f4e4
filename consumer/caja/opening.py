"""What a writing transaction of a CAJA does first: it proves that its writer holds the lease, and that CAJA's switches are as known."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from consumer.caja.port import Switches
from consumer.ledger import tables
from consumer.ledger.rows import progress_values
from consumer.ledger.state import Progress
from consumer.mapping.profile import Profile
from foundation.engines.writing import Prior
from foundation.eventlog.port import Topic

NOW = sa.func.current_timestamp()
"""By the clock of the database's server."""
ONE = sa.literal_column("1", sa.Integer)
TOKEN, TOPIC = "token", "of_topic"
LETTERS = sa.String(60)

_lease, _positions = tables.lease.c, tables.positions.c
BEAT = (
    sa.update(tables.lease)
    .where(_lease.ID == ONE, _lease.FENCING_TOKEN == sa.bindparam(TOKEN))
    .values(HEARTBEAT=_lease.HEARTBEAT + ONE, HEARTBEAT_AT=NOW)
)
_VALUES = {column.name: sa.bindparam(f"its_{column.name.lower()}", type_=column.type) for column in _positions if column.name != "TOPIC"}
MOVE = sa.update(tables.positions).where(_positions.TOPIC == sa.bindparam(TOPIC)).values(_VALUES)
PLACE = sa.insert(tables.positions).values(TOPIC=sa.bindparam(TOPIC), **_VALUES)


def beat(token: str) -> Prior:
    """Touches the lease of whom this token is."""
    return Prior(statement=BEAT, values={TOKEN: token}, required=True)


def saved(topic: Topic, progress: Progress) -> Prior:
    """Keeps how far a topic was applied."""
    values = {f"its_{name.lower()}": value for name, value in progress_values(progress, datetime.now(UTC)).items()}
    return Prior(statement=MOVE, values={TOPIC: topic, **values}, otherwise=PLACE)


class Unchanged:
    """Finds CAJA's parameters as they are known."""

    def __init__(self, profile: Profile) -> None:
        p = profile.parameters
        self._switches = (p.interface, p.stock_changes, p.tax_included)
        name, value = (sa.func.trim(sa.column(column, LETTERS)) for column in (p.name, p.value))
        table = sa.table(p.table)
        found = [sa.bindparam(f"name{n}", type_=LETTERS) for n in range(len(self._switches))]
        wanted = [sa.bindparam(f"value{n}", type_=LETTERS) for n in range(len(self._switches))]
        each = [sa.exists(sa.select(ONE).select_from(table).where(name == of, value == to)) for of, to in zip(found, wanted, strict=True)]
        others = sa.exists(
            sa.select(ONE)
            .select_from(table)
            .where(sa.or_(*(sa.and_(name == of, sa.or_(value.is_(None), value != to)) for of, to in zip(found, wanted, strict=True))))
        )
        self._statement: sa.Select[Any] = sa.select(ONE).select_from(tables.lease).where(*each, sa.not_(others))

    def prior(self, known: Switches) -> Prior:
        """Of a name that stands there twice each must be so."""
        states = (known.interface, known.stock_changes, known.tax_included)
        values: dict[str, Any] = {}
        for n, (switch, is_on) in enumerate(zip(self._switches, states, strict=True)):
            values |= {f"name{n}": switch.name, f"value{n}": switch.yes if is_on else switch.no}
        return Prior(statement=self._statement, values=values, required=True)


def without_proof(prior: Sequence[Prior]) -> list[Prior]:
    """All that change something."""
    return [one for one in prior if not isinstance(one.statement, sa.Select)]
