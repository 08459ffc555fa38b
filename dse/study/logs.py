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
    path: str | Path | None, *, max_bytes: int = MAX_BYTES, backups: int = BACKUPS
) -> logging.Handler:
    """Write this process's log to a file: ours from INFO, others' and warnings from WARNING.

    Times are UTC, as workers may be anywhere. Call it once a process.

    Args:
        path: a file that is there is continued; None is stderr, for machines that keep it.
        max_bytes: where a file is full, the next one begins and the oldest of `backups` goes.

    Returns:
        What writes the log.

    Raises:
        UserError: the file cannot be written.
    """
    handler = logging.StreamHandler() if path is None else _rotating(Path(path), max_bytes, backups)
    formatter = logging.Formatter(FORMAT, datefmt="%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.getLogger().addHandler(handler)
    logging.getLogger("dse").setLevel(logging.INFO)
    logging.captureWarnings(True)
    return handler


def _rotating(path: Path, max_bytes: int, backups: int) -> logging.Handler:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return RotatingFileHandler(path, maxBytes=max_bytes, backupCount=backups, encoding="utf-8")
    except OSError as error:
        raise UserError(f"--log {path}: cannot be written: {error.strerror}.") from None
