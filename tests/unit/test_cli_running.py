"""What `run --once` tells of its result."""

import pytest

from foundation.errors import RetryableError
from foundation.texts import text
from puente.cli.running import show
from puente.commands.run import CajaResult, Result


def down(what: str) -> RetryableError:
    return RetryableError(text("{label} cannot be reached", label=what))


def test_a_log_that_is_down_is_told_once_for_all_that_need_it(capsys: pytest.CaptureFixture[str]) -> None:
    cajas = [CajaResult(name=name, error=down(what)) for name, what in (("centro", "Kafka"), ("norte", "Kafka"), ("sur", "sur"))]
    show(Result(producer_error=down("Kafka"), cajas=cajas), as_json=False)
    assert capsys.readouterr().err.splitlines() == ["puente: Kafka cannot be reached", "puente: sur cannot be reached"]
