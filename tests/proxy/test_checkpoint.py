from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from dse.proxy import checkpoint as module
from dse.proxy.device_data import DeviceData
from dse.proxy.recipe import Proxy
from dse.proxy.trainer import TrainResult
from tests.proxy import small
from tests.proxy.small import network, proxy

RECIPES: list[dict[str, Any]] = [
    {},
    {"optimizer": "sgd", "ema": 0.9, "micro_batch": 8},
    {"augment": {"flip": True, "pad_crop": 2, "mixup": 0.2, "cutmix": 1.0, "erase": 0.5}},
    {"learning_rate": {"range_test": {"steps": 12}}},
]


class StopError(Exception):
    """Ends a training in mid-epoch, as a kill would."""


def stop_at(last: int) -> Callable[[int, int, float], None]:
    def on_step(step: int, steps: int, loss: float) -> None:
        if step >= last:
            raise StopError

    return on_step


def kept(asked: Proxy, every: int | None = 1) -> Proxy:
    return asked.model_copy(update={"checkpoint_epochs": every})


def same(one: TrainResult, other: TrainResult) -> bool:
    unlike = {"seconds", "cpu_seconds"}
    return all(vars(one)[name] == vars(other)[name] for name in vars(one).keys() - unlike)


def weights(model: nn.Module) -> torch.Tensor:
    return torch.cat([tensor.flatten().double() for tensor in model.state_dict().values()])


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("every", [1, 2])
def test_a_resumed_training_ends_with_the_same_bits(
    data: DeviceData, tmp_path: Path, recipe: dict[str, Any], every: int
) -> None:
    place, asked = tmp_path / "folder" / "kept.pt", proxy(**recipe)
    undisturbed = network()
    result = small.trained(data, asked, 5, model=undisturbed)
    with pytest.raises(StopError):
        small.trained(
            data, kept(asked, every), 5, checkpoint=place, on_step=stop_at(asked.choice_steps + 24)
        )
    steps: list[int] = []
    resumed = network()
    again = small.trained(
        data,
        kept(asked, every),
        5,
        model=resumed,
        checkpoint=place,
        on_step=lambda step, *_: steps.append(step - asked.choice_steps),
    )
    assert steps[0] > {1: 21, 2: 14}[every]
    assert same(again, result)
    torch.testing.assert_close(weights(resumed), weights(undisturbed), rtol=0, atol=0)


def test_time_is_counted_over_all_parts_of_a_training(data: DeviceData, tmp_path: Path) -> None:
    place = tmp_path / "kept.pt"
    with pytest.raises(StopError):
        small.trained(data, kept(proxy()), checkpoint=place, on_step=stop_at(24))
    content = torch.load(place, weights_only=True)
    torch.save(content | {"seconds": 1000.0, "cpu_seconds": 500.0}, place)
    result = small.trained(data, kept(proxy()), checkpoint=place)
    assert 1000 < result.seconds < 1030
    assert 500 < result.cpu_seconds < 530


def test_a_checkpoint_of_something_else_is_taken_for_none(data: DeviceData, tmp_path: Path) -> None:
    place, asked = tmp_path / "kept.pt", kept(proxy())
    expected = small.trained(data, proxy(), 5)
    others = [
        (asked, 6, network()),  # another seed
        (kept(proxy(learning_rate=0.03)), 5, network()),  # another recipe
        (asked, 5, network(seed=1)),  # another network
    ]
    for other, seed, model in others:
        small.trained(data, other, seed, model=model, checkpoint=place)
        assert same(small.trained(data, asked, 5, checkpoint=place), expected)


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04 cut off"])
def test_a_damaged_checkpoint_is_taken_for_none(
    data: DeviceData, tmp_path: Path, content: bytes
) -> None:
    place = tmp_path / "kept.pt"
    place.write_bytes(content)
    assert same(small.trained(data, proxy(), checkpoint=place), small.trained(data, proxy()))


def test_a_place_that_cannot_be_written_costs_no_training(data: DeviceData, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = small.trained(data, kept(proxy()), checkpoint=tmp_path / "file" / "kept.pt")
    assert result.state == "complete"


def test_short_trainings_are_not_kept_unless_asked(
    data: DeviceData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "kept.pt"
    small.trained(data, proxy(), checkpoint=place)
    assert not place.exists()
    monkeypatch.setattr(module, "EVERY_SECONDS", 0.0)
    small.trained(data, proxy(), checkpoint=place)
    assert torch.load(place, weights_only=True)["run"]["step"] == 21  # the last is not kept


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("has_file", [True, False])
def test_a_training_that_was_stopped_after_an_epoch_goes_on_from_there(
    data: DeviceData, tmp_path: Path, recipe: dict[str, Any], has_file: bool
) -> None:
    place, asked = tmp_path / "kept.pt" if has_file else None, proxy(**recipe)
    undisturbed = small.trained(data, asked, 5)
    steps: list[int] = []
    for until in (1, 3):
        stopped = small.trained(data, asked, 5, checkpoint=place, until_epoch=until)
        assert (stopped.state, stopped.error, stopped.reason) == ("stopped", None, None)
        assert stopped.epochs == undisturbed.epochs[:until]
    whole = small.trained(
        data, asked, 5, checkpoint=place, on_step=lambda step, *_: steps.append(step)
    )
    assert same(whole, undisturbed)
    assert (min(steps) > asked.choice_steps + 3 * 7) is has_file
