"""From an architecture to a torch module with freshly initialised weights."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import Tensor, nn

from dse.architecture import plan
from dse.architecture.plan import BlockPlan, Op
from dse.architecture.spec import Architecture
from dse.network.layers import DropPath, module


class Block(nn.Module):
    """A residual block: `after(shortcut(x) + drop_path(branch(x)))`."""

    def __init__(self, block: BlockPlan, a: Architecture, drop_path: float) -> None:
        super().__init__()
        self.branch = _sequence(block.branch, a)
        self.drop_path = DropPath(drop_path) if drop_path > 0 else nn.Identity()
        self.shortcut = _sequence(block.shortcut, a)
        self.after = _sequence(block.after, a)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C_in, H, W) to (N, C_out, ceil(H / stride), ceil(W / stride))."""
        y: Tensor = self.after(self.shortcut(x) + self.drop_path(self.branch(x)))
        return y


class Stage(nn.Module):
    """Separate downsampling if there is any, then blocks."""

    def __init__(self, a: Architecture, stage: int, rates: Sequence[float]) -> None:
        super().__init__()
        width = a.dims[stage]
        before = a.dims[stage - 1] if stage else (a.stem_width or width)
        downsample = plan.downsample(a, stage, before, width)
        self.downsample = _sequence(downsample, a)
        self.blocks = nn.Sequential()
        for number, (kernel, rate) in enumerate(zip(a.kernels(stage), rates, strict=True)):
            first = number == 0
            inside = before if first and not downsample else width
            planned = plan.block(a, stage, kernel, inside, width, first=first)
            self.blocks.append(Block(planned, a, rate))

    def forward(self, x: Tensor) -> Tensor:
        """Map one stage's features to the next one's."""
        y: Tensor = self.blocks(self.downsample(x))
        return y


class Network(nn.Module):
    """Stem, stages of residual blocks, global average pooling, (norm,) linear head."""

    def __init__(self, a: Architecture, in_channels: int, classes: int) -> None:
        super().__init__()
        self.stem = _sequence(plan.stem(a, in_channels), a)
        rates = drop_path_rates(a)
        self.stages = nn.Sequential(*(Stage(a, stage, rates[stage]) for stage in range(a.stages)))
        self.head = _sequence(plan.head(a, a.dims[-1], classes), a)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (N, in_channels, H, W) to logits (N, classes)."""
        features = self.stages(self.stem(x)).mean((2, 3), keepdim=True)
        logits: Tensor = self.head(features)
        return logits.flatten(1)


def build(architecture: Architecture, *, in_channels: int = 3, classes: int = 1000) -> Network:
    """Build a network; weights are drawn from torch's global generator.

    Convolution and linear weights are truncated normal with standard deviation 0.02 and biases
    zero, as in ConvNeXt, for every network of the family.
    """
    network = Network(architecture, in_channels, classes)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.trunc_normal_(layer.weight, std=0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return network


def drop_path_rates(a: Architecture) -> list[list[float]]:
    """Stochastic depth of every block, by stage: linear from 0 to `drop_path_rate` at the last."""
    last = max(1, sum(a.depths) - 1)
    rates, number = [], 0
    for depth in a.depths:
        rates.append([a.drop_path_rate * k / last for k in range(number, number + depth)])
        number += depth
    return rates


def _sequence(ops: Sequence[Op], a: Architecture) -> nn.Sequential:
    """Operations one after the other, under their names; none is the identity."""
    return nn.Sequential(OrderedDict((op.name, module(op, a)) for op in ops))
