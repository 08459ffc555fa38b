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

from dse.conclude import load_conclusion
from dse.store.store import Store
from tests import tiny
from tests.spaces import CONVNEXT_FILE

KILLS = 20
MODELS = 16


@pytest.mark.timeout(1200)
def test_a_run_killed_twenty_times_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    """`python -m dse.run`, killed with SIGKILL at random moments of its life and started again."""
    killed, calm = tmp_path / "killed", tmp_path / "calm"
    for folder in (killed, calm):
        folder.mkdir()
        tiny.write_proxy(folder)
    begin = time.monotonic()
    assert _start(calm).wait() == 0
    life = time.monotonic() - begin
    moments, progress = random.Random(0), []
    while len(progress) < KILLS:
        process = _start(killed)
        try:
            process.wait(moments.uniform(0.02, 1) * life)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
            progress.append(_finished(killed))
    assert _start(killed).wait() == 0
    assert len(set(progress)) >= 4, f"the kills hit too few stages of the run: {progress}"
    survived, undisturbed = (load_conclusion(folder / "study.db") for folder in (killed, calm))
    assert survived.population["index"].nunique() == MODELS
    assert not survived.population.duplicated(["index", "replicate"]).any()
    assert set(survived.population["state"]) == {"complete"}
    pd.testing.assert_frame_equal(
        tiny.results(survived), tiny.results(undisturbed), check_exact=True
    )
    pd.testing.assert_frame_equal(survived.curves, undisturbed.curves, check_exact=True)


def _finished(folder: Path) -> int:
    """How many trainings a killed run had finished."""
    if not (folder / "study.db").exists():
        return 0
    with Store.open(folder / "study.db") as store:
        return store.counts().finished


def _start(folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "dse.run", str(CONVNEXT_FILE), "--budget", "0.3GFLOPs"]
    command += ["--proxy", "tiny.yaml", "--store", "study.db", "--models", str(MODELS)]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
