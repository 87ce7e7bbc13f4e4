"""What firebird-driver shares between threads, and must not.

It asks for the engine's version, once per connection, through one object for all of them, which holds the connection that is asked and the
buffer of the answer: of two threads that connect at the same time one fails, takes the other's answer, or writes into memory that is gone.
Written against firebird-driver 2.1.
"""

from firebird.driver import core


class _OneForEach:
    """Stands in for the shared object: each question has one of its own, new, whose method it is."""

    def __getattr__(self, name: str) -> object:
        return getattr(core.EngineVersionProvider("utf8"), name)


def separate() -> None:
    """From now on no two threads meet there."""
    core._engine_version_provider = _OneForEach()  # noqa: SLF001 - there is no public way
