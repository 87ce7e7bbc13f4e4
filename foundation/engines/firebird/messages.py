"""Firebird's messages as they were meant: the driver reads them in the system's encoding, and the server writes them in the connection's.

Those that name a file stand in the server's system's encoding, today UTF-8 nearly everywhere. Written against firebird-driver 2.1.
"""

from ctypes import create_string_buffer
from typing import Any

from firebird.driver.interfaces import iUtil

from foundation.engines.firebird.text import from_bytes

LONGEST = 1024


def legible() -> None:
    """From now on the text of an error keeps its accents."""
    iUtil.format_status = _format_status


def _format_status(self: Any, status: Any, encoding: str = "utf-8") -> str:
    buffer = create_string_buffer(LONGEST)
    self.vtable.formatStatus(self, buffer, LONGEST, status)
    try:
        return buffer.value.decode(encoding)
    except UnicodeDecodeError:
        return from_bytes(buffer.value)
