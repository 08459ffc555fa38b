from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from dse.analysis.summary import summarise
from dse.proxy.recipe import Proxy
from dse.store.records import Counts
from dse.store.store import Store
from dse.study.scorer import proxy_scorer
from dse.study.stopping import Stop
from dse.study.worker import Work, Worker
from tests.store.records import fill

DATA = {"classes": 3, "train_per_class": 100, "test_per_class": 30, "seed": 2}


def trained(path: Path, **recipe: Any) -> Store:
    """A store of one network, trained for four epochs by this process."""
    proxy = Proxy.model_validate(
        {
            "dataset": DATA,
            "channels": 1.0,
            "resolution": 16,
            "epochs": 4,
            "recipe": {"batch_size": 40, "precision": "float32", **recipe},
        }
    )
    store = Store.open(path, create=True)
    fill(store, 1, proxy=proxy.model_dump(mode="json"))
    record = store.study()
    assert record is not None
    threads = torch.get_num_threads()
    work = Work(name="worker", device="cpu", factory=proxy_scorer, linger=0.0)
    Worker(store, work, Stop(), lambda line: None).serve()
    torch.set_num_threads(threads)
    return store


def test_a_training_at_chance_is_complete_and_says_so(tmp_path: Path) -> None:
    with trained(tmp_path / "study.db", learning_rate=1e-9) as store:
        assert store.counts() == Counts(complete=1)
        population = store.population()
    (row,) = population.to_dict("records")
    assert row["error"] == pytest.approx(2 / 3, abs=0.1)
    assert row["reason"].startswith("at chance: ")
    assert "of 90 held-out images right is not above one in 3" in row["reason"]
    summary = summarise(population, random_subset=0, embedded=True)
    assert summary.at_chance == (0,)
    assert summary.states["complete"] == 1
    assert summary.quartiles[1].value == row["error"]


def test_a_training_that_learned_has_no_reason(tmp_path: Path) -> None:
    with trained(tmp_path / "study.db", learning_rate=0.01, batch_size=10) as store:
        (row,) = store.population().to_dict("records")
    assert row["error"] < 0.5
    assert row["reason"] is None
