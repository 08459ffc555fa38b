"""A training whose worker was killed goes on from its checkpoint, and ends with the same bits."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from dse.proxy.recipe import Proxy
from dse.store.records import CandidateRecord, TrialRecord
from dse.store.store import Store
from dse.study.messages import Message, Step
from dse.study.scorer import proxy_scorer
from dse.study.worker import work
from tests.store.records import study
from tests.study.waiting import until

NETWORK = {"depths": [1], "dims": [8], "kernel_sizes": [3], "norm_layer": "batch_norm"}
RECIPE = {"batch_size": 16, "ema": 0.9, "augment": {"flip": True, "mixup": 0.2}}
LONG = Proxy.model_validate(
    {
        "dataset": {"classes": 3, "train_per_class": 64, "test_per_class": 25},
        "resolution": 32,
        "epochs": 40,
        "checkpoint_epochs": 3,
        "channels": 1,
        "recipe": RECIPE,
    }
)
WORKER = """
import sys
from dse.store.store import Store
from dse.study.scorer import proxy_scorer
from dse.study.worker import work

with Store.open(sys.argv[1]) as store:
    work(store, "first", proxy_scorer(store.study(), "cpu"), lambda message: None)
"""


def ask(path: Path) -> Store:
    from dse.architecture import Architecture

    store = Store.open(path, create=True)
    store.create_study(study(proxy=LONG.model_dump(mode="json")))
    architecture = Architecture.from_dict(NETWORK).to_dict()
    numbers = {"flops": 1, "params": 1, "activations": 1}
    store.add_candidates([CandidateRecord(index=0, architecture=architecture, hash="0", **numbers)])
    store.add_trials([TrialRecord(index=0, replicate=0, seed=7)])
    return store


def results(store: Store) -> tuple[dict[str, Any], pd.DataFrame]:
    row = store.population().drop(columns=["seconds", "architecture"]).iloc[0].to_dict()
    return row, store.curves()


@pytest.mark.timeout(120)
def test_a_killed_training_is_resumed_to_the_bit(tmp_path: Path) -> None:
    with ask(tmp_path / "undisturbed.db") as store:
        score = proxy_scorer(store.study(), "cpu")  # type: ignore[arg-type]
        work(store, "only", score, lambda message: None)
        expected = results(store)
    with ask(tmp_path / "killed.db") as store:
        process = subprocess.Popen([sys.executable, "-c", WORKER, str(store.target)])
        assert store.checkpoints is not None
        place = store.checkpoints / "1-0-0.pt"
        until(place.exists, "the first checkpoint")
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert store.counts().running == 1
        store.release("first", "the run was interrupted")

        steps: list[int] = []

        def listen(message: Message) -> None:
            if isinstance(message, Step):
                steps.append(message.step)

        work(store, "second", score, listen)
        found = results(store)
        assert not store.checkpoints.exists()
    assert steps[0] > 3 * 12  # not from the start
    assert found[0] == expected[0] | {"reason": found[0]["reason"]}
    assert found[0]["state"] == "complete"
    pd.testing.assert_frame_equal(found[1], expected[1], check_exact=True)
    assert len(found[1]) == 40
