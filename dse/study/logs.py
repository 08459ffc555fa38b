"""The log of one worker: a file of bounded size that begins anew from time to time."""

from __future__ import annotations

import logging
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

from dse.errors import UserError

MAX_BYTES: Final = 5_000_000
BACKUPS: Final = 3
"""Older parts that are kept: NAME.log.1 is the newest of them."""
FORMAT: Final = "%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s: %(message)s"


def log_to(
    path: str | Path, *, max_bytes: int = MAX_BYTES, backups: int = BACKUPS
) -> logging.Handler:
    """Write this process's log to a file: ours from INFO, others' and warnings from WARNING.

    A file that is there is continued. Times are UTC, as workers may be anywhere. The same path
    again changes nothing.

    Args:
        max_bytes: where a file is full, the next one begins and the oldest of `backups` goes.

    Returns:
        What writes the file.

    Raises:
        UserError: the file cannot be written.
    """
    path = Path(path).absolute()
    root = logging.getLogger()
    for handler in root.handlers:
        if isinstance(handler, RotatingFileHandler) and handler.baseFilename == str(path):
            return handler
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(
            path, maxBytes=max_bytes, backupCount=backups, encoding="utf-8"
        )
    except OSError as error:
        raise UserError(f"--log {path}: cannot be written: {error.strerror}.") from None
    formatter = logging.Formatter(FORMAT, datefmt="%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    root.addHandler(handler)
    logging.getLogger("dse").setLevel(logging.INFO)
    logging.captureWarnings(True)
    return handler
