"""Histories that are kept: for each rule one that does harm without it, and the kind of harm.

`ANYWHERE` stands for every number of calls after which a process may be stopped: the harm needs one of them, and which one changes with the
product. A name of two rules means that either does alone: the harm needs both to be gone.
"""

from collections.abc import Iterator

from tests.simulation.history import History
from tests.simulation.operations import Operation

ANYWHERE = -1
CALLS = range(1, 60)
LINE, CUSTOMER, PRODUCT, ALTERNATE, PRICE, STOCK, SCHEME = range(7)
CUSTOMERS, STOCK_TOPIC = 3, 4
"""Places among the topics."""


def edit(table: int, key: int, n: int) -> Operation:
    return ("edit", table, key, n)


def delete(table: int, key: int) -> Operation:
    return ("delete", table, key, 0)


def topic(name: str, number: int) -> Operation:
    """What happens to one topic."""
    return (name, number, 1 if name == "make topic again" else 0, 0)


PRODUCE: Operation = ("produce", 0, 0, 0)
APPLY: Operation = ("consume all", 4, 0, 0)
CONSUME: Operation = ("consume", 0, 0, 0)
COMPACT: Operation = ("compact", 0, 0, 0)
LOCK_C1: Operation = ("lock", 6, 0, 0)
C1, C2, C3 = edit(CUSTOMER, 0, 1), edit(CUSTOMER, 2, 1), edit(CUSTOMER, 3, 1)
C1_AGAIN, C2_AGAIN, C3_AGAIN = edit(CUSTOMER, 0, 2), edit(CUSTOMER, 2, 2), edit(CUSTOMER, 3, 2)
P1, P1_STOCK = edit(PRODUCT, 0, 1), edit(STOCK, 0, 1)
GONE_C1, GONE_C2 = delete(CUSTOMER, 0), delete(CUSTOMER, 2)
AT_WORK = (PRODUCE, APPLY, APPLY)
"""Everything is there, and the first sweep is done."""
STALE = (PRODUCE, C3, ("fail append", 2, 0, 0), PRODUCE, PRODUCE, C3_AGAIN, PRODUCE)
"""An event is still on its way when its key has another one already."""
CUT: Operation = topic("cut", CUSTOMERS)
CUT_THREE: Operation = ("cut", CUSTOMERS, 2, 0)
OTHER_POLICY: Operation = ("policy", 1, 0, 1)
KILL: Operation = ("kill consumer", 0, 0, 0)
BACK = (CONSUME, ("wait", 0, 0, 0), *[CONSUME] * 6)
"""The next process of the first CAJA, once the last one's heart is seen to have stopped."""
NEW_LEDGER: tuple[Operation, ...] = (("renew ledger", 0, 1, 0),)
"""That of the second CAJA, which knows nothing of the log from then on."""
CONSUME_NORTE: Operation = ("consume", 0, 1, 0)
L1, L2 = edit(LINE, 0, 1), edit(LINE, 1, 1)
GONE_AGAIN = (L1, L2, *AT_WORK, delete(LINE, 1), PRODUCE, APPLY, delete(LINE, 0), topic("cut", 0), APPLY, PRODUCE, PRODUCE, APPLY, APPLY)
"""The log lost a tombstone that CAJA has seen; now there are two deletes, too many for one pass, and both are held."""
DOUBTED = (
    *(C1, C2, C3, *AT_WORK, delete(CUSTOMER, 3), PRODUCE, APPLY, GONE_C1, topic("cut", CUSTOMERS), APPLY, PRODUCE, PRODUCE),
    *(CONSUME, CONSUME, CONSUME),
)
"""The same; the resync that follows has written one part of two."""
PRICED = (
    *(edit(SCHEME, 0, 1), edit(PRODUCT, 0, 1), edit(PRODUCT, 2, 1), edit(PRICE, 0, 1), edit(PRICE, 1, 1)),
    *(edit(ALTERNATE, 0, 1), edit(ALTERNATE, 2, 1)),
)
"""Two products with all that a mass change may take."""
BOTH_PRODUCERS, BOTH_CONSUMERS = ("end", 4, 0, 0), ("end", 12, 0, 0)

_NOT_SAE, _CAJA, _GONE, _SWEPT = "I1 log is not SAE", "I2 CAJA is not SAE", "I2 active but gone from SAE", "I4 swept though SAE has it"
_OLDER = "I3 older over newer"

