from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from dse.architecture.catalog import CATALOG
from dse.training.recipe import Recipe
from dse.training.trained import Trained, TrainedEpoch


def trained(**changes: Any) -> Trained:
    values: dict[str, Any] = {
        "network": CATALOG["convnext_tiny"],
        "index": 3,
        "error": 0.25,
        "state": "complete",
        "epochs": tuple(
            TrainedEpoch(epoch=k, step=10 * k, train_loss=3.0 / k, test_loss=2.0, error=0.5 / k)
            for k in (1, 2)
        ),
        "test_images": 200,
        "classes": 20,
        "seed": 0,
        "recipe": Recipe().model_dump(mode="json"),
        "data": "toy (0123456789ab)",
        "device": "cpu",
        "versions": {"torch": "2.13.0"},
        "seconds": 12.5,
    }
    return Trained(**values | changes)


def test_it_comes_back_from_json_as_it_was() -> None:
    once = trained(initial="timm:convnext_tiny")
    assert Trained.from_dict(json.loads(json.dumps(once.to_dict())) | {"more": 1}) == once


def test_json_has_no_number_that_is_not_finite() -> None:
    epoch = dataclasses.replace(trained().epochs[0], train_loss=float("nan"), error=None)
    ended = trained(state="diverged", error=None, reason="the loss became NaN", epochs=(epoch,))
    text = json.dumps(ended.to_dict(), allow_nan=False)
    assert Trained.from_dict(json.loads(text)).epochs[0].train_loss is None


def test_only_a_complete_one_has_an_error() -> None:
    with pytest.raises(AssertionError):
        trained(state="diverged")
