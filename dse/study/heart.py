"""A worker's sign of life: a thread that keeps its claim while it trains."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from dse.errors import UserError
from dse.store.records import ClaimedTrial
from dse.store.store import Store


class LostClaimError(Exception):
    """The training belongs to another worker now, or is not to be done any more."""


class LostStoreError(UserError):
    """No sign of life can be stored, so no result either."""


class Heart:
    """Beats for a claim, for the length of a `with` block, and carries what the training tells.

    A beat that the store refuses, or that cannot be stored at all, ends the training at the next
    `tell`: in the training's own thread, as its result could not be stored either.
    """

    def __init__(self, store: Store, claim: ClaimedTrial, *, seconds: float) -> None:
        self._store, self._claim, self._seconds = store, claim, seconds
        self._progress: tuple[int, int, float] | None = None
        self._error: Exception | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heart", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def tell(self, step: int, steps: int, loss: float) -> None:
        """How far the training is; costs nothing.

        Raises:
            LostClaimError: it is not this worker's any more.
            LostStoreError: the store cannot be written.
        """
        self._progress = step, steps, loss
        if self._error is not None:
            raise self._error

    def _beat(self) -> None:
        while not self._over.wait(self._seconds):
            told = dict(zip(("step", "steps", "loss"), self._progress or (), strict=False))
            try:
                if not self._store.heartbeat(self._claim, **told):  # type: ignore[arg-type]
                    raise LostClaimError
            except UserError as error:
                self._error = LostStoreError(str(error))
                return
            except Exception as error:
                self._error = error
                return
