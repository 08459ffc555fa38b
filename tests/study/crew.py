"""A run that a test can kill: python -m tests.study.crew STORE WORKERS SCORER"""

from __future__ import annotations

import sys
from pathlib import Path

from dse.store.lock import store_lock
from dse.store.store import Store
from dse.study.crew import Crew
from dse.study.launching import Launching, new_run
from dse.study.progress import Progress, make_progress


def make_crew(
    store: Store, scorer: str, *, workers: int = 1, progress: Progress | None = None
) -> Crew:
    """Workers on this machine, each with a scorer of `tests.study.scorers`, or MODULE:SCORER."""
    name = f"tests.study.{scorer if ':' in scorer else f'scorers:{scorer}'}"
    launching = Launching(workers=workers, device="cpu", scorer=name)
    run = new_run()
    assert store.target.path is not None
    order = launching.order(store, run, store.target.path.with_suffix(".logs"))
    return Crew(store, launching.make(), order, run=run, progress=progress or Progress())


def run_workers(
    path: Path, scorer: str, *, workers: int = 1, progress: Progress | None = None
) -> None:
    """Start workers, return when no trial waits or runs, stop them."""
    with (
        Store.open(path) as store,
        make_crew(store, scorer, workers=workers, progress=progress) as crew,
    ):
        crew.drain()


if __name__ == "__main__":
    target, number, name = sys.argv[1:]
    with store_lock(target):
        run_workers(Path(target), name, workers=int(number), progress=make_progress())
