"""A text in a character set that is said, for expressions that compare columns of two of them."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import UserDefinedType

SERVED = ("ISO8859_1", "WIN1252", "NONE", "ASCII", "UTF8")
"""Of columns whose texts are read and written right."""
LIKE_THE_LEDGER = (None, "ISO8859_1", "NONE", "ASCII")
"""Character sets of columns whose texts are compared with the ledger's as they are."""


class Varchar(UserDefinedType[str]):
    """`length` in characters."""

    cache_ok = True

    def __init__(self, length: int, charset: str) -> None:
        self.length, self.charset = length, charset

    def get_col_spec(self, **_: Any) -> str:
        return f"VARCHAR({self.length}) CHARACTER SET {self.charset}"


def like(text: sa.ColumnElement[str], length: int, charset: str | None) -> sa.ColumnElement[str]:
    """A text of the ledger, whose bytes are those of CP1252, for a comparison with a column of this character set."""
    if charset in LIKE_THE_LEDGER:
        return text
    steps = ("NONE", "WIN1252") if charset == "WIN1252" else ("NONE", "WIN1252", str(charset))
    for step in steps:
        text = sa.cast(text, Varchar(length, step))
    return text
