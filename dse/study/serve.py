"""The process of a worker: its limits, its log, its signals, its exit code."""

from __future__ import annotations

import importlib
import logging
import resource
import sys
from collections.abc import Sequence
from typing import Final

from dse.errors import UserError
from dse.store.queue import LEASE_SECONDS, MAX_CRASHES
from dse.store.store import Store
from dse.study.launch.departures import EXIT_REPLACE
from dse.study.logs import log_to
from dse.study.scorer import ScorerFactory, proxy_scorer
from dse.study.stopping import Stop
from dse.study.worker import DeviceLostError, Work, Worker
from dse.units import parse_quantity

LOGGER: Final = logging.getLogger("dse.worker")
PATIENCE: Final = 60.0
"""For so many seconds a worker waits for a server that does not answer yet."""


def serve(
    *,
    store: str,
    name: str,
    studies: Sequence[str] = (),
    device: str = "auto",
    memory: str | None = None,
    gpu_share: float | None = None,
    checkpoints: str | None = None,
    log: str | None = None,
    linger: float,
    lease: float = LEASE_SECONDS,
    beat: float | None = None,
    retries: int = MAX_CRASHES,
    run: str | None = None,
    scorer: str | None = None,
) -> int:
    """Be a worker; the exit code. Options are those of `dse worker`.

    Raises:
        UserError: an option is wrong, or the worker cannot work.
    """
    stop = Stop()
    if memory is not None:
        limit_memory(memory)
    log_to(log)
    say = LOGGER.info
    factory = find_scorer(scorer) if scorer else proxy_scorer
    work = Work(
        name=name,
        device=prepare_device(device, gpu_share),
        studies=studies or None,
        run=run,
        factory=factory,
        linger=linger,
        lease=lease,
        beat=beat or lease / 6,
        retries=retries,
    )
    try:
        with Store.open(store, patience=PATIENCE, checkpoints=checkpoints) as opened:
            stored = Worker(opened, work, stop, say).serve()
    except DeviceLostError as error:
        say(f"the device is lost: {error}")
        print(error, file=sys.stderr)  # the launcher tells it
        return EXIT_REPLACE
    except UserError as error:
        say(f"error: {error}")
        raise
    except Exception:
        LOGGER.exception("the worker failed")
        raise
    say(f"ends after {stored} trainings{f' ({stop.reason})' if stop.asked else ''}")
    return 0


def limit_memory(text: str) -> None:
    """Let this process have no more than, say, 8GB of memory of its own.

    Raises:
        UserError: that is no amount of memory.
    """
    amount = int(parse_quantity(text, "memory"))
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = amount if hard == resource.RLIM_INFINITY else min(amount, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def prepare_device(name: str, gpu_share: float | None) -> str:
    """The device of that name, of whose memory this process takes no more than its share.

    Raises:
        UserError: this machine has no such device.
    """
    if name == "cpu":
        return name  # without torch, which takes a while to import
    import torch

    from dse.proxy.device import torch_device

    place = torch_device(name)
    if place.type == "cuda" and gpu_share is not None:
        torch.cuda.set_per_process_memory_fraction(gpu_share, place)
    return str(place)


def find_scorer(name: str) -> ScorerFactory:
    """The function that MODULE:FUNCTION names.

    Raises:
        UserError: there is none.
    """
    module, _, function = name.partition(":")
    try:
        found: ScorerFactory = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError):
        raise UserError(
            f"--scorer: {name!r}: there is no such function: MODULE:FUNCTION."
        ) from None
    return found
