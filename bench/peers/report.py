"""The record of a run as JSON, and as a page for people, with what has changed since the last one that was kept."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.peers.figures import Compared, compared, percentiles, taken
from bench.peers.trial import Found
from bench.report import Facts

BEGINNING = "peers-"


def last_kept(folder: Path, found: Sequence[Found]) -> Mapping[str, Any] | None:
    """The newest record in a folder that has any of these conditions."""
    named = {str(one.condition) for one in found}
    for path in sorted(folder.glob(f"{BEGINNING}*.json"), reverse=True):
        document: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if named & {one["named"] for one in document["found"]}:
            return document
    return None


def write(folder: Path, found: Sequence[Found], machine: Facts, now: datetime) -> Path:
    """Two files, named by date and time; the page is returned."""
    folder.mkdir(parents=True, exist_ok=True)
    document, before = record(found, machine, now), last_kept(folder, found)
    place = folder / f"{BEGINNING}{now:%Y-%m-%d-%H%M%S}"
    place.with_suffix(".json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    page = place.with_suffix(".md")
    page.write_text("\n".join([*_page(document, list(compared(found))), *_since(document, before)]) + "\n", encoding="utf-8")
    return page


def record(found: Sequence[Found], machine: Facts, now: datetime) -> dict[str, Any]:
    return {"date": now.isoformat(timespec="seconds"), "machine": dict(machine), "found": [_found(one) for one in found]}


def _found(one: Found) -> dict[str, Any]:
    cuts = percentiles(one.edits) if one.edits else []
    return {
        "condition": asdict(one.condition),
        "named": str(one.condition),
        "side": one.side,
        "figures": {phase: asdict(taken(one.condition, rounds)) for phase, rounds in one.phases.items()},
        "rounds": {phase: [asdict(used) for used in rounds] for phase, rounds in one.phases.items()},
        "edits": {"seconds": one.edits, **({"p50_ms": cuts[49], "p99_ms": cuts[98]} if cuts else {})},
    }


def _page(document: Mapping[str, Any], ratios: Sequence[Compared]) -> Iterator[str]:
    yield f"# Puente and its peers, {document['date']}\n"
    yield " · ".join(f"{name} {value}" for name, value in document["machine"].items()) + "\n"
    for named in dict.fromkeys(one["named"] for one in document["found"]):
        yield from _condition(named, [one for one in document["found"] if one["named"] == named])
    yield "\n## How many times the other's figure Puente's is\n"
    yield "| condition | phase | figure | against | ratio | target | |"
    yield "|---|---|---|---|---|---|---|"
    for one in ratios:
        told = {True: "reached", False: "**missed**", None: ""}[one.reached]
        yield f"| {one.condition} | {one.phase} | {one.figure} | {one.other} | {one.ratio:.2f} × | {one.target or ''} | {told} |"


def _condition(named: str, found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield f"\n## {named[0].upper()}{named[1:]}\n"
    yield "| | | rows/s (slowest – fastest round) | CPU s for 100,000 rows: client + server | memory MB |"
    yield "|---|---|---|---|---|"
    for one in found:
        for phase, of in one["figures"].items():
            rates = f"{of['rate']:,.0f} ({of['slowest']:,.0f} – {of['fastest']:,.0f})"
            yield f"| {one['side']} | {phase} | {rates} | {of['client']:.1f} + {of['server']:.1f} | {of['memory']:.0f} |"
    yield "\n| from the log to the row | edits | p50 ms | p99 ms | longest ms |"
    yield "|---|---|---|---|---|"
    for one in found:
        edits = one["edits"]
        if edits["seconds"]:
            longest = 1000 * max(edits["seconds"])
            yield f"| {one['side']} | {len(edits['seconds'])} | {edits['p50_ms']:.1f} | {edits['p99_ms']:.1f} | {longest:.1f} |"


def _since(document: Mapping[str, Any], before: Mapping[str, Any] | None) -> Iterator[str]:
    """What both runs measured; of a machine and an hour of its own each, so that a third more or less says little."""
    if before is None:
        return
    yield f"\n## Since {before['date']}, commit {before['machine'].get('commit', 'unknown')}\n"
    yield "| condition | side | figure | then | now | |"
    yield "|---|---|---|---|---|---|"
    then = dict(_comparable(before))
    for place, now in _comparable(document):
        if place in then:
            ratio = f"{now / then[place]:.2f} ×" if then[place] else ""
            yield f"| {' | '.join(place)} | {then[place]:,.1f} | {now:,.1f} | {ratio} |"


def _comparable(document: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str, str], float]]:
    for one in document["found"]:
        for phase, of in one["figures"].items():
            yield (one["named"], one["side"], f"{phase}, rows/s"), of["rate"]
            yield (one["named"], one["side"], f"{phase}, CPU s"), of["client"] + of["server"]
        for name in ("p50_ms", "p99_ms"):
            if name in one["edits"]:
                yield (one["named"], one["side"], f"edit, {name.replace('_', ' ')}"), one["edits"][name]
