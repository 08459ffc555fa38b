"""Small studies as plain values."""

from __future__ import annotations

from typing import Any

from dse.store.records import (
    CandidateRecord,
    EpochResult,
    StudyRecord,
    TrialRecord,
    TrialResult,
)
from dse.store.store import Store

PROXY: dict[str, Any] = {"dataset": {"source": "fractals"}, "epochs": 2}
SHAPE = {"dims": [8, 16], "kernel_sizes": [3, 3]}


def study(**changes: Any) -> StudyRecord:
    values: dict[str, Any] = {
        "name": "toy",
        "space_name": "toy_space",
        "space_hash": "a" * 64,
        "space": {"name": "toy_space", "parameters": {"depths": [1, 2]}},
        "budget": {"flops": 4.5e9, "tolerance": 0.01, "resolution": 224},
        "seed": 0,
        "proxy": PROXY | {"recipe": {"batch_size": 64, "betas": (0.9, 0.999)}},
        "design": {"repeat": 0.25},
        "provenance": {"dse": "0.1.0"},
    }
    return StudyRecord(**values | changes)


def candidate(index: int, **changes: Any) -> CandidateRecord:
    values: dict[str, Any] = {
        "index": index,
        "architecture": SHAPE | {"depths": [1, index + 1], "stem": "patch", "ls_init_value": None},
        "hash": f"hash of {index}",
        "flops": 4_500_000_000 + index,
        "params": 28_000_000,
        "activations": 14_000_000,
    }
    return CandidateRecord(**values | changes)


def trial(index: int, replicate: int = 0) -> TrialRecord:
    return TrialRecord(index=index, replicate=replicate, seed=1000 * index + replicate)


def result(error: float | None = 0.5, **changes: Any) -> TrialResult:
    values: dict[str, Any] = {
        "state": "complete",
        "error": error,
        "train_loss": 1.5,
        "epochs": (
            EpochResult(epoch=1, step=10, train_loss=2.5, error=0.9, grad_norm=3.5),
            EpochResult(epoch=2, step=20, train_loss=1.5, error=error or 0.9, grad_norm=2.5),
        ),
        "seconds": 12.5,
        "cpu_seconds": 12.0,
        "test_images": 2000,
        "classes": 20,
        "device": "cpu",
        "dtype": "float32",
        "learning_rate": 2e-3,
        "micro_batch": 32,
        "versions": {"torch": "2.13.0"},
    }
    return TrialResult(**values | changes)


def fill(store: Store, networks: int, replicates: int = 1, **changes: Any) -> None:
    store.create_study(study(**changes))
    store.add_candidates(candidate(index) for index in range(networks))
    store.add_trials(trial(index, copy) for index in range(networks) for copy in range(replicates))