OF_PRODUCER: dict[str, tuple[str, History]] = {
    "failure_starts_over": (_NOT_SAE, (C1, PRODUCE, topic("make topic again", CUSTOMERS))),
    "new_connection_starts_over": (
        _NOT_SAE,
        (C1, PRODUCE, ("back up sae", 0, 0, 0), C2, PRODUCE, PRODUCE, ("restore sae", 0, 1, 0), C3, PRODUCE),
    ),
    "start_says_incomplete": (
        _SWEPT,
        (
            *(C1, *AT_WORK, topic("make topic again", CUSTOMERS), *NEW_LEDGER, *[CONSUME_NORTE] * 9),
            *(PRODUCE, ("produce", ANYWHERE, 0, 0), *[CONSUME_NORTE] * 2),
        ),
    ),
    "producer_checks_last": (_NOT_SAE, (*STALE, topic("cut", CUSTOMERS), ("land", 0, 0, 0))),
    "producer_checks_identity, producer_checks_last": (_NOT_SAE, (C1, PRODUCE, topic("make topic again", CUSTOMERS))),
    "acknowledged_is_read_back": (_NOT_SAE, (C1, PRODUCE, C3, ("produce", ANYWHERE, 0, 0), topic("cut", CUSTOMERS))),
    "foreign_events_enter_view": (_NOT_SAE, (*STALE, ("land", 0, 0, 0))),
    "foreign_keys_checked_again": (_NOT_SAE, (*STALE, ("land", 0, 0, 0))),
    # A heartbeat of somebody who was followed comes last; short ones repeat the one below it.
    "late_word_is_covered": (
        "L sweep never comes",
        (PRODUCE, ("produce elsewhere", ANYWHERE, 3, 0), ("kill producer", 0, 0, 0), PRODUCE, ("consume all", 1, 0, 0), BOTH_PRODUCERS),
    ),
    # A transaction that began first commits last: its number is below that of every snapshot, and equal to the mark.
    "mark_is_oat_of_own_snapshot": (_NOT_SAE, (C1, PRODUCE, ("begin", 0, 0, 0), ("write", CUSTOMER, 0, 2), PRODUCE, ("commit", 0, 0, 0))),
    "mark_ge": (_NOT_SAE, (C1, PRODUCE, ("begin", 0, 0, 0), ("write", CUSTOMER, 0, 2), PRODUCE, ("commit", 0, 0, 0))),
    "gate_needs_to_be_alone": (_NOT_SAE, (C1, PRODUCE, ("begin", 0, 0, 0), ("write", CUSTOMER, 0, 2), PRODUCE, PRODUCE)),
    "gate_needs_who_ran_to_run": (
        _NOT_SAE,
        (C1, PRODUCE, ("begin", 0, 0, 0), ("write", CUSTOMER, 0, 2), PRODUCE, PRODUCE, ("commit", 0, 0, 0), PRODUCE),
    ),
    # One began when it had been asked who runs, and before the snapshot.
    "list_is_of_just_before": (
        _NOT_SAE,
        (
            *(C1, PRODUCE, ("begin", 0, 0, 0), PRODUCE, ("roll back", 0, 0, 0), ("produce", ANYWHERE, 0, 0)),
            *(("begin", 0, 0, 0), ("write", CUSTOMER, 0, 2), PRODUCE, ("commit", 0, 0, 0), PRODUCE),
        ),
    ),
    "counter_stands_still": (_NOT_SAE, (C1, PRODUCE, PRODUCE, C2, PRODUCE)),
    "marks_last, failure_starts_over": (_NOT_SAE, (C1, PRODUCE, C3, ("fail append", 0, 0, 0), PRODUCE)),
    "version_differs": (
        _NOT_SAE,
        (C3, PRODUCE, ("begin", 0, 0, 0), C1, PRODUCE, ("write", CUSTOMER, 0, 2), ("commit", 0, 0, 0), PRODUCE),
    ),
    "deletes_by_count": (_NOT_SAE, (C1, PRODUCE, GONE_C1)),
    "count_every_table": (_NOT_SAE, (P1, edit(ALTERNATE, 0, 0), PRODUCE, delete(ALTERNATE, 0))),
    "mass_change": ("I8 more deleted at once than is usual", (C1, C2, PRODUCE, GONE_C1, GONE_C2)),
    "mass_change_of_updates": ("I8 more inactive at once than is usual", (C1, C2, PRODUCE, ("mass change", 1, 1, 0))),
    "mass_change_of_prices_gone": ("I8 more price-gone at once than is usual", (*PRICED, PRODUCE, ("mass change", 3, 0, 0))),
    "mass_change_of_prices_moved": ("I8 more price-moved at once than is usual", (*PRICED, PRODUCE, ("mass change", 3, 2, 0))),
    "mass_change_of_codes": ("I8 more code-gone at once than is usual", (*PRICED, PRODUCE, ("mass change", 4, 0, 0))),
    "mass_change_of_taxes": ("I8 more tax-gone at once than is usual", (*PRICED, PRODUCE, ("mass change", 5, 0, 0))),
    # Three go one after the other: the third counts with the two that wait.
    "held_counts_with_new": (_NOT_SAE, (C1, C2, C3, PRODUCE, GONE_C1, GONE_C2, PRODUCE, delete(CUSTOMER, 3), PRODUCE)),
    # One of two comes back; the other is few, and goes.
    "few_that_are_left_go": (_NOT_SAE, (C1, C2, PRODUCE, GONE_C1, GONE_C2, PRODUCE, C1, PRODUCE)),
    # The log lost what CAJA shows, and holds something older of a customer who is one of those made inactive.
    "held_updates_are_named": (
        _OLDER,
        (
            *(C1, C2, *AT_WORK, C1_AGAIN, PRODUCE, APPLY, edit(CUSTOMER, 0, 6), edit(CUSTOMER, 2, 6), CUT, APPLY),
            *(PRODUCE, PRODUCE, APPLY, APPLY),
        ),
    ),
    "another_sae_is_refused": ("I9 another SAE in the log", (C1, PRODUCE, ("another sae", 0, 0, 0), PRODUCE, PRODUCE)),
    "each_session_is_recognised": ("I9 another SAE in the log", (C1, PRODUCE, PRODUCE, ("another sae", 0, 1, 0), PRODUCE, PRODUCE)),
    "newest_claim_wins": ("I6 two producers", (PRODUCE, ("produce elsewhere", 0, 3, 0), BOTH_PRODUCERS)),
    "standby_waits": ("L never at rest", (PRODUCE, BOTH_PRODUCERS)),
}

