"""Eight workers, one of them killed every second, a server that restarts, a wrong clock."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest

from dse.store.records import Counts
from dse.store.store import Store
from tests.services.clock import AHEAD_SECONDS, skewed_clock
from tests.services.postgresql import Server, running_server
from tests.store.records import fill

WORKERS = 8
NETWORKS, SEEDS = 100, 2
TRIALS = NETWORKS * SEEDS
KILL_EVERY = 1.0
LEASE = 4.0


class Workers:
    """Worker processes by number; the last one's clock is two hours ahead."""

    def __init__(self, place: str, folder: Path) -> None:
        self.place, self.folder = place, folder
        self.processes: dict[int, subprocess.Popen[bytes]] = {}
        self.born = 0
        self.clock = skewed_clock(folder)

    def fill(self) -> None:
        for number in range(WORKERS):
            process = self.processes.get(number)
            if process is None or process.poll() is not None:
                self.processes[number] = self._start(number)

    def _start(self, number: int) -> subprocess.Popen[bytes]:
        self.born += 1
        skewed = number == WORKERS - 1
        clock = self.clock if skewed else {}
        name = f"{'skewed' if skewed else 'worker'}-{self.born}"
        command = [sys.executable, "-m", "dse", "worker", "--name", name]
        command += ["--device", "cpu", "--lease", str(LEASE), "--linger", "5", "--retries", "50"]
        command += ["--scorer", "tests.study.scorers:short", "--log", str(self.folder / name)]
        with (self.folder / f"{name}.out").open("wb") as out:
            return subprocess.Popen(
                command,
                env={**os.environ, "DSE_STORE": self.place, **clock},
                stdout=out,
                stderr=out,
            )

    def kill_one(self, moments: random.Random) -> None:
        living = [process for process in self.processes.values() if process.poll() is None]
        if living:
            os.kill(moments.choice(living).pid, signal.SIGKILL)

    def end(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()


@contextmanager
def workers(place: str, folder: Path) -> Iterator[Workers]:
    folder.mkdir()
    crew = Workers(place, folder)
    try:
        yield crew
    finally:
        crew.end()


def test_the_wrong_clock_is_wrong(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import time; print(time.time(), time.monotonic())"]
    environment = {**os.environ, **skewed_clock(tmp_path)}
    said = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    wall, monotonic = map(float, said.stdout.split())
    assert wall - time.time() == pytest.approx(AHEAD_SECONDS, abs=60)
    assert monotonic == pytest.approx(time.monotonic(), abs=60)


def make_study(place: str) -> None:
    with Store.open(place, create=True) as store:
        fill(store, NETWORKS, SEEDS)


def results(place: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    with Store.open(place) as store:
        assert store.counts() == Counts(complete=TRIALS), set(store.population()["reason"])
        table = store.population().drop(columns=["reason"])  # of the last retry, if any
        return table, store.curves()


def survive(place: str, folder: Path, restart: Callable[[], None] | None) -> int:
    """Have the study done while workers are killed; how many were."""
    moments = random.Random(0)
    restarts = [TRIALS // 3, 2 * TRIALS // 3] if restart else []
    kills = 0
    with workers(place, folder) as crew, Store.open(place) as store:
        killed = time.monotonic()
        while (finished := store.counts().finished) < TRIALS:
            crew.fill()
            if restarts and finished >= restarts[0]:
                restarts.pop(0)
                assert restart is not None
                restart()
            if time.monotonic() - killed >= KILL_EVERY:
                crew.kill_one(moments)
                killed, kills = time.monotonic(), kills + 1
            time.sleep(0.1)
    assert not restarts
    return kills


@pytest.fixture
def undisturbed(tmp_path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    place = str(tmp_path / "undisturbed.db")
    make_study(place)
    command = [sys.executable, "-m", "dse", "worker", "--store", place, "--device", "cpu"]
    command += ["--linger", "0", "--scorer", "tests.study.scorers:quick"]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return results(place)


@pytest.fixture
def own_server() -> Iterator[Server]:
    """One that is restarted at the cost of no other test."""
    with running_server() as server:
        yield server


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_study_survives_killed_workers_a_restarted_server_and_a_wrong_clock(
    kind: str,
    tmp_path: Path,
    undisturbed: tuple[pd.DataFrame, pd.DataFrame],
    request: pytest.FixtureRequest,
) -> None:
    place, restart = str(tmp_path / "study.db"), None
    if kind == "postgresql":
        server: Server = request.getfixturevalue("own_server")
        place = server.make_database()

        def restart() -> None:
            server.restart("immediate")

    make_study(place)
    kills = survive(place, tmp_path / "logs", restart)
    assert kills >= 10
    population, curves = results(place)
    assert not population.duplicated(["index", "replicate"]).any()
    pd.testing.assert_frame_equal(population, undisturbed[0])
    pd.testing.assert_frame_equal(curves, undisturbed[1])
    done = Counter(
        line.partition(" toy: ")[2].partition(": error")[0]
        for log in (tmp_path / "logs").glob("*-*[0-9]")
        for line in log.read_text().splitlines()
        if " toy: " in line and ": error" in line
    )
    assert max(done.values()) == 1, "nothing was stored twice"
    assert len(done) > TRIALS * 0.8, "the log says who stored what, unless killed right then"
