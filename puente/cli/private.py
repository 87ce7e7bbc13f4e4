"""A file that holds a password: nobody else may read it, whatever stood there before."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from foundation.errors import ConfigError
from foundation.texts import text

ONLY_ME = 0o600


def write_private(path: Path, content: str) -> None:
    """Writes a new file beside it and puts that in its place: there is no moment in which others may read it. Raises `ConfigError`.

    On Windows the new file has the rights of its folder.
    """
    made = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, ONLY_ME), "w", encoding="utf-8") as file:
            file.write(content)
        made.replace(path)
    except OSError as error:
        raise ConfigError(text("The file {path} cannot be written: {reason}", path=path, reason=error.strerror)) from error
    finally:
        with suppress(OSError):
            made.unlink()
