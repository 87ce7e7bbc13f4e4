"""What an engine reports beyond `puente.errors`."""

from puente.errors import RetryableError


class LockConflict(RetryableError):
    """Another transaction holds what this one wanted to write."""
