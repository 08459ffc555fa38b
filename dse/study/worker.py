"""A worker: claim a trial, train it, store the result, until no work is left.

Workers are identical and keep nothing. Killing one at any moment loses at most the training it is
in, back to its last checkpoint: the claim is a lease, and another worker takes the trial when
nothing is heard of this one any more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dse.errors import DataError, UserError
from dse.proxy.failures import is_device_lost, is_out_of_memory
from dse.store.claims import BEAT_SECONDS
from dse.store.queue import LEASE_SECONDS, MAX_CRASHES
from dse.store.records import ClaimedTrial, StudyRecord, TrialResult
from dse.store.store import Store
from dse.study.heart import Heart, LostClaimError, LostStoreError
from dse.study.scorer import Scorer, ScorerFactory, proxy_scorer
from dse.study.stopping import Stop, StoppedError

LINGER_SECONDS: Final = 60.0
POLL_SECONDS: Final = 1.0

Say = Callable[[str], None]


class DeviceLostError(Exception):
    """Only a new process can use the device again."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a worker does, and how.

    Attributes:
        name: the worker's, which no other one has.
        device: "cpu", "cuda", "cuda:1".
        studies: those to work for, by name; all of the store's if None.
        run: the run that started the worker, see `Store.claim`.
        factory: makes the scorer of a study.
        linger: seconds that the worker waits for new work once nothing waits or runs.
        beat: seconds between its signs of life.
        lease: after so many seconds without one, another worker takes its training.
        retries: a training is given up after so many of its workers have died.
    """

    name: str
    device: str
    studies: Sequence[str] | None = None
    run: str | None = None
    factory: ScorerFactory = proxy_scorer
    linger: float = LINGER_SECONDS
    beat: float = BEAT_SECONDS
    lease: float = LEASE_SECONDS
    retries: int = MAX_CRASHES


class Worker:
    """Works on a store until there is nothing to do, or it is asked to stop."""

    def __init__(self, store: Store, work: Work, stop: Stop, say: Say) -> None:
        self._store, self._work, self._stop, self._say = store, work, stop, say
        self._scorer: tuple[str, Scorer] | None = None  # of the study that was worked on last

    def serve(self) -> int:
        """Train until nothing has waited or run for a while; how many results were stored.

        Raises:
            UserError: the worker cannot work: no data, no disk.
            DeviceLostError: only a new process can go on.
        """
        stored = 0
        studies = "all" if self._work.studies is None else self._work.studies
        for name in self._work.studies or ():
            self._record(name)
        if self._work.studies is not None and len(self._work.studies) == 1:
            self._score(self._work.studies[0])  # what is wrong with the data is no trial's fault
        idle = time.monotonic()
        while not self._stop.asked:
            work = self._work
            trial = self._store.claim(
                work.name,
                run=work.run,
                studies=studies,
                lease_seconds=work.lease,
                max_crashes=work.retries,
            )
            if trial is not None:
                stored += self._train(trial)
                idle = time.monotonic()
            elif self._store.under_way(studies):
                idle = time.monotonic()  # a worker may die, and leave its training to this one
                self._stop.wait(POLL_SECONDS)
            elif time.monotonic() - idle >= work.linger:
                break
            else:
                self._stop.wait(POLL_SECONDS)
        return stored

    def _train(self, trial: ClaimedTrial) -> bool:
        """Train one network and store the result; whether it was stored."""
        self._say(f"{_named(trial)}: begins")
        try:
            with Heart(self._store, trial, seconds=self._work.beat) as heart:
                result = self._attempt(trial, heart)
        except LostClaimError:
            self._say(f"{_named(trial)}: was given to another worker")
            return False
        except DeviceLostError as error:
            self._store.crashed(self._work.name, str(error), max_crashes=self._work.retries)
            raise
        except BaseException as error:
            stopped = isinstance(error, StoppedError)
            how = "was stopped" if stopped else "failed"
            with suppress(UserError):
                self._store.release(trial, f"its worker {how} ({error or type(error).__name__})")
            if not stopped:
                raise
            self._say(f"{_named(trial)}: given back ({error})")
            return False
        if not self._store.complete(trial, result):
            self._say(f"{_named(trial)}: was done by another worker")
            return False
        if trial.checkpoint and result.state != "stopped":
            _forget(trial.checkpoint)
        self._say(f"{_named(trial)}: {_outcome(result)}")
        return True

    def _attempt(self, trial: ClaimedTrial, heart: Heart) -> TrialResult:
        """One training; whatever goes wrong with this network is its result."""

        def on_step(step: int, steps: int, loss: float) -> None:
            self._stop.require_none()
            heart.tell(step, steps, loss)

        score = self._score(trial.study)
        begin = time.perf_counter(), time.process_time()
        try:
            return score(trial, on_step)
        except (StoppedError, LostClaimError, LostStoreError, DataError):
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {error}".strip()
            if is_device_lost(error):
                raise DeviceLostError(reason) from error
            return TrialResult(
                state="out_of_memory" if is_out_of_memory(error) else "failed",
                reason=reason,
                seconds=time.perf_counter() - begin[0],
                cpu_seconds=time.process_time() - begin[1],
            )

    def _score(self, study: str) -> Scorer:
        if self._scorer is None or self._scorer[0] != study:
            self._scorer = None  # one data set at a time
            self._scorer = study, self._work.factory(self._record(study), self._work.device)
        return self._scorer[1]

    def _record(self, study: str) -> StudyRecord:
        with Store.open(self._store.target, study=study, read_only=True) as store:
            return store.trainable_study()


def _named(trial: ClaimedTrial) -> str:
    kind = f"network {trial.index}" if trial.index >= 0 else f"reference {-trial.index}"
    return f"{trial.study}: {kind}, seed {trial.replicate + 1}"


def _outcome(result: TrialResult) -> str:
    if result.error is not None:
        return f"error {result.error:.1%}, {result.seconds or 0:.1f} s"
    return f"{result.state} ({result.reason})" if result.reason else result.state


def _forget(checkpoint: Path) -> None:
    """Remove the checkpoint of a finished training, and the folder with its last one."""
    with suppress(OSError):  # there is none, there are others, or it may stay: no harm
        checkpoint.unlink(missing_ok=True)
        checkpoint.parent.rmdir()
