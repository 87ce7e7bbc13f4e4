"""What a CAJA's ledger and the log's ends mean: a state in one word, what is behind, and where it goes on."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from consumer.caja.port import Switches
from consumer.ledger.lease_row import Life
from consumer.ledger.parked import Parked, ParkedChanges, Reason
from consumer.ledger.state import Moment, PositionState, Progress, Sweep
from consumer.ledger.state import State as Ledger
from consumer.policies import Policies
from foundation.errors import ConfigError, ExitCode
from foundation.eventlog.lineage import Position
from foundation.eventlog.port import Offset, Topic, TopicId, TopicState
from foundation.texts import text
from puente.commands.heartbeat import ProducerState, ProducerStatus
from puente.commands.status.judge import Answer, Ends, judge
from puente.commands.status.model import CajaStatus, Lacks, State, Status
from schemas.entities import CATALOGUES, Entity, Subject
from schemas.keys import Key
from schemas.topics import Topics

TOPICS = Topics("puente", "01")
NOW = datetime(2026, 1, 2, tzinfo=UTC)
READ = [TOPICS.of(subject) for subject in (*map(Subject, CATALOGUES), Subject(Entity.STOCK, 1))]
ENDS = Ends(topics=TOPICS, states={topic: TopicState(topic_id=TopicId("i"), end=Offset(10)) for topic in READ})
PRODUCTS, STOCK = TOPICS.of(Subject(Entity.PRODUCT)), TOPICS.of(Subject(Entity.STOCK, 1))
LIVES = Life(token="t", holder="here (1)", beat_seconds=1.0, error=None, error_seconds=None)
FREE = Life(token=None, holder=None, beat_seconds=1.0, error=None, error_seconds=None)
NOBODY_EVER = Life(token=None, holder=None, beat_seconds=None, error=None, error_seconds=None)


def at(
    offset: int, state: PositionState = PositionState.FOLLOWED, fingerprint: str = "f", topic_id: str = "i", sweep: Sweep | None = None
) -> Progress:
    position = Position(TopicId(topic_id), Offset(offset), None)
    return Progress(position=position, end_reached=NOW, state=state, fingerprint=fingerprint, sweep=sweep)


ALL_READ = dict.fromkeys(READ, at(10))


def answer(progress: dict[Topic, Progress], life: Life = LIVES, **changed: object) -> Answer:
    given = Answer(
        policies=Policies(),
        warehouses={1: 1},
        switches=Switches(interface=True, stock_changes=True, tax_included=False),
        fingerprint="f",
        ledger=Ledger(progress=progress, hashes={}, parked=ParkedChanges(), ready_at=NOW),
        life=life,
        applied_at=None,
        left_out=(),
    )
    return replace(given, **changed)  # type: ignore[arg-type]


def judged(given: Answer, ends: Ends | None = ENDS) -> tuple[CajaStatus, dict[Topic, Offset] | None]:
    found = CajaStatus(name="centro")
    return found, judge(found, given, ends)


OFF = Switches(interface=False, stock_changes=True, tax_included=False)


@pytest.mark.parametrize(
    ("given", "state"),
    [
        (answer(ALL_READ), State.WORKING),
        (answer({**ALL_READ, PRODUCTS: at(9)}), State.CATCHING_UP),
        (answer({**ALL_READ, PRODUCTS: at(10, PositionState.RESYNC_ASKED)}), State.RESYNCING),
        (answer({**ALL_READ, PRODUCTS: at(10, topic_id="another")}), State.RESYNCING),
        (answer({}), State.RESYNCING),
        (answer(ALL_READ, switches=OFF), State.INTERFACE_OFF),
        (answer(ALL_READ, switches=OFF, policies=Policies(interface_required=False)), State.WORKING),
        (answer(ALL_READ, FREE), State.STOPPED),
        (answer(ALL_READ, replace(LIVES, beat_seconds=11.0)), State.STOPPED),
        (answer(ALL_READ, replace(LIVES, error="x", error_seconds=0.5)), State.FAILED),
        (answer(ALL_READ, replace(FREE, error="x", error_seconds=0.5)), State.FAILED),
        (answer(ALL_READ, replace(LIVES, error="x", error_seconds=5.0)), State.WORKING),
    ],
)
def test_the_state_in_one_word(given: Answer, state: State) -> None:
    assert judged(given)[0].state is state


@pytest.mark.parametrize("progress", [{}, {PRODUCTS: at(3, PositionState.RESYNC_UNFINISHED)}])
def test_a_caja_that_nobody_ever_finished_loading_was_never_loaded(progress: dict[Topic, Progress]) -> None:
    empty = answer(progress, NOBODY_EVER)
    found, going_on = judged(replace(empty, ledger=replace(empty.ledger, ready_at=None)))
    assert (found.state, found.behind, found.lacks) == (State.NEVER_LOADED, 10 * len(READ), Lacks.RESYNC)
    assert going_on == dict.fromkeys(READ, 0)


def test_what_is_behind_counts_from_where_the_ledger_is_sure() -> None:
    progress = {**ALL_READ, PRODUCTS: at(7), STOCK: at(9, topic_id="another")}
    found, going_on = judged(answer(progress))
    assert found.behind == 3 + 10
    assert going_on == {PRODUCTS: 7, STOCK: 0}


@pytest.mark.parametrize("state", [PositionState.RESYNC_UNFINISHED, PositionState.RESYNC_DOUBTFUL])
def test_in_the_midst_of_a_resync_nobody_knows_since_when_it_is_behind(state: PositionState) -> None:
    found, going_on = judged(answer({**ALL_READ, PRODUCTS: at(7, state)}))
    assert (found.behind, going_on) == (10, None)


def test_without_the_log_nothing_of_it_is_known() -> None:
    found, going_on = judged(answer(ALL_READ), None)
    assert (found.state, found.behind, going_on) == (State.WORKING, None, None)


def test_stock_that_is_not_read_is_not_behind() -> None:
    off = Switches(interface=True, stock_changes=False, tax_included=False)
    assert judged(answer({**ALL_READ, STOCK: at(0)}, switches=off))[0].behind == 0


@pytest.mark.parametrize(
    ("given", "lacks"),
    [
        (answer(ALL_READ, policies=Policies(entities=(Entity.PRODUCT,))), Lacks.ENTITIES),
        (answer({**ALL_READ, PRODUCTS: at(10, PositionState.RESYNC_ASKED)}), Lacks.RESYNC),
        (answer({**ALL_READ, PRODUCTS: at(10, sweep=Sweep(Moment(TopicId("i"), Offset(0)), held=70))}), Lacks.PERSON),
        (answer({**ALL_READ, PRODUCTS: at(10, sweep=Sweep(Moment(TopicId("i"), Offset(0))))}), Lacks.PRODUCER),
        (answer(ALL_READ), Lacks.CONSUMER),
    ],
)
def test_what_it_waits_for_until_it_is_ready(given: Answer, lacks: Lacks) -> None:
    assert judged(given)[0].lacks is None
    assert judged(replace(given, ledger=replace(given.ledger, ready_at=None)))[0].lacks is lacks


def test_what_is_parked_is_counted_by_reason_with_the_oldest_first() -> None:
    def change(key: str, minute: int, warehouse: int = 1) -> Parked:
        return Parked(
            subject=Subject(Entity.STOCK, warehouse),
            key=Key(key),
            reason=Reason.UNPOSTED_SALES,
            detail="sold",
            value=b"x",
            content_hash="h",
            since=NOW + timedelta(minutes=minute),
        )

    given = answer(ALL_READ)
    changes = ParkedChanges([*(change(f"P{minute}", minute) for minute in range(9, 0, -1)), change("X", 0, warehouse=2)])
    parked = judged(replace(given, ledger=replace(given.ledger, parked=changes)))[0].parked[Reason.UNPOSTED_SALES]
    assert (parked.count, parked.oldest) == (9, NOW + timedelta(minutes=1))
    assert [example.key for example in parked.first] == ["P1", "P2", "P3", "P4", "P5"]


def test_the_exit_code_is_the_gravest_and_a_lag_counts_where_somebody_set_a_limit() -> None:
    works = ProducerStatus(state=ProducerState.WORKING)
    late = CajaStatus(name="centro", state=State.WORKING, lag_seconds=61)
    assert Status(producer=works, cajas=[late]).exit_code() is ExitCode.OK
    assert Status(producer=works, cajas=[late]).exit_code(max_lag=60) is ExitCode.DOWN
    assert Status(producer=works, cajas=[replace(late, lag_seconds=None)]).exit_code(max_lag=60) is ExitCode.OK
    assert Status(producer=ProducerStatus(state=ProducerState.SILENT)).exit_code() is ExitCode.DOWN
    assert Status(producer=works, cajas=[replace(late, state=State.STOPPED)]).exit_code() is ExitCode.DOWN
    wrong = replace(late, state=State.FAILED, error=ConfigError(text("wrong")))
    assert Status(producer=works, cajas=[wrong]).exit_code() is ExitCode.CONFIG
