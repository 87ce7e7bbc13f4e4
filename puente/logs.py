"""Log lines: an event with fields, for people or (`--json`) for machines. Ids, never what a row holds."""

import json
import logging
import sys
from datetime import UTC, datetime

from puente.texts import translate

FIELDS = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


def fields(record: logging.LogRecord) -> dict[str, object]:
    """What `extra` brought."""
    return {name: value for name, value in record.__dict__.items() if name not in FIELDS}


class PlainFormatter(logging.Formatter):
    """`12:30:01 INFO text · key=value`."""

    def format(self, record: logging.LogRecord) -> str:
        pairs = " ".join(f"{name}={value}" for name, value in fields(record).items())
        moment = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        line = f"{moment} {record.levelname} {translate(record.getMessage())}" + (f" · {pairs}" if pairs else "")
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {
            "time": moment,
            "level": record.levelname,
            "message": record.getMessage(),
            **fields(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def quiet_libraries() -> None:
    """kafka-python logs each attempt to connect as an error; what came of them all is told once, by the error that is raised."""
    logging.getLogger("kafka").setLevel(logging.CRITICAL)


def set_up(*, as_json: bool, verbose: bool) -> None:
    """Logs go to standard error; what other libraries log at INFO stays out."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if as_json else PlainFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("puente").setLevel(logging.DEBUG if verbose else logging.INFO)