OF_LOG: dict[str, tuple[str, History]] = {
    "compaction_lag": (_GONE, (C1, PRODUCE, C2, *AT_WORK, GONE_C1, PRODUCE, C3, PRODUCE, COMPACT, ("cut", CUSTOMERS, 1, 0))),
    # The long topic is compacted for the first time while a resync stands in the middle of it.
    "late_first_compaction": (
        _GONE,
        (
            *(C1, C2, PRODUCE, C3, *AT_WORK, GONE_C1, PRODUCE, edit(CUSTOMER, 2, 2), PRODUCE),
            *(("days", 3, 0, 0), CONSUME, CONSUME, CONSUME, COMPACT),
        ),
    ),
}

OF_READING: dict[str, tuple[str, History]] = {
    "consumer_checks_last": (_GONE, (C1, C2, *AT_WORK, topic("cut", CUSTOMERS), GONE_C2, C3)),
    "consumer_checks_identity, consumer_checks_last": (
        _CAJA,
        (C1, C2, *AT_WORK, GONE_C2, topic("make topic again", CUSTOMERS), PRODUCE, PRODUCE, C3, PRODUCE),
    ),
    "position_outside_log": (_GONE, (C1, C2, *AT_WORK, topic("cut", CUSTOMERS), GONE_C2)),
    "missing_last_is_resync": (
        _GONE,
        (
            *(C1, C2, *AT_WORK, topic("cut", CUSTOMERS), GONE_C2, C3, PRODUCE, PRODUCE, C3_AGAIN, PRODUCE),
            *(edit(CUSTOMER, 3, 3), PRODUCE, ("days", 0, 0, 0), COMPACT),
        ),
    ),
    "tombstone_age_rule": (
        _GONE,
        (C1, C2, *AT_WORK, GONE_C1, PRODUCE, C3, PRODUCE, ("days", 0, 0, 0), COMPACT, ("days", 3, 0, 0), COMPACT),
    ),
    "tombstone_age_of_the_topic": (
        _GONE,
        (
            *(C1, C2, *AT_WORK, topic("keep tombstones for a day", CUSTOMERS), GONE_C1, PRODUCE, C3, PRODUCE),
            *(("days", 0, 0, 0), COMPACT, ("days", 0, 0, 0), COMPACT),
        ),
    ),
    # Stock is left unread while «Cambio a existencias» is off; the other topics are read all the time.
    "age_since_end_reached": (
        _GONE,
        (
            *(P1, P1_STOCK, edit(STOCK, 1, 1), *AT_WORK, ("switch stock", 0, 0, 0), delete(STOCK, 0), PRODUCE, edit(STOCK, 2, 1), PRODUCE),
            *(("days", 0, 0, 0), COMPACT, APPLY, ("days", 2, 0, 0), APPLY, ("days", 2, 0, 0), APPLY, COMPACT, ("switch stock", 0, 0, 0)),
        ),
    ),
    "fingerprint": (_GONE, (*AT_WORK, PRODUCE, APPLY, ("policy", 0, 0, 1))),
    "fold_newest": (_CAJA, (C3, *AT_WORK, C1, PRODUCE, C1_AGAIN, PRODUCE)),
    "resync_folds_whole_topic": (_OLDER, (C1, C2, C3, PRODUCE, C1_AGAIN, *AT_WORK, ("resync", 0, 0, 0))),
    "resync_compares_real_row": (_CAJA, (edit(LINE, 0, 1), *AT_WORK, ("edit by hand", 9, 0, 0))),
    "resync_clears_waiting": (
        "I5 something old is waiting",
        (P1_STOCK, *AT_WORK, delete(STOCK, 0), topic("make topic again", STOCK_TOPIC)),
    ),
    "resync_drops_unseen_ledger_rows": (_GONE, (P1, P1_STOCK, *AT_WORK, delete(STOCK, 0), topic("make topic again", STOCK_TOPIC))),
    "other_history_waits_for_word": (_OLDER, (C1, *AT_WORK, C1_AGAIN, PRODUCE, APPLY, CUT, APPLY)),
    "history_before_other_reasons": (_OLDER, (C1, *AT_WORK, C1_AGAIN, PRODUCE, APPLY, OTHER_POLICY, CUT, *BACK)),
    # It is cut once more, between the producer's heartbeat and the reading.
    "resync_reads_what_was_known": (
        _OLDER,
        (
            *(C1, *AT_WORK, C1_AGAIN, PRODUCE, APPLY, CUT, CONSUME, CONSUME, PRODUCE, PRODUCE),
            *(("consume", ANYWHERE, 0, 0), CUT, *[CONSUME] * 4),
        ),
    ),
    "known_gone_waits": (_OLDER, GONE_AGAIN),
    "known_otherwise_waits": (
        _OLDER,
        (
            *(P1, edit(PRODUCT, 2, 1), PRODUCE, ("replace row", ALTERNATE, 0, 0), PRODUCE, ("replace row", PRODUCT, 2, 0)),
            *(*[CONSUME_NORTE] * 3, topic("cut", 2), delete(PRODUCT, 0)),
        ),
    ),
    # A copy of a CAJA forgets what it had applied; the log lost what its rows show, and both lines are to be deleted.
    "unknown_waits": (
        _OLDER,
        (
            *(edit(LINE, 0, 0), edit(LINE, 1, 1), PRODUCE, ("consume all", 2, 0, 0), edit(LINE, 1, 0), PRODUCE),
            *(("mass change", 2, 0, 0), CONSUME, ("clone caja", 0, 0, 0), topic("cut", 0)),
        ),
    ),
    "held_waits_for_word": (_OLDER, GONE_AGAIN),
    "held_goes_on_waiting": (_OLDER, (*GONE_AGAIN, ("resync", 0, 0, 0), APPLY, APPLY)),
    "doubt_is_saved": (_OLDER, (*DOUBTED, KILL, *BACK, CONSUME, CONSUME, CONSUME)),
    "asking_keeps_the_doubt": (_OLDER, (*DOUBTED, ("resync", 0, 0, 0), *[CONSUME] * 6)),
    # Killed and cut at once, when a part of what was read had gone in.
    "resync_saves_what_it_saw": (
        _OLDER,
        (
            *(C1, C2, C3, *AT_WORK, C1_AGAIN, C2_AGAIN, C3_AGAIN, PRODUCE, OTHER_POLICY),
            *(CONSUME, ("wait", 0, 0, 0), *[CONSUME] * 5, KILL, CUT_THREE, *BACK, CONSUME, CONSUME),
        ),
    ),
    "parts_save_positions": (
        _OLDER,
        (
            *(C1, C2, C3, *AT_WORK, C1_AGAIN, PRODUCE, edit(CUSTOMER, 0, 3), C2_AGAIN, C3_AGAIN, PRODUCE),
            *(("consume", ANYWHERE, 0, 0), KILL, CUT_THREE, *BACK),
        ),
    ),
    # A row that no event can hold keeps a topic from ever being complete.
    "compared_is_enough": (_CAJA, (P1, edit(PRODUCT, 2, 22), *AT_WORK, topic("cut", 2), edit(PRODUCT, 0, 2))),
    "resync_saves_position_last": (_CAJA, (C1, C2, C3, PRODUCE, CONSUME, CONSUME, CONSUME, ("kill consumer", 0, 0, 0))),
}

