"""Page values as they are sent: made on a thread of their own, packed once for all who ask."""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from dse.dashboard.app.source import Source
from dse.dashboard.view import View
from dse.errors import UserError

PAUSE_SECONDS: Final = 2.0
"""A page is made anew at most so often."""
SHARE: Final = 0.5
"""Making pages takes at most this share of the time."""
_POLL: Final = 0.2
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Packed:
    """Something that is sent often: compressed, with a name of its content (`ETag`)."""

    body: bytes
    etag: str

    @classmethod
    def of(cls, content: bytes) -> Packed:
        """`content`, compressed."""
        body = gzip.compress(content, 6, mtime=0)
        return cls(body=body, etag=hashlib.sha256(content).hexdigest()[:20])

    @property
    def content(self) -> bytes:
        """As it was."""
        return gzip.decompress(self.body)


@dataclass(frozen=True, kw_only=True)
class Built:
    """A page as it is sent, and the view that it shows."""

    revision: str
    view: View
    packed: Packed


class Pages:
    """Makes the page again whenever the source has a new revision.

    Args:
        source: what is shown.
        make: the page value of a view, and what of the view it shows.
    """

    def __init__(self, source: Source, make: Callable[[View], tuple[dict[str, Any], View]]) -> None:
        self._source = source
        self._make = make
        self._built: Built | None = None
        self._problem: tuple[str, str] | None = None
        self._stop = threading.Event()

    def start(self) -> None:
        """Begin on a thread of its own."""
        threading.Thread(target=self._run, name="pages", daemon=True).start()

    def stop(self) -> None:
        """End it."""
        self._stop.set()

    @property
    def built(self) -> Built | None:
        """The newest page; None while the first is being made."""
        return self._built

    @property
    def problem(self) -> str | None:
        """Why the newest tables are not drawn; None if they are, or will be."""
        return self._problem[1] if self._problem else None

    def build(self) -> float:
        """Make the page if it is not of the newest revision; the seconds it took."""
        revision, view = self._source.view()
        failed = self._problem[0] if self._problem else None
        known = self._built.revision if self._built else None
        if not view.studies or revision in (known, failed):
            return 0.0
        began = time.monotonic()
        try:
            value, shown = self._make(view)
            value |= {"revision": revision}
            content = json.dumps(value, separators=(",", ":"), allow_nan=False).encode()
            self._built = Built(revision=revision, view=shown, packed=Packed.of(content))
            self._problem = None
        except UserError as error:
            self._problem = (revision, str(error))
        except Exception as error:  # a page that cannot be drawn must not end the app
            _log.exception("the page of revision %s cannot be drawn", revision)
            said = f"The newest results cannot be drawn ({type(error).__name__}: {error})."
            self._problem = (revision, said)
        return time.monotonic() - began

    def _run(self) -> None:
        while not self._stop.is_set():
            took = self.build()
            rest = max(PAUSE_SECONDS - took, took * (1 / SHARE - 1)) if took else _POLL
            self._stop.wait(rest)
