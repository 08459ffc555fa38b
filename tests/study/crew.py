"""A run that a test can kill: python -m tests.study.crew STORE WORKERS SCORER"""

from __future__ import annotations

import sys

from dse.study.launch.local import run_workers

from dse.store.lock import store_lock
from dse.study.progress import make_progress
from tests.study import scorers

if __name__ == "__main__":
    target, workers, scorer = sys.argv[1:]
    with store_lock(target):
        run_workers(
            target,
            workers=int(workers),
            device="cpu",
            progress=make_progress(),
            score=getattr(scorers, scorer),
        )
