"""Log lines: an event with fields, for people or (`--json`) for machines. Ids, never what a row holds."""

import json
import logging
import socket
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TextIO

from foundation.errors import ConfigError
from foundation.texts import text, translate

OWN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
FIELDS: Mapping[str, type] = {
    "action": str,
    "worker": str,
    "caja": str,
    "entity": str,
    "topic": str,
    "key": str,
    "keys": str,
    "column": str,
    "stores": str,
    "table": str,
    "warehouses": str,
    "reason": str,
    "detail": str,
    "kind": str,
    "command": str,
    "days": int,
    "count": int,
    "allowed": int,
    "written": int,
    "unchanged": int,
    "seconds": float,
    "total": int,
    "rate": int,
    "left_seconds": float,
    "gone": bool,
    "product_line": int,
    "tax_scheme": int,
    "currency": int,
    "product": int,
    "customer": int,
    "stock": int,
    "version": str,
    "settings": str,
    "sae": str,
    "log": str,
    "cajas": str,
    "exit_code": int,
}
"""Every field that a line may have besides time, level, message, host, version and exception, each of one type for good."""
MEGABYTE = 1_000_000


def fields(record: logging.LogRecord) -> dict[str, object]:
    """What `extra` brought."""
    return {name: value for name, value in record.__dict__.items() if name not in OWN}


class PlainFormatter(logging.Formatter):
    """`12:30:01 INFO text · key=value`; with the date where the line is kept and not looked at."""

    def __init__(self, *, dated: bool) -> None:
        super().__init__()
        self._moment = "%Y-%m-%d %H:%M:%S" if dated else "%H:%M:%S"

    def format(self, record: logging.LogRecord) -> str:
        pairs = " ".join(f"{name}={value}" for name, value in fields(record).items())
        moment = datetime.fromtimestamp(record.created).astimezone().strftime(self._moment)
        line = f"{moment} {record.levelname} {translate(record.getMessage())}" + (f" · {pairs}" if pairs else "")
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """One JSON object per line. `worker` is SAE, a CAJA, or `main`."""

    def __init__(self) -> None:
        super().__init__()
        self._here = {"host": socket.gethostname(), "version": version("puente")}

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {
            "time": moment,
            "level": record.levelname,
            "message": record.getMessage(),
            **self._here,
            "worker": "main" if record.threadName in (None, "MainThread") else record.threadName,
            **fields(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class _StandardError(logging.StreamHandler[TextIO]):
    """Whatever stands for it at the moment: where bars move, lines go above them."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr


def quiet_libraries() -> None:
    """kafka-python logs each attempt to connect as an error; what came of them all is told once, by the error that is raised."""
    logging.getLogger("kafka").setLevel(logging.CRITICAL)


def set_up(*, as_json: bool, verbose: bool) -> None:
    """Logs go to standard error; what other libraries log at INFO stays out."""
    handler = _StandardError()
    is_watched = sys.stderr is not None and sys.stderr.isatty()
    handler.setFormatter(JsonFormatter() if as_json else PlainFormatter(dated=not is_watched))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("puente").setLevel(logging.DEBUG if verbose else logging.INFO)


def keep(path: Path, *, as_json: bool, megabytes: float, files: int) -> None:
    """The same into a file, too; raises `ConfigError` where it cannot be written."""
    try:
        handler = RotatingFileHandler(path, maxBytes=int(megabytes * MEGABYTE), backupCount=files, encoding="utf-8")
    except OSError as error:
        raise ConfigError(text("The log file {path} cannot be written ({error})", path=path, error=error.strerror)) from error
    handler.setFormatter(JsonFormatter() if as_json else PlainFormatter(dated=True))
    logging.getLogger().addHandler(handler)
