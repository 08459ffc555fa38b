from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from dse.errors import UserError
from dse.jobs.conclude import load_conclusion
from dse.store.store import Store
from tests import tiny
from tests.spaces import CONVNEXT_FILE

KILLS = 20
MODELS = 16
TRAININGS = 20
"""At least: sixteen first seeds and four second ones."""


@pytest.mark.timeout(1200)
def test_a_run_killed_twenty_times_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    """`python -m dse.run`, killed with SIGKILL at random moments all through its life."""
    killed, calm = tmp_path / "killed", tmp_path / "calm"
    for folder in (killed, calm):
        folder.mkdir()
        tiny.write_proxy(folder)
    moments, stages = random.Random(0), []
    while len(stages) < KILLS:
        process = _start(killed)
        while process.poll() is None and _finished(killed) < len(stages) * TRAININGS // KILLS:
            time.sleep(0.05)
        try:
            process.wait(moments.uniform(0, 1))
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
            stages.append(_finished(killed))
    under_way = [done for done in stages if 0 < done < stages[-1]]
    assert len(under_way) >= KILLS // 2, f"too few kills hit a run under way: {stages}"
    assert _start(killed).wait() == 0
    assert _start(calm).wait() == 0
    survived, undisturbed = (load_conclusion(folder / "study.db") for folder in (killed, calm))
    assert survived.population["index"].nunique() == MODELS
    assert not survived.population.duplicated(["index", "replicate"]).any()
    assert set(survived.population["state"]) == {"complete"}
    pd.testing.assert_frame_equal(
        tiny.results(survived), tiny.results(undisturbed), check_exact=True
    )
    pd.testing.assert_frame_equal(survived.curves, undisturbed.curves, check_exact=True)


def _finished(folder: Path) -> int:
    """How many trainings are finished, as anyone may read at any time."""
    try:
        with Store.open(folder / "study.db", read_only=True) as store:
            return store.counts().finished
    except UserError:  # there is no store yet
        return 0


def _start(folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "dse.run", str(CONVNEXT_FILE), "--budget", "0.3GFLOPs"]
    command += ["--proxy", "tiny.yaml", "--store", "study.db", "--models", str(MODELS)]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
