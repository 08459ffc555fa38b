"""The residual block, the stem and the downsampling layer of a network."""

from __future__ import annotations

from torch import Tensor, nn

from dse.architecture.cost import hidden_width
from dse.architecture.spec import Architecture
from dse.network.layers import ACTIVATIONS, LayerScale, PointwiseLinear, norm_layer


class Block(nn.Module):
    """A residual block of one spatial and two pointwise layers, as `Architecture` describes."""

    def __init__(
        self, a: Architecture, in_channels: int, out_channels: int, kernel_size: int, stride: int
    ) -> None:
        super().__init__()
        hidden = hidden_width(a.expansion_ratio, out_channels)
        self.branch = nn.Sequential()
        if a.block_order == "spatial_first":
            self._spatial(a, 0, in_channels, kernel_size, stride)
            self._pointwise(a, 1, in_channels, hidden)
        else:
            self._pointwise(a, 0, in_channels, hidden)
            self._spatial(a, 1, hidden, kernel_size, stride)
        self._pointwise(a, 2, hidden, out_channels)
        if a.ls_init_value is not None:
            self.branch.append(LayerScale(out_channels, a.ls_init_value))
        self.shortcut = (
            nn.Identity()
            if stride == 1
            else nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=a.norm_layer != "batch_norm"),
                norm_layer(a.norm_layer, out_channels),
            )
        )
        self.act = ACTIVATIONS[a.act_layer]() if 2 in a.act_positions else nn.Identity()

    def _spatial(
        self, a: Architecture, position: int, channels: int, kernel_size: int, stride: int
    ) -> None:
        conv = nn.Conv2d(
            channels,
            channels,
            kernel_size,
            stride,
            padding=kernel_size // 2,
            groups=channels,
            bias=has_bias(a, position),
        )
        self._append(a, position, conv, channels)

    def _pointwise(self, a: Architecture, position: int, inside: int, outside: int) -> None:
        bias = has_bias(a, position)
        layer = (
            PointwiseLinear(inside, outside, bias=bias)
            if a.pointwise == "linear"
            else nn.Conv2d(inside, outside, 1, bias=bias)
        )
        self._append(a, position, layer, outside)

    def _append(self, a: Architecture, position: int, layer: nn.Module, channels: int) -> None:
        self.branch.append(layer)
        if position in a.norm_positions:
            self.branch.append(norm_layer(a.norm_layer, channels))
        if position < 2 and position in a.act_positions:
            self.branch.append(ACTIVATIONS[a.act_layer]())

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C_in, H, W) to (N, C_out, ceil(H / stride), ceil(W / stride))."""
        y: Tensor = self.act(self.shortcut(x) + self.branch(x))
        return y


def has_bias(a: Architecture, position: int) -> bool:
    """Whether the block's layer at `position` has a bias: not where a batch norm cancels it."""
    return not (position in a.norm_positions and a.norm_layer == "batch_norm")


def stem(a: Architecture, in_channels: int) -> nn.Sequential:
    """From (N, in_channels, H, W) to (N, dims[0], H / 4, W / 4)."""
    width, bias = a.dims[0], a.norm_layer != "batch_norm"
    norm = norm_layer(a.norm_layer, width)
    if a.stem == "patch":
        return nn.Sequential(nn.Conv2d(in_channels, width, 4, 4, bias=bias), norm)
    if a.stem == "overlap":
        return nn.Sequential(
            nn.Conv2d(in_channels, width, 3, 2, padding=1),
            nn.Conv2d(width, width, 3, 2, padding=1, bias=bias),
            norm,
        )
    return nn.Sequential(
        nn.Conv2d(in_channels, width, 7, 2, padding=3, bias=bias),
        norm,
        ACTIVATIONS[a.act_layer](),
        nn.MaxPool2d(3, 2, padding=1),
    )


def downsample(a: Architecture, in_channels: int, out_channels: int) -> nn.Sequential:
    """A separate downsampling layer: norm, then 2x2 convolution with stride 2."""
    return nn.Sequential(
        norm_layer(a.norm_layer, in_channels), nn.Conv2d(in_channels, out_channels, 2, 2)
    )
