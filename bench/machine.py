"""What a result was measured on: without it, numbers say nothing."""

import os
import platform
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("fastavro", "firebird-driver", "firebird-embedded", "sqlalchemy", "kafka-python", "confluent-kafka")


def facts() -> Mapping[str, str | int | float]:
    return {
        "commit": _commit(),
        "cpu": _cpu(),
        "cores": cores(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "load": round(psutil.getloadavg()[0], 2),
        "system": platform.platform(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        **{package: version(package) for package in PACKAGES},
    }


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 0


def _cpu() -> str:
    known = Path("/proc/cpuinfo")
    if known.exists():
        for line in known.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _commit() -> str:
    """The commit, with a plus where the working tree differs from it."""
    git = shutil.which("git")
    if git is None:
        return "unknown"

    def told(*arguments: str) -> str:
        return subprocess.run([git, *arguments], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()

    return (told("rev-parse", "--short", "HEAD") or "unknown") + ("+" if told("status", "--porcelain", "--untracked-files=no") else "")
