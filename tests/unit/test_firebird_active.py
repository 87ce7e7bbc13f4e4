"""The engine's answer to the question who runs, taken apart."""

from firebird.driver import DbInfoCode

from foundation.engines.database import ActiveTransactions
from foundation.engines.firebird.active import parse

END, TRUNCATED = b"\x01", b"\x02"


def item(code: int, number: int, length: int = 4) -> bytes:
    return bytes([code]) + length.to_bytes(2, "little") + number.to_bytes(length, "little")


RUNS, NEWEST = DbInfoCode.ACTIVE_TRANSACTIONS, DbInfoCode.NEXT_TRANSACTION


def test_numbers_of_four_and_of_eight_bytes() -> None:
    answer = item(RUNS, 7) + item(RUNS, 2**40, length=8) + item(NEWEST, 2**40 + 3, length=8) + END
    assert parse(answer) == ActiveTransactions(2**40 + 3, frozenset({7, 2**40}))


def test_nobody_runs() -> None:
    assert parse(item(NEWEST, 9) + END) == ActiveTransactions(9, frozenset())


def test_more_than_there_was_room_for() -> None:
    assert parse(item(RUNS, 7) + item(RUNS, 8) + TRUNCATED) is None
