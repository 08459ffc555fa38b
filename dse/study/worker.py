"""A worker process: claim a trial, train it, store the result, until nothing waits.

Workers are identical and keep nothing: killing one at any moment loses at most the training it is
in. They must not outlive the process that started them, as a later run would compete with them
for the cores; two independent means see to that, since the parent may be killed in any way.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from dse.errors import UserError
from dse.proxy.failures import is_device_lost, is_out_of_memory
from dse.store.database import RETRY_SECONDS
from dse.store.records import ClaimedTrial, TrialResult
from dse.store.store import Store
from dse.store.target import Place
from dse.study.heartbeat import Note, heartbeats
from dse.study.messages import Broken, Finished, Idle, Lost, Message, Started, Step
from dse.study.scorer import Scorer, ScorerFactory

STEP_SECONDS: Final = 0.25
"""A worker reports its steps no more often than this."""

Send = Callable[[Message], None]
PR_SET_PDEATHSIG: Final = 1  # from linux/prctl.h


class DeviceLostError(Exception):
    """Only a new process can use the device again."""


def serve(
    channel: Connection,
    parent: int,
    name: str,
    target: Place,
    factory: ScorerFactory,
    device: str,
    run: str | None = None,
) -> None:
    """The main function of a worker process that process `parent` started.

    Works whenever the parent sends anything on `channel`, and reports on it. Exits with the
    parent, or when the parent closes its end.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent decides
    orders = _watch(channel, parent)
    send = _sender(channel)
    try:
        with Store.open(target, patience=RETRY_SECONDS) as store:
            score = factory(store.existing_study(), device)
            while True:
                orders.get()
                work(store, name, score, send, run=run)
                send(Idle())
    except DeviceLostError as error:
        send(Lost(reason=str(error)))
        os._exit(1)  # without the cleaning up that would ask the device again
    except UserError as error:
        send(Broken(text=str(error), mendable=True))
    except Exception:
        send(Broken(text=traceback.format_exc(), mendable=False))


def work(store: Store, name: str, score: Scorer, send: Send, *, run: str | None = None) -> int:
    """Train until no trial waits; how many results were stored."""
    stored = 0
    while trial := store.claim(name, run=run):
        send(Started(index=trial.index, replicate=trial.replicate))
        with heartbeats(store, trial) as note:
            result = _attempt(trial, score, send, note)
        if not store.complete(trial, result):
            continue  # given to someone else meanwhile: theirs counts
        if trial.checkpoint and result.state != "stopped":
            _forget(trial.checkpoint)
        stored += 1
        send(
            Finished(
                index=trial.index,
                replicate=trial.replicate,
                state=result.state,
                error=result.error,
                reason=result.reason,
            )
        )
    return stored


def _forget(checkpoint: Path) -> None:
    """Remove the checkpoint of a finished training, and the folder with its last one."""
    with suppress(OSError):  # there is none, there are others, or it may stay: no harm
        checkpoint.unlink(missing_ok=True)
        checkpoint.parent.rmdir()


def _attempt(trial: ClaimedTrial, score: Scorer, send: Send, note: Note) -> TrialResult:
    """One training; whatever goes wrong with this network is its result, and the study goes on.

    Raises:
        DeviceLostError: the device fails this process for good, which is not the network's result.
    """
    last = 0.0

    def on_step(step: int, steps: int, loss: float) -> None:
        nonlocal last
        note(step, steps, loss)
        if time.monotonic() - last >= STEP_SECONDS:
            last = time.monotonic()
            send(
                Step(
                    index=trial.index,
                    replicate=trial.replicate,
                    step=step,
                    steps=steps,
                    loss=loss,
                )
            )

    begin = time.perf_counter(), time.process_time()
    try:
        return score(trial, on_step)
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


def _sender(channel: Connection) -> Send:
    def send(message: Message) -> None:
        try:
            channel.send(message)
        except OSError:  # the parent is gone
            os._exit(1)

    return send


def _watch(channel: Connection, parent: int) -> SimpleQueue[object]:
    """Die with the parent; a queue of what it sends.

    On Linux the kernel kills this process when its parent ends. Everywhere, a thread waits for
    the end of the channel, whose other end only the parent holds and the kernel closes.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    orders: SimpleQueue[object] = SimpleQueue()

    def receive() -> None:
        while True:
            try:
                orders.put(channel.recv())
            except (EOFError, OSError):
                os._exit(1)

    threading.Thread(target=receive, name="parent watch", daemon=True).start()
    return orders
