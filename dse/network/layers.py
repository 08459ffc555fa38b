"""The small layers of which blocks are made.

All tensors are (N, C, H, W). In channels_last memory format the permutations below only relabel
dimensions, so that `nn.Linear` and layer norm work on contiguous channels without a copy.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "gelu": nn.GELU,
    "relu": nn.ReLU,
    "silu": nn.SiLU,
    "hardswish": nn.Hardswish,
}


class LayerNorm(nn.LayerNorm):
    """Layer norm over the channels at each position of (N, C, H, W) (Liu et al. 2022)."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise; shape (N, C, H, W) in and out."""
        x = x.permute(0, 2, 3, 1)
        x = F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


class PointwiseLinear(nn.Linear):
    """A linear layer over the channels at each position: the same function as a 1x1 conv."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C_in, H, W) to (N, C_out, H, W)."""
        n, c, h, w = x.shape
        # Two dimensions: on the CPU a 1x1 map would else become one product for each image.
        rows = F.linear(x.permute(0, 2, 3, 1).reshape(-1, c), self.weight, self.bias)
        return rows.view(n, h, w, -1).permute(0, 3, 1, 2)


class LayerScale(nn.Module):
    """A learnable factor for each channel (Touvron et al. 2021, CaiT)."""

    def __init__(self, channels: int, init_value: float) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((channels,), init_value))

    def forward(self, x: Tensor) -> Tensor:
        """Scale; shape (N, C, H, W) in and out."""
        return x * self.gamma.to(x.dtype).view(1, -1, 1, 1)


def norm_layer(name: str, channels: int) -> nn.Module:
    """The normalisation `name` over `channels`."""
    return LayerNorm(channels) if name == "layer_norm" else nn.BatchNorm2d(channels)
