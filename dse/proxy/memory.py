"""What a training will take of a device's memory, told before it is launched."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dse.proxy.task import Task

PLAINLY: Final = 0.8
"""A training plainly does not fit if this share of what it takes is more than there is."""
_FEW: Final = 2  # images whose activations are looked at; batch norm needs two

Saved = tuple[int, int]
"""Bytes that autograd saves for the backward pass: all, and of the largest tensor."""


def training_memory(model: nn.Module, task: Task, images: int) -> int:
    """Bytes that live at the peak of a step of `model` with micro-batches of `images`.

    That is weights, gradients, optimizer state and average; what autograd saves for the backward
    pass; and twice the largest of that, for gradients on their way. What is saved is seen in two
    forward passes of 2 and 4 images on the task's device, where the model must lie, and grows
    evenly with the images. Model and random state are left as they were.

    On a CPU it is 0.9 to 1.3 times the peak of live tensors (11 networks, 3 recipes each). A GPU
    takes more than what lives: work space of its libraries, and gaps between the tensors.
    """
    few, more = _saved(model, task, _FEW), _saved(model, task, 2 * _FEW)
    return _state(model, task) + _at(images, few, more)


def fitting_parts(model: nn.Module, task: Task, free: int) -> int:
    """The fewest parts of a batch with which the training does not plainly need more than `free`.

    These are the bytes for all of it, the model's weights included. If they never suffice, it is
    the most parts there may be.
    """
    recipe, parts = task.proxy.recipe, task.parts
    most, few = free / PLAINLY - _state(model, task), _saved(model, task, _FEW)
    more: Saved = (2 * few[0], 2 * few[1])  # at most, as if all of it grew with the images
    if _at(-(-recipe.batch_size // parts), few, more) <= most:
        return parts
    more = _saved(model, task, 2 * _FEW)
    while parts < recipe.most_parts and _at(-(-recipe.batch_size // parts), few, more) > most:
        parts = min(2 * parts, recipe.most_parts)
    return parts


def _at(images: int, few: Saved, more: Saved) -> int:
    """Bytes of activations and of gradients on their way, from those of 2 and 4 images."""
    saved, largest = (a + (b - a) * (images - _FEW) // _FEW for a, b in zip(few, more, strict=True))
    return saved + 2 * largest


def _state(model: nn.Module, task: Task) -> int:
    """Bytes of weights, gradients, optimizer state and average."""
    recipe, weights = task.proxy.recipe, _bytes(model.state_dict().values())
    trained = _bytes(p for p in model.parameters() if p.requires_grad)
    moments = {"adamw": 2, "sgd": 1}[recipe.optimizer]
    return (2 if recipe.ema else 1) * weights + (1 + moments) * trained


def _saved(model: nn.Module, task: Task, images: int) -> Saved:
    weights = {_storage(p)._cdata for p in model.parameters()}
    found: dict[int, torch.UntypedStorage] = {}  # held, lest another takes its place

    def note(tensor: Tensor) -> Tensor:
        storage = _storage(tensor)
        if storage._cdata not in weights:
            found[storage._cdata] = storage
        return tensor

    data, device = task.data, task.device
    shape = (images, data.channels, data.resolution, data.resolution)
    batch = torch.zeros(shape, device=device).contiguous(memory_format=torch.channels_last)
    labels = torch.zeros(images, dtype=torch.int64, device=device)
    kept, training = [buffer.clone() for buffer in model.buffers()], model.training
    try:
        with task.own_randomness(), torch.autograd.graph.saved_tensors_hooks(note, lambda t: t):
            with task.autocast():
                logits = model.train()(batch)
            F.cross_entropy(logits.float(), labels)
    finally:
        model.train(training)
        with torch.no_grad():
            for buffer, value in zip(model.buffers(), kept, strict=True):
                buffer.copy_(value)
    sizes = [storage.nbytes() for storage in found.values()]
    return sum(sizes), max(sizes, default=0)


def _storage(tensor: Tensor) -> torch.UntypedStorage:
    return tensor.untyped_storage()


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.nbytes for tensor in tensors)
