"""The settings: `puente.toml`, read once and frozen. Every bad setting is reported at once, a secret is shown nowhere.

`${VAR}` stands for an environment variable, percent-encoded where it stands in a URL; `url_file` names a file that holds the URL.
Relative paths are relative to the settings' file.
"""

from puente.config.model import (
    CajaSettings,
    EmbeddedLogSettings,
    KafkaLogSettings,
    LogSettings,
    RunSettings,
    SaeSettings,
    Settings,
    StoreSettings,
)
from puente.config.reading import from_document, load

DEFAULT_FILE = "puente.toml"

__all__ = [
    "DEFAULT_FILE",
    "CajaSettings",
    "EmbeddedLogSettings",
    "KafkaLogSettings",
    "LogSettings",
    "RunSettings",
    "SaeSettings",
    "Settings",
    "StoreSettings",
    "from_document",
    "load",
]
