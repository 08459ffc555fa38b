from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from dse.errors import UserError
from dse.proxy.convolution import fast_convolution
from dse.proxy.device import pick_dtype
from dse.proxy.device_data import DeviceData
from dse.proxy.recipe import Proxy
from dse.proxy.trainer import TrainResult, train
from tests.proxy import small
from tests.proxy.small import CPU, network, proxy

PROXY = proxy()


def trained(data: DeviceData, seed: int = 0, model: nn.Module | None = None) -> TrainResult:
    return small.trained(data, PROXY, seed, model=model)


def test_a_network_learns(data: DeviceData) -> None:
    result = trained(data)
    assert result.state == "complete"
    assert result.reason is None
    assert result.error is not None
    assert result.error < 0.3  # chance is 0.67
    losses = [epoch.train_loss for epoch in result.epochs]
    assert losses[-1] < losses[0]


def test_results_are_those_of_the_final_epoch(data: DeviceData) -> None:
    result = trained(data)
    assert [epoch.epoch for epoch in result.epochs] == [1, 2, 3, 4]
    assert [epoch.step for epoch in result.epochs] == [7, 14, 21, 28]
    assert (result.error, result.train_loss) == (
        result.epochs[-1].error,
        result.epochs[-1].train_loss,
    )
    assert result.test_images == 60
    assert result.device == "cpu"
    assert result.dtype in {"float32", "bfloat16"}
    assert result.seconds > 0
    assert result.cpu_seconds > 0


def test_the_same_seed_gives_the_same_result_whatever_ran_before(data: DeviceData) -> None:
    first = trained(data, seed=3)
    torch.rand(5)
    trained(data, seed=4, model=network(seed=9))
    second = trained(data, seed=3)
    assert second.epochs == first.epochs
    assert trained(data, seed=4).epochs != first.epochs


def test_the_global_random_state_is_left_alone(data: DeviceData) -> None:
    model = network()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    trained(data, model=model)
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)


def test_only_the_asked_number_of_training_images_is_used(data: DeviceData) -> None:
    proxy = PROXY.model_copy(update={"train_images": 48})
    result = train(network(), data, proxy, seed=0, device=CPU)
    assert result.epochs[-1].step == 4 * 3


def test_progress_is_told_every_few_steps(data: DeviceData) -> None:
    seen: list[tuple[int, int, float]] = []
    silent = trained(data)
    told = train(
        network(), data, PROXY, seed=0, device=CPU, on_step=lambda *step: seen.append(step)
    )
    assert [step for step, _, _ in seen] == [7, 10, 14, 20, 21, 28]
    assert {steps for _, steps, _ in seen} == {28}
    assert all(0 < loss < 5 for _, _, loss in seen)
    assert told.epochs == silent.epochs


class NotANumberAfter(nn.Module):
    """Breaks at a given forward pass."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self.left = calls
        self.inner = network()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.left -= 1
        y: torch.Tensor = self.inner(x)
        return y * math.nan if self.left < 0 else y


@pytest.mark.parametrize(("calls", "step", "epochs"), [(0, 1, 0), (4, 5, 0), (9, 9, 1)])
def test_a_loss_that_is_not_a_number_is_a_state_that_names_the_step(
    data: DeviceData, calls: int, step: int, epochs: int
) -> None:
    result = trained(data, model=NotANumberAfter(calls))
    assert result.state == "diverged"
    assert result.reason == f"the training loss became nan at step {step} of 28"
    assert result.error is None
    assert result.train_loss is None
    assert len(result.epochs) == epochs


def test_outputs_that_are_not_finite_in_evaluation_are_divergence(data: DeviceData) -> None:
    result = trained(data, model=NotANumberAfter(7))
    assert result.state == "diverged"
    assert result.reason == "outputs were not finite after step 7 of 28"


class Greedy(nn.Module):
    """Asks for a petabyte."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(1, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        torch.empty(2**50, dtype=torch.uint8)
        raise AssertionError("this machine has a petabyte")


def test_running_out_of_memory_is_a_state(data: DeviceData) -> None:
    result = trained(data, model=Greedy())
    assert result.state == "out_of_memory"
    assert result.reason
    assert "memory" in result.reason
    assert "\n" not in result.reason
    assert result.error is None


def test_a_programming_error_is_raised(data: DeviceData) -> None:
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        trained(data, model=nn.Linear(5, 3))


def plain_training(data: DeviceData, seed: int, batch: int = 16) -> list[tuple[float, float]]:
    """The default recipe as a loop of twenty lines: loss and error of every epoch."""
    model = network().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    decayed = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}],
        betas=(0.9, 0.999),
        fused=True,
    )
    dtype = pick_dtype(CPU)
    autocast = torch.autocast("cpu", dtype=dtype, enabled=dtype != torch.float32)
    order, found, step, steps = torch.Generator().manual_seed(seed), [], 0, 28
    torch.manual_seed(seed)
    with fast_convolution(model):
        for _ in range(4):
            model.train()
            losses = []
            for indices in torch.randperm(120, generator=order).split(batch)[:7]:
                progress = (step - 0.2 * steps) / (steps - 0.2 * steps)
                for group in optimizer.param_groups:
                    group["lr"] = (
                        0.02 * (step + 1) / (0.2 * steps + 1)
                        if step < 0.2 * steps
                        else 0.02 * 0.5 * (1 + math.cos(math.pi * progress))
                    )
                images, labels = data.train_batch(indices)
                with autocast:
                    logits = model(images)
                loss = F.cross_entropy(logits.float(), labels, label_smoothing=0.1)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                losses.append(loss.detach())
                step += 1
            model.eval()
            with torch.inference_mode(), autocast:
                wrong = model(data.test_batch(0, 60)[0]).argmax(1) != data.test_labels
            found.append((torch.stack(losses).mean().item(), int(wrong.sum()) / 60))
    return found


