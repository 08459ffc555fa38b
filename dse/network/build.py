"""From an architecture to a torch module with freshly initialised weights."""

from __future__ import annotations

from torch import Tensor, nn

from dse.architecture.spec import Architecture
from dse.network.blocks import Block, downsample, stem
from dse.network.layers import norm_layer


class Network(nn.Module):
    """Stem, stages of residual blocks, global average pooling, (norm,) linear head."""

    def __init__(self, a: Architecture, in_channels: int, classes: int) -> None:
        super().__init__()
        self.stem = stem(a, in_channels)
        self.stages = nn.Sequential()
        previous = a.dims[0]
        for index, (depth, width, kernel) in enumerate(
            zip(a.depths, a.dims, a.kernel_sizes, strict=True)
        ):
            stage = nn.Sequential()
            transition = index > 0
            if transition and a.downsampling == "separate":
                stage.append(downsample(a, previous, width))
            for block in range(depth):
                strided = transition and a.downsampling == "in_block" and block == 0
                stage.append(
                    Block(a, previous if strided else width, width, kernel, 2 if strided else 1)
                )
            self.stages.append(stage)
            previous = width
        self.norm = (
            norm_layer(a.norm_layer, previous) if a.downsampling == "separate" else nn.Identity()
        )
        self.head = nn.Linear(previous, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (N, in_channels, H, W) to logits (N, classes)."""
        x = self.stages(self.stem(x)).mean((2, 3), keepdim=True)
        logits: Tensor = self.head(self.norm(x).flatten(1))
        return logits


def build(architecture: Architecture, *, in_channels: int = 3, classes: int = 1000) -> Network:
    """Build a network; weights are drawn from torch's global generator.

    Convolution and linear weights are truncated normal with standard deviation 0.02 and biases
    zero, as in ConvNeXt, for every network of the family.
    """
    network = Network(architecture, in_channels, classes)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.trunc_normal_(module.weight, std=0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return network