OF_WRITING: dict[str, tuple[str, History]] = {
    "guard_row": ("I6 two writers", (APPLY, ("resync", 3, 0, 0))),
    "ledger_names_caja": (
        "I6 wrote to a copy of another CAJA",
        (
            *AT_WORK,
            ("clone caja", 0, 0, 0),
            *[("consume", 0, 1, 0)] * 2,
            ("wait", 0, 0, 0),
            *[("consume", 0, 1, 0)] * 2,
            ("wait", 0, 0, 0),
            *[("consume", 0, 1, 0)] * 2,
        ),
    ),
    "switches_are_proved": (
        "I10 written while the interface is off",
        (C1, *AT_WORK, ("switch interface", 0, 0, 0), C1_AGAIN, PRODUCE, CONSUME),
    ),
    "adopting_keeps_stock": (
        _GONE,
        (
            *(edit(PRODUCT, 2, 0), edit(STOCK, 1, 0), PRODUCE, ("consume all", 0, 0, 0), APPLY, topic("cut", STOCK_TOPIC)),
            *(("clone caja", 0, 0, 0), delete(STOCK, 1)),
        ),
    ),
    "adopting_keeps_positions": (
        _OLDER,
        (C1, PRODUCE, C1_AGAIN, PRODUCE, APPLY, ("clone caja", 0, 0, 0), ("adopt", 0, 1, 0), CUT, *[CONSUME_NORTE] * 8),
    ),
    # The second process applies the next value; then SAE says what the first one remembers.
    "reload_ledger": (
        _CAJA,
        (C1, *AT_WORK, C1_AGAIN, PRODUCE, ("resync", 3, 0, 0), *[("consume", 0, 0, 3)] * 6, C1, PRODUCE, ("kill consumer", 3, 0, 0)),
    ),
    "waiting_is_never_equal": (_CAJA, (C1, *AT_WORK, LOCK_C1, C1_AGAIN, PRODUCE, APPLY, C1, PRODUCE, APPLY)),
    "park_missing_parent": ("I7 stock of a product that CAJA lacks", (P1_STOCK, *AT_WORK)),
    "parent_only_if_ticked": ("I5 waits without a cause (parent)", (P1_STOCK, ("policy", 3, 0, 1), *AT_WORK)),
    "park_unposted_sales": ("I7 stock over unposted sales", (P1, P1_STOCK, *AT_WORK, ("sell", 0, 0, 0), edit(STOCK, 0, 2), PRODUCE, APPLY)),
    "park_locked": (_CAJA, (C1, *AT_WORK, LOCK_C1, C1_AGAIN, PRODUCE, APPLY)),
    "park_rejected": (_CAJA, (("forbid customer", 0, 0, 0), C1, *AT_WORK)),
    "stock_written_again": (_CAJA, (P1, P1_STOCK, *AT_WORK, ("sell", 0, 0, 0), ("cancel sales", 0, 0, 0))),
    "totals_are_mended": ("I2 a total is not the sum", (P1, P1_STOCK, *AT_WORK, ("spoil total", 0, 0, 0))),
    "drift_respects_sales": ("I7 stock over unposted sales", (P1, P1_STOCK, *AT_WORK, ("wait", 2, 0, 0), ("sell", 0, 0, 0), APPLY)),
}

