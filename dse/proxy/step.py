"""One optimizer step, as one function of tensors.

It is called as it is, or captured as a CUDA graph and replayed, or with its forward pass compiled
(`runner.py`), and is the same function each time. A replay repeats what was captured to the number,
so whatever changes from step to step is no Python number in it: `prepare` puts it into tensors.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dse.proxy.optimizer import WeightAverage, make_optimizer, set_rate
from dse.proxy.task import Task


class TrainingStep:
    """What a step does to `model`: forward, loss, backward, gradient norm, optimizer, average.

    Attributes:
        forward: gives the logits; the model, or what it was compiled to.
        losses: mean loss of every step's batch, (steps,); kept on the device, as reading waits.
        grad_norms: Euclidean norm of every step's whole gradient, weight decay left out, (steps,).
    """

    def __init__(
        self, model: nn.Module, task: Task, *, rate: float, steps: int, captured: bool
    ) -> None:
        self.model, self.task = model, task
        self.forward: Callable[[Tensor], Tensor] = model
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.losses = torch.zeros(steps, device=task.device)
        self.grad_norms = torch.zeros(steps, device=task.device)
        self.optimizer = make_optimizer(model, task.proxy.recipe, rate, captured=captured)
        ema = task.proxy.recipe.ema
        self.average = WeightAverage(model, ema, captured=captured) if ema else None
        self._slot = torch.zeros(1, dtype=torch.int64, device=task.device)
        self._autocast = task.autocast()

    def prepare(self, step: int, rate: float) -> None:
        """Say which step is next, from 0, and its learning rate; nothing here waits for a GPU."""
        self._slot.fill_(step)
        set_rate(self.optimizer, rate)
        if self.average:
            self.average.prepare(step)

    def __call__(self, images: Tensor, labels: Tensor) -> None:
        """Do the step that was prepared.

        `images` (b, c, r, r) are normalised; `labels` are classes (b,) or probabilities of classes
        (b, classes). The gradient is that of the mean over the batch, whatever parts it is
        computed in.
        """
        self.optimizer.zero_grad(set_to_none=True)
        loss = self._gradients(images, labels)
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        norm = torch.stack(torch._foreach_norm(gradients)).norm()
        self.optimizer.step()
        if self.average:
            self.average.update()
        self.losses.index_copy_(0, self._slot, loss.view(1))
        self.grad_norms.index_copy_(0, self._slot, norm.view(1))

    def _gradients(self, images: Tensor, labels: Tensor) -> Tensor:
        """Leave the gradient with the parameters; the mean loss."""
        parts, total = self.task.parts, torch.zeros((), device=self.task.device)
        smoothing = self.task.proxy.recipe.label_smoothing
        pieces = zip(images.tensor_split(parts), labels.tensor_split(parts), strict=True)
        for some, theirs in pieces:
            with self._autocast:
                logits = self.forward(some)
            loss = F.cross_entropy(logits.float(), theirs, label_smoothing=smoothing)
            loss = loss * (len(some) / len(images))
            loss.backward()  # type: ignore[no-untyped-call]
            total = total + loss.detach()
        return total