def test_by_default_nothing_is_done_but_the_plain_recipe_to_the_bit(data: DeviceData) -> None:
    result = trained(data, seed=3)
    assert [(epoch.train_loss, epoch.error) for epoch in result.epochs] == plain_training(data, 3)
    assert result.learning_rate == 0.02
    assert result.micro_batch == 16


@pytest.mark.parametrize(
    "recipe",
    [
        {"optimizer": "sgd", "learning_rate": 0.1, "weight_decay": 1e-4},
        {"schedule": "linear"},
        {"schedule": "constant", "warmup": 0.0},
        {"ema": 0.9},
        {"precision": "float32"},
        {"precision": "bfloat16"},
        {"augment": {"flip": True, "pad_crop": 1, "erase": 0.1, "mixup": 0.1, "cutmix": 0.1}},
    ],
)
def test_every_recipe_trains(data: DeviceData, recipe: dict[str, Any]) -> None:
    result = small.trained(data, proxy(epochs=6, **recipe))
    assert result.state == "complete"
    assert result.error is not None
    assert result.error < 0.5  # chance is 0.67
    assert result.dtype == recipe.get("precision", result.dtype)
    assert small.trained(data, proxy(epochs=6, **recipe)).epochs == result.epochs


def test_the_averaged_weights_are_what_is_measured(data: DeviceData) -> None:
    plain, averaged = (
        small.trained(data, proxy(ema=ema, learning_rate=2e-3)) for ema in (None, 0.999)
    )
    losses = [[epoch.train_loss for epoch in result.epochs] for result in (plain, averaged)]
    assert losses[0] == losses[1]
    errors = [[epoch.error for epoch in result.epochs] for result in (plain, averaged)]
    assert errors[0] != errors[1]


def test_the_gradient_norm_of_every_epoch_is_told(data: DeviceData) -> None:
    norms = [epoch.grad_norm for epoch in trained(data).epochs]
    assert all(0 < norm < 100 for norm in norms)


class Shouts(nn.Module):
    """Is sure of what is wrong, whatever it is trained to."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(1, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.linear(x.mean((1, 2, 3))[:, None])
        return y + torch.tensor([100.0, 0.0, 0.0])


def test_a_loss_far_above_guessing_at_the_end_is_divergence(data: DeviceData) -> None:
    result = trained(data, model=Shouts())
    assert result.state == "diverged"
    assert result.reason is not None
    assert "more than 2 times that of guessing, 1.1" in result.reason
    assert len(result.epochs) == 4


class Hungry(nn.Module):
    """Has no memory for more than so many images at once in training."""

    def __init__(self, most: int, inner: nn.Module) -> None:
        super().__init__()
        self.most, self.inner = most, inner

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training and len(x) > self.most:
            raise RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9")
        y: torch.Tensor = self.inner(x)
        return y


def test_without_memory_for_a_batch_its_parts_are_what_a_micro_batch_is(data: DeviceData) -> None:
    """Also if that happens in mid-training, for whatever reason."""
    hungry = trained(data, model=Hungry(4, network()))
    asked = small.trained(data, proxy(micro_batch=4), model=Hungry(16, network()))
    assert (hungry.state, hungry.micro_batch) == ("complete", 4)
    assert hungry.epochs == asked.epochs
    assert hungry.epochs != trained(data).epochs  # batch norm sees fewer images


def test_parts_of_a_batch_give_the_gradient_of_the_whole(data: DeviceData) -> None:
    """Where neither norm nor dropout depends on the rest of a part; 16 in 3 parts are uneven."""
    whole, parted = (
        small.trained(
            data,
            proxy(epochs=2, micro_batch=micro, precision="float32", optimizer="sgd"),
            model=network(dropout=0.0, norm=False),
        )
        for micro in (None, 6)
    )
    assert (whole.micro_batch, parted.micro_batch) == (16, 6)
    for one, other in zip(whole.epochs, parted.epochs, strict=True):
        assert other.train_loss == pytest.approx(one.train_loss, rel=1e-5)
        assert other.grad_norm == pytest.approx(one.grad_norm, rel=1e-4)


def test_labels_that_are_no_classes_are_told_before_a_gpu_is_lost() -> None:
    data = small.stripes()
    data.train_labels[7] = 3
    with pytest.raises(UserError, match=r"training labels go from 0 to 3, but there are 3 classes"):
        trained(data)


def test_a_data_set_that_is_too_small_is_told(data: DeviceData) -> None:
    asked = Proxy.model_validate(PROXY.model_dump() | {"dataset": {"classes": 3}})
    with pytest.raises(UserError, match="120 training images, but the proxy uses 900"):
        small.trained(data, asked)
