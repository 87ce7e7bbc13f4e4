"""What an engine reports beyond `foundation.errors`."""

from foundation.errors import RetryableError


class RowInLimbo(RetryableError):
    """A row waits for a transaction of two databases that was prepared and is neither committed nor rolled back."""


class LockConflict(RetryableError):
    """Another transaction holds what this one wanted to write."""


class StatementEnded(RetryableError):
    """The server ended a statement of ours: by its time limit, or an administrator did."""
