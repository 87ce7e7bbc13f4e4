"""One policy for everything that is tried again: what is down, busy or full, here and in the adapters.

Waits double from `first_seconds` up to `longest_seconds`; half of each is chance, so that many who failed together do not come back
together. `total_seconds` count from the first failure: what worked long before it failed has its retries still.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import sleep as sleep_now
from typing import Protocol, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_any, stop_when_event_set, wait_exponential, wait_random_exponential
from tenacity.stop import stop_base

from foundation.errors import Occupied, RetryableError

Result = TypeVar("Result")


def is_worth_it(error: BaseException) -> bool:
    return isinstance(error, RetryableError) and not isinstance(error, Occupied)


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Seconds; None: for as long as it takes."""

    first_seconds: float
    longest_seconds: float
    total_seconds: float | None
    is_worth_it: Callable[[BaseException], bool] = is_worth_it
    fixed: Callable[[BaseException], float | None] = lambda _error: None
    """How long an error is waited for that does not get better by waiting longer; None: as said above."""

    def wait(self, state: RetryCallState) -> float:
        """Seconds to wait after this failure."""
        fixed = self.fixed(error_of(state))
        if fixed is not None:
            return fixed
        half = {"multiplier": self.first_seconds / 2, "max": self.longest_seconds / 2}
        return wait_exponential(**half)(state) + wait_random_exponential(**half)(state)


ONCE = Policy(first_seconds=0.2, longest_seconds=5.0, total_seconds=20.0)
"""Of a command that is to come to an end."""


class Stopping(Protocol):
    """What may end the waiting."""

    event: threading.Event

    def sleep(self, seconds: float) -> None: ...


class _SinceFirstFailure(stop_base):
    """For one call."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._first = seconds, float("inf")

    def __call__(self, state: RetryCallState) -> bool:
        assert state.outcome_timestamp is not None
        self._first = min(self._first, state.outcome_timestamp)
        return state.outcome_timestamp - self._first >= self._seconds


def retrying(
    action: Callable[[], Result],
    *,
    policy: Policy = ONCE,
    stop: Stopping | None = None,
    on_retry: Callable[[BaseException], None] = lambda _error: None,
) -> Result:
    """Runs `action` until it succeeds, raises what waiting does not help, the policy's time is over or `stop` is asked for: then the last
    error comes out."""

    last: list[BaseException] = []

    def before_sleep(state: RetryCallState) -> None:
        last[:] = [error_of(state)]
        on_retry(last[0])

    def sleep(seconds: float) -> None:
        (sleep_now if stop is None else stop.sleep)(seconds)
        if stop is not None and stop.event.is_set():  # meanwhile: no further attempt, which may take long
            raise last[0]

    ends: list[stop_base] = [] if policy.total_seconds is None else [_SinceFirstFailure(policy.total_seconds)]
    return Retrying(
        retry=retry_if_exception(policy.is_worth_it),
        wait=policy.wait,
        stop=stop_any(*ends, *([] if stop is None else [stop_when_event_set(stop.event)])),
        sleep=sleep,
        before_sleep=before_sleep,
        reraise=True,
    )(action)


def error_of(state: RetryCallState) -> BaseException:
    """Of an attempt that failed."""
    error = state.outcome.exception() if state.outcome else None
    assert error is not None
    return error
