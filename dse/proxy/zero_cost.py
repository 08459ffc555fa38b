"""Zero-cost scores: what the first weights and one batch say of a network before any training.

They are columns beside the error, never filters: they are often no better at ordering networks than
FLOPs or parameters are (White et al. 2022, "A Deeper Look at Zero-Cost Proxies for Lightweight
NAS"). Of every score, higher is held to be better. "Weights" are the matrices and kernels of a
network, as one-dimensional parameters are counted by none of the papers.
"""

from __future__ import annotations

import copy
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Pairs = list[tuple[Tensor, Tensor]]

_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm, nn.RMSNorm, nn.GroupNorm)
_ACTIVATIONS = (nn.GELU, nn.ReLU, nn.ReLU6, nn.SiLU, nn.Hardswish)

SMALLEST: Final = math.log(sys.float_info.min)
"""The synaptic flow, a logarithm, of a network through which nothing flows."""
JITTER: Final = 1e-5
"""Added to the eigenvalues of `jacob_cov`, as its authors do."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """A zero-cost score.

    Attributes:
        name: of the column.
        formula: what is computed.
        paper: who proposed it.
        of: the score of a network and a batch of images (b, c, r, r) with labels (b,); the network
            has its first weights, and keeps them.
    """

    name: str
    formula: str
    paper: str
    of: Callable[[nn.Module, Tensor, Tensor], float]


def synflow(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Logarithm of the synaptic flow Σ θ ∂R/∂θ, R = 1ᵀ f(1; |θ|) (Tanaka et al. 2020).

    f is the network without norms and activations on one image of ones: the sum over all paths
    through it of the product of the absolute weights, each counted once for every layer it goes
    through. For ReLU this is the paper's; other activations, which are not the identity on positive
    numbers, are taken for it. Neither images nor labels are looked at.
    """
    linear = _without(copy.deepcopy(model), (*_NORMS, *_ACTIVATIONS)).train()
    with torch.no_grad():
        for parameter in linear.parameters():
            parameter.abs_()
    linear(torch.ones_like(images[:1])).sum().backward()
    flow = sum(float((w.detach() * g).sum()) for w, g in _weights_and_gradients(linear))
    return max(math.log(flow), SMALLEST) if flow > 0 else SMALLEST


def grad_norm(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Σ over layers of ‖∂L/∂θ‖₂, L the mean cross-entropy (Abdelfattah et al. 2021)."""
    return sum(float(g.norm()) for _, g in _loss_gradients(model, images, labels))


def snip(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Connection sensitivity Σ |θ ∂L/∂θ|, L the mean cross-entropy (Lee et al. 2019)."""
    pairs = _loss_gradients(model, images, labels)
    return sum(float((w.detach() * g).abs().sum()) for w, g in pairs)


def jacob_cov(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """-Σ (ln(v + ε) + 1/(v + ε)) over eigenvalues v, ε = 1e-5 (Mellor et al. 2020, version 1).

    They are those of the correlation between images of the Jacobian's rows, the gradients of the
    summed outputs by each image: -b at best, where b images pull in unrelated directions. An image
    without any gradient is correlated with nothing, itself included. Batch norm's statistics are
    those of the batch, but held constant: with their gradient, the sum over a batch of what it has
    normalised would not depend on the images at all.
    """
    fixed = _with_statistics_of(images, copy.deepcopy(model))
    asked = images.detach().clone().requires_grad_(True)
    (jacobian,) = torch.autograd.grad(fixed(asked).sum(), asked)
    rows = jacobian.flatten(1)
    rows = F.normalize(rows - rows.mean(1, keepdim=True), eps=1e-30)  # zeros stay zeros
    eigenvalues = torch.linalg.eigvalsh((rows @ rows.T).cpu()).clamp(min=0) + JITTER
    return -float((eigenvalues.log() + 1 / eigenvalues).sum())


SCORES: Final = (
    Score(
        name="synflow",
        formula="ln Σ θ ∂R/∂θ, R = 1ᵀ f(1; |θ|)",
        paper="Tanaka et al. 2020",
        of=synflow,
    ),
    Score(name="grad_norm", formula="Σ ‖∂L/∂θ‖₂", paper="Abdelfattah et al. 2021", of=grad_norm),
    Score(name="snip", formula="Σ |θ ∂L/∂θ|", paper="Lee et al. 2019", of=snip),
    Score(
        name="jacob_cov",
        formula="-Σ (ln(v + ε) + 1/(v + ε))",
        paper="Mellor et al. 2020",
        of=jacob_cov,
    ),
)


def zero_cost(model: nn.Module, images: Tensor, labels: Tensor, *, seed: int) -> dict[str, float]:
    """All scores by name, computed in double precision; the network stays as it is.

    Random layers draw from `seed`. With single precision, some of the scores of a deep network
    change by a percent with the number of threads.
    """
    found = {}
    for score in SCORES:
        devices = [images.device] if images.device.type == "cuda" else []
        with torch.random.fork_rng(devices), torch.enable_grad():
            torch.manual_seed(seed)
            found[score.name] = score.of(copy.deepcopy(model).double(), images.double(), labels)
    return found


def _loss_gradients(
    model: nn.Module, images: Tensor, labels: Tensor
) -> list[tuple[Tensor, Tensor]]:
    model = copy.deepcopy(model).train()
    F.cross_entropy(model(images), labels).backward()  # type: ignore[no-untyped-call]
    return _weights_and_gradients(model)


def _weights_and_gradients(model: nn.Module) -> Pairs:
    pairs = [(p, p.grad) for p in model.parameters() if p.ndim > 1]
    return [(weight, gradient) for weight, gradient in pairs if gradient is not None]


def _with_statistics_of(images: Tensor, model: nn.Module) -> nn.Module:
    """The network in evaluation mode, with batch norm's statistics from these images alone."""
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.reset_running_stats()
            module.momentum = 1.0
    with torch.no_grad():
        model.train()(images)
    return model.eval()


def _without(model: nn.Module, kinds: tuple[type[nn.Module], ...]) -> nn.Module:
    """The network with the identity in the place of these layers."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, kinds):
                setattr(parent, name, nn.Identity())
    return model
