"""The small layers of which networks are made, one for each kind of operation.

All tensors are (N, C, H, W). In channels_last memory format the permutations below only relabel
dimensions, so that `nn.Linear` and layer norm work on contiguous channels without a copy.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dse.architecture.plan import Op
from dse.architecture.spec import Architecture

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


class RMSNorm(nn.RMSNorm):
    """Root-mean-square norm over the channels at each position (Zhang & Sennrich 2019)."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise; shape (N, C, H, W) in and out."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class GlobalResponseNorm(nn.Module):
    """x + bias + weight * x * |x| / mean(|x|), with |x| over positions (Woo et al. 2023, V2)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise; shape (N, C, H, W) in and out."""
        size = torch.linalg.vector_norm(x, dim=(2, 3), keepdim=True)
        relative = size / (size.mean(dim=1, keepdim=True) + 1e-6)
        weight, bias = (p.to(x.dtype).view(1, -1, 1, 1) for p in (self.weight, self.bias))
        return x + torch.addcmul(bias, weight, x * relative)


class PointwiseLinear(nn.Linear):
    """A linear layer over the channels at each position: the same function as a 1x1 conv."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C_in, H, W) to (N, C_out, H, W)."""
        n, c, h, w = x.shape
        # Two dimensions: on the CPU a 1x1 map would else become one product for each image.
        rows = F.linear(x.permute(0, 2, 3, 1).reshape(-1, c), self.weight, self.bias)
        return rows.view(n, h, w, -1).permute(0, 3, 1, 2)


class StridedPointwise(nn.Conv2d):
    """A 1x1 convolution with a stride, as every stride-th position and then a 1x1 convolution.

    The same function, and the same count. On the CPU, torch 2.13's own (oneDNN) corrupts memory in
    its backward pass for some channels_last inputs, 11 channels on a 64x64 map among them.
    """

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        down, right = int(self.stride[0]), int(self.stride[1])
        kept = input[:, :, ::down, ::right]
        return F.conv2d(kept, weight, bias, groups=self.groups)


class LayerScale(nn.Module):
    """A learnable factor for each channel (Touvron et al. 2021, CaiT)."""

    def __init__(self, channels: int, init_value: float) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((channels,), init_value))

    def forward(self, x: Tensor) -> Tensor:
        """Scale; shape (N, C, H, W) in and out."""
        return x * self.gamma.to(x.dtype).view(1, -1, 1, 1)


class DropPath(nn.Module):
    """Stochastic depth (Huang et al. 2016): in training, a whole branch of an image is dropped."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """Drop each image's branch with the rate, and scale up what is kept."""
        if not self.training:
            return x
        kept = x.new_empty(x.shape[0], 1, 1, 1).bernoulli_(1 - self.rate)
        return x * kept / (1 - self.rate)

    def extra_repr(self) -> str:
        """The rate, for printing."""
        return f"rate={self.rate:g}"


NORMS: dict[str, type[nn.Module]] = {
    "layer_norm": LayerNorm,
    "batch_norm": nn.BatchNorm2d,
    "rms_norm": RMSNorm,
}


def module(op: Op, a: Architecture) -> nn.Module:
    """The module of one planned operation."""
    match op.kind:
        case "conv":
            strided_pointwise = op.kernel_size == 1 and op.stride > 1
            return (StridedPointwise if strided_pointwise else nn.Conv2d)(
                op.in_channels,
                op.out_channels,
                op.kernel_size,
                op.stride,
                op.padding,
                groups=op.groups,
                bias=op.bias,
            )
        case "linear":
            return PointwiseLinear(op.in_channels, op.out_channels, bias=op.bias)
        case "norm":
            return NORMS[a.norm_layer](op.out_channels)
        case "act":
            return ACTIVATIONS[a.act_layer]()
        case "grn":
            return GlobalResponseNorm(op.out_channels)
        case "scale":
            assert a.ls_init_value is not None
            return LayerScale(op.out_channels, a.ls_init_value)
        case "pool":
            return nn.MaxPool2d(op.kernel_size, op.stride, op.padding)
