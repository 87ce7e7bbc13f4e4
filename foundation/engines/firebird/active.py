"""Which transactions run, by the engine's information call.

It begins a transaction of its own to see that, so it takes a number, and ends it before it answers. The driver's own function cuts the list
where more run than its buffer of 256 bytes holds, and says nothing. Written against firebird-driver 2.1.
"""
# ruff: noqa: SLF001 - nothing public of the driver takes a larger buffer

from ctypes import create_string_buffer

import firebird.driver
from firebird.driver import DbInfoCode

from foundation.engines.database import ActiveTransactions

ASKED = bytes([DbInfoCode.ACTIVE_TRANSACTIONS, DbInfoCode.NEXT_TRANSACTION])
BUFFER_BYTES = 16_384
"""For some 2,300 of them."""
_END, _TRUNCATED = 1, 2
"""`isc_info_end` and `isc_info_truncated` of Firebird's inf_pub.h."""


def active_transactions(connection: firebird.driver.Connection) -> ActiveTransactions | None:
    """None where there are more than the buffer holds; raises the driver's errors."""
    buffer = create_string_buffer(BUFFER_BYTES)
    connection._att.get_info(ASKED, buffer)
    return parse(buffer.raw)


def parse(answer: bytes) -> ActiveTransactions | None:
    """Each item: its code, the length of its number in two bytes, the number; little-endian."""
    numbers, newest, at = set(), 0, 0
    while answer[at] not in (_END, _TRUNCATED):
        end = at + 3 + int.from_bytes(answer[at + 1 : at + 3], "little")
        number = int.from_bytes(answer[at + 3 : end], "little")
        if answer[at] == DbInfoCode.NEXT_TRANSACTION:
            newest = number
        else:
            numbers.add(number)
        at = end
    return ActiveTransactions(newest, frozenset(numbers)) if answer[at] == _END else None