OF_SWEEP: dict[str, tuple[str, History]] = {
    "sweep": (_GONE, (C1, *AT_WORK, GONE_C1, topic("make topic again", CUSTOMERS))),
    "sweep_needs_complete": (
        _SWEPT,
        (
            *(C1, *AT_WORK, topic("make topic again", CUSTOMERS), *NEW_LEDGER, *[CONSUME_NORTE] * 9),
            *(PRODUCE, ("produce", ANYWHERE, 0, 0), *[CONSUME_NORTE] * 2),
        ),
    ),
    "sweep_needs_end_passed": (
        _SWEPT,
        (
            *(C1, *AT_WORK, topic("make topic again", CUSTOMERS), *NEW_LEDGER, *[CONSUME_NORTE] * 9),
            *(("consume", ANYWHERE, 1, 0), PRODUCE, PRODUCE, PRODUCE, CONSUME_NORTE),
        ),
    ),
    # The tail that was cut grew again by an event of somebody else; the heartbeat of before is complete, and its end is there.
    "sweep_needs_later_word": (_SWEPT, (C1, C2, *AT_WORK, CUT, ("garbage", 6, 0, 0), *NEW_LEDGER, *[CONSUME_NORTE] * 10)),
    "short_words_count": ("L sweep never comes", (C1, *AT_WORK, *NEW_LEDGER)),
    # The control topic loses its end, which everybody has heard, and grows again as far: the short heartbeats repeat another one.
    "heartbeats_are_one_lineage": (
        "L sweep never comes",
        (
            *(P1_STOCK, PRODUCE, ("consume all", 1, 0, 0), ("consume all", 1, 0, 0), ("fail append", 0, 1, 0), ("consume all", 1, 0, 0)),
            *(topic("cut", STOCK_TOPIC), edit(STOCK, 0, 0), PRODUCE, PRODUCE, ("consume all", 0, 0, 0), ("cut", 6, 1, 0)),
        ),
    ),
    # SAE has the product, but no event can say what it is now; the topic that held it as it was is made again.
    "sweep_spares_what_no_event_holds": (
        _SWEPT,
        (("policy", 0, 0, 1), P1, *AT_WORK, edit(PRODUCT, 0, 22), PRODUCE, topic("make topic again", 2)),
    ),
    "waiting_counts_as_seen": (
        _SWEPT,
        (
            *(C1, *AT_WORK, C1_AGAIN, PRODUCE, ("clone caja", 0, 0, 0), ("adopt", 0, 1, 0), ("lock", 6, 1, 0)),
            *(*[("consume", 0, 1, 0)] * 6, PRODUCE, ("wait", 0, 0, 0), *[("consume", 0, 1, 0)] * 4),
        ),
    ),
    "sweep_cap": (
        "I8 more swept than the cap",
        (C1, C2, C3, *AT_WORK, GONE_C1, GONE_C2, topic("make topic again", CUSTOMERS), PRODUCE, PRODUCE, APPLY, PRODUCE, APPLY),
    ),
    "sweep_can_be_allowed": ("L sweep never comes", (C1, C2, *AT_WORK, GONE_C1, GONE_C2, topic("make topic again", CUSTOMERS))),
}

KEPT = {**OF_PRODUCER, **OF_LOG, **OF_READING, **OF_WRITING, **OF_SWEEP}

ARGUED = {
    "marks_last": "A failed pass forgets all marks, and a killed process has none: alone it changes nothing (with the other gone it does).",
    "producer_checks_identity": "The last event's digest holds its run and capture time: no other topic has it at that place. Where no "
    "event was read nothing can be lost. (It spares a reading, and it stands in the word.)",
    "consumer_checks_identity": "The same.",
    "mark_of_first_snapshot": "A full comparison reads all of SAE in one snapshot: there is no second one.",
    "gate": "Spares the readings of a quiet SAE; without it the same is found.",
    "drop_same_hash": "Spares writing what is there; without it the same is written.",
}
"""Rules of the model that no history can miss in the product, and why."""


def spelt_out(history: History) -> Iterator[History]:
    """The history, once for each number that `ANYWHERE` stands for."""
    if all(ANYWHERE not in operation for operation in history):
        yield history
        return
    for calls in CALLS:
        yield [(name, calls if a == ANYWHERE else a, b, c) for name, a, b, c in history]
