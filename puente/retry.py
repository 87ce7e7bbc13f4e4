"""One policy for everything that is worth trying again: what is down, busy or full."""

from collections.abc import Callable
from typing import TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_delay,
    stop_any,
    stop_when_event_set,
    wait_exponential_jitter,
)

from puente.errors import Occupied, RetryableError
from puente.loop import Stop

Result = TypeVar("Result")
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.2, 5.0
TOTAL_SECONDS = 20.0


def _is_worth_it(error: BaseException) -> bool:
    return isinstance(error, RetryableError) and not isinstance(error, Occupied)


def retrying(
    action: Callable[[], Result],
    *,
    stop: Stop,
    total_seconds: float = TOTAL_SECONDS,
    on_retry: Callable[[RetryableError], None] = lambda _error: None,
) -> Result:
    """Runs `action` until it succeeds, raises something else, or `total_seconds` have passed or `stop` is asked for: then the
    last error comes out."""

    def before_sleep(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, RetryableError):
            on_retry(error)

    return Retrying(
        retry=retry_if_exception(_is_worth_it),
        wait=wait_exponential_jitter(multiplier=FIRST_WAIT_SECONDS, max=LONGEST_WAIT_SECONDS),
        stop=stop_any(stop_after_delay(total_seconds), stop_when_event_set(stop.event)),
        sleep=stop.sleep,
        before_sleep=before_sleep,
        reraise=True,
    )(action)
