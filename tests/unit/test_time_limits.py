"""The table of time limits for users says what the settings do."""

import re
from pathlib import Path

from pydantic import BaseModel

from puente.config.model import CajaSettings, KafkaLogSettings, RunSettings, SaeSettings

PAGE = Path(__file__).parent.parent.parent / "docs" / "time-limits.md"
TABLES: dict[str, type[BaseModel]] = {"sae": SaeSettings, "caja": CajaSettings, "log": KafkaLogSettings, "run": RunSettings}
NO_LIMITS = {"sae.poll_seconds", "sae.reconcile_seconds"}
"""How often something is done."""


def documented() -> dict[str, float]:
    found = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        for setting in re.findall(r"`(\w+\.\w+_seconds)`", cells[1] if len(cells) > 2 else ""):
            found[setting] = float(cells[2])
    return found


def settings() -> dict[str, float]:
    named = {f"{table}.{name}": field.default for table, model in TABLES.items() for name, field in model.model_fields.items()}
    return {name: default for name, default in named.items() if name.endswith("_seconds") and name not in NO_LIMITS}


def test_every_time_limit_stands_in_the_page_with_its_default() -> None:
    assert documented() == settings()
