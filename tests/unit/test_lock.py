"""requirements.lock pins all that is installed, in the form in which pip asks for it."""

from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement

LOCK = Path(__file__).parents[2] / "requirements.lock"


def test_what_is_asked_for_with_an_extra_is_pinned_with_it() -> None:
    # Otherwise pip 23 looks for the newest of it, and `make` fails on the day on which there is a newer one than the lock's.
    lines = [line.removesuffix("\\").strip() for line in LOCK.read_text().splitlines() if line[:1].isalnum()]
    pinned = {pin.name: pin.extras for pin in map(Requirement, lines)}
    asked = [
        (distribution.name, wanted)
        for distribution in distributions()
        for wanted in map(Requirement, distribution.requires or [])
        if wanted.extras and (wanted.marker is None or wanted.marker.evaluate({"extra": ""}))
    ]
    assert asked
    assert [f"{name} asks for {wanted}" for name, wanted in asked if not wanted.extras <= pinned.get(wanted.name, set())] == []
