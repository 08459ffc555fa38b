from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from dse.architecture import Architecture
from dse.network.measure import Setting, networks
from dse.network.measure.scores import SCORE_NAMES
from dse.proxy.recipe import Proxy
from dse.store.records import CandidateRecord
from dse.store.store import Store
from dse.study import measuring
from dse.study.measuring import measure_study, score_study
from tests.store.records import study

PROXY = {
    "dataset": {"classes": 3, "train_per_class": 10, "test_per_class": 5},
    "channels": 1.0,
    "resolution": 16,
    "epochs": 1,
    "recipe": {"batch_size": 8},
}
SETTING = Setting(device=torch.device("cpu"), resolution=32, batch=2, threads=1)
NAMES = ("latency", "memory_training")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "study.db", create=True) as opened:
        proxy = Proxy.model_validate(PROXY).model_dump(mode="json")
        opened.create_study(study(proxy=proxy))
        opened.add_candidates(network(index) for index in range(3))
        yield opened


def network(index: int) -> CandidateRecord:
    shape = {"depths": [1], "dims": [8 + 8 * index], "kernel_sizes": [3]}
    architecture = Architecture.from_dict(shape)
    costs = {"flops": 1, "params": 1, "activations": 1}
    return CandidateRecord(
        index=index, architecture=architecture.to_dict(), hash=architecture.hash, **costs
    )


def measure(store: Store, setting: Setting = SETTING) -> int:
    return measure_study(store, NAMES, setting, runs=6, report=lambda done, networks: None)


def test_what_is_measured_is_kept_with_its_conditions(store: Store) -> None:
    assert measure(store) == 3
    table = store.measurements()
    assert table["index"].tolist() == [0, 0, 1, 1, 2, 2]
    assert table["name"].tolist() == list(NAMES) * 3
    latency = table[table["name"] == "latency"]
    assert (latency["low"] <= latency["value"]).all()
    assert (latency["value"] <= latency["high"]).all()
    assert set(latency["n"]) == {6}
    assert table["device"].str.endswith(", 1 thread").all()
    assert set(table["batch"]) == {2}


def test_what_is_known_is_not_measured_again(store: Store) -> None:
    measure(store)
    assert measure(store) == 0
    store.add_candidates([network(3)])
    assert measure(store) == 1
    other = Setting(device=torch.device("cpu"), resolution=32, batch=3, threads=1)
    assert measure(store, other) == 4
    assert len(store.measurements()) == 4 * 2 * 2


def test_what_was_measured_before_a_kill_is_kept(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "TOGETHER", 2)
    built = networks.build
    left = 2 * networks.ROUNDS

    def build(*arguments: object, **options: object) -> torch.nn.Module:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        return built(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(networks, "build", build)
    with pytest.raises(KeyboardInterrupt):
        measure(store)
    monkeypatch.setattr(networks, "build", built)
    assert set(store.measurements()["index"]) == {0, 1}
    assert measure(store) == 1


def test_scores_are_columns_beside_what_is_measured(store: Store) -> None:
    def report(done: int, networks: int) -> None: ...

    assert score_study(store, SETTING, report=report) == 3
    assert score_study(store, SETTING, report=report) == 0
    table = store.measurements()
    assert set(table["name"]) == set(SCORE_NAMES)
    assert table["value"].notna().all()
