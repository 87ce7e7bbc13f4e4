"""What an engine reports beyond `foundation.errors`."""

from foundation.errors import ConfigError, RetryableError
from foundation.texts import Text, text


class RowInLimbo(RetryableError):
    """A row waits for a transaction of two databases that was prepared and is neither committed nor rolled back.

    `transaction` is its number, None where the engine does not tell it.
    """

    def __init__(self, text: Text, transaction: int | None = None) -> None:
        super().__init__(text)
        self.transaction = transaction


class LockConflict(RetryableError):
    """Another transaction holds what this one wanted to write."""


class MissingName(ConfigError):
    """A statement names a table or a column that is not there."""


class StatementEnded(RetryableError):
    """The server ended a statement of ours: by its time limit, or an administrator did."""


class Unmet(RetryableError):
    """A `Prior` that is required found no row: nothing after it was done. `place` is which one of the statements it is."""

    def __init__(self, place: int) -> None:
        super().__init__(text("what a transaction relies on is no longer so"))
        self.place = place
