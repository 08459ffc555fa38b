"""A worker's log: lines with their time, on stderr or in a file that does not grow for ever."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

from dse.errors import UserError

MOST_BYTES: Final = 2**20
KEPT: Final = 3
"""So many older files of `MOST_BYTES` are kept beside the newest."""
LOGGER: Final = logging.getLogger("dse.worker")


def make_log(path: str | None) -> Callable[[str], None]:
    """What writes a line to the log.

    Raises:
        UserError: the file cannot be written.
    """
    for old in LOGGER.handlers[:]:
        LOGGER.removeHandler(old)
        old.close()
    LOGGER.addHandler(_handler(path))
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False
    return LOGGER.info


def _handler(path: str | None) -> logging.Handler:
    handler: logging.Handler
    if path is None:
        handler = logging.StreamHandler(sys.stderr)
    else:
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            handler = RotatingFileHandler(path, maxBytes=MOST_BYTES, backupCount=KEPT)
        except OSError as error:
            raise UserError(f"--log: {path}: cannot be written ({error.strerror}).") from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    return handler
