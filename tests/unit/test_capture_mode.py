"""Which mode reads SAE, by the settings and by what its engine tells."""

import pytest

from foundation.engines import open_database
from foundation.errors import ConfigError
from producer.capture.compare import CompareCapture
from producer.capture.record_version import VersionCapture
from producer.sae.port import SqlSae
from producer.sae.tables import KEYS, Clin
from puente.config import SaeSettings
from puente.wiring.producing import mode_of

URL = "firebird+firebird://u:p@erp/sae.fdb"


def settings(capture: str) -> SaeSettings:
    return SaeSettings.model_validate({"url": URL, "capture": capture})


def sae(*, tells: bool) -> SqlSae:
    """One that was never connected to."""
    made = SqlSae(open_database(URL), "01")
    made.exact = frozenset(KEYS.keys() - {Clin}) if tells else frozenset()
    return made


@pytest.mark.parametrize(
    ("capture", "tells", "mode"),
    [
        ("auto", True, VersionCapture),
        ("auto", False, CompareCapture),
        ("compare", True, CompareCapture),
        ("compare", False, CompareCapture),
        ("record-version", True, VersionCapture),
    ],
)
def test_the_best_mode_is_taken_unless_the_settings_name_one(capture: str, tells: bool, mode: type) -> None:
    assert mode_of(settings(capture), sae(tells=tells)) is mode


def test_a_mode_that_the_engine_does_not_have_is_refused_with_the_remedy() -> None:
    with pytest.raises(ConfigError, match=r'erp.*a key of its own.*"auto"'):
        mode_of(settings("record-version"), sae(tells=False))
