"""`puente status --json` as programs read it: held against its schema each time."""

import json
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]

from puente.commands.status.document import SCHEMA
from tests.e2e.small_site import SmallSite

VALIDATOR = Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")), format_checker=FormatChecker())


@dataclass(frozen=True)
class Asked:
    """The document, and what the command exited with."""

    found: dict[str, Any]
    exit_code: int

    def caja(self, name: str) -> dict[str, Any]:
        return next(caja for caja in self.found["cajas"] if caja["name"] == name)

    @property
    def states(self) -> dict[str, str]:
        """Of SAE's producer and each CAJA."""
        return {"SAE": self.found["producer"]["state"], **{caja["name"]: caja["state"] for caja in self.found["cajas"]}}


def ask(site: SmallSite, *arguments: str) -> Asked:
    done = site.puente("status", "--json", *arguments)
    found = json.loads(done.stdout)
    assert [error.message for error in VALIDATOR.iter_errors(found)] == []
    assert found["exit_code"] == done.returncode
    return Asked(found, done.returncode)
