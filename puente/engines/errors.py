"""What an engine reports beyond `puente.errors`."""

from puente.errors import RetryableError


class LockConflict(RetryableError):
    """Another transaction holds what this one wanted to write."""


class StatementEnded(RetryableError):
    """The server ended a statement of ours: by its time limit, or an administrator did."""
