"""What a network costs, in closed form, without torch.

Convention (Dollár et al. 2021, "Fast and Accurate Model Scaling"; as RegNet, ConvNeXt and fvcore
print it): FLOPs are multiply-adds of convolution and linear layers, with bias, norm, activation,
pooling and addition counted as zero; activations are output elements of the same layers;
parameters are all learnable ones.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from dse.architecture.spec import Architecture
from dse.errors import UserError

# A width is one number, or an array of alternatives that are all costed at once.
Width = Any
Kind = Literal["conv", "linear", "norm", "scale"]


class Layer(NamedTuple):
    """One kind of layer with learnable parameters, and how often it occurs.

    `pixels` is the number of output positions; for norms and layer scales it is zero, since they
    are not counted in FLOPs or activations.
    """

    name: str
    kind: Kind
    in_channels: Width
    out_channels: Width
    kernel_size: int
    groups: Width
    bias: bool
    pixels: int
    repeat: int

    @property
    def flops(self) -> Width:
        """Multiply-adds of all its occurrences."""
        if self.pixels == 0:
            return 0
        return self.repeat * self.pixels * self._weights

    @property
    def params(self) -> Width:
        """Learnable parameters of all its occurrences."""
        if self.kind == "norm":
            return self.repeat * 2 * self.out_channels
        if self.kind == "scale":
            return self.repeat * self.out_channels
        return self.repeat * (self._weights + self.bias * self.out_channels)

    @property
    def activations(self) -> Width:
        """Output elements of all its occurrences."""
        return self.repeat * self.pixels * self.out_channels

    @property
    def _weights(self) -> Width:
        return self.kernel_size**2 * (self.in_channels // self.groups) * self.out_channels


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """Totals of one network, for one image."""

    flops: int
    params: int
    activations: int


def cost(
    architecture: Architecture, *, resolution: int = 224, in_channels: int = 3, classes: int = 1000
) -> Cost:
    """Cost of one network for one image of `resolution` x `resolution` pixels.

    >>> cost(Architecture()).flops  # ConvNeXt-T
    4455531264
    """
    table = list(
        layers(architecture, resolution=resolution, in_channels=in_channels, classes=classes)
    )
    return Cost(
        flops=sum(layer.flops for layer in table),
        params=sum(layer.params for layer in table),
        activations=sum(layer.activations for layer in table),
    )


def flops_of_widths(
    architecture: Architecture, dims: Sequence[np.ndarray], *, resolution: int = 224
) -> np.ndarray:
    """FLOPs of one shape at many widths: `dims[s]` holds the n alternatives for stage s.

    Returns:
        int64 array of shape (n,).
    """
    return np.asarray(
        sum(layer.flops for layer in layers(architecture, resolution=resolution, dims=dims))
    )


def hidden_width(expansion_ratio: float, dim: Width) -> Width:
    """Hidden channels of a block: the product rounded to the nearest whole number, at least 1."""
    if isinstance(dim, np.ndarray):
        return np.maximum(1, np.rint(expansion_ratio * dim).astype(np.int64))
    return max(1, round(expansion_ratio * dim))


def layers(
    architecture: Architecture,
    *,
    resolution: int = 224,
    in_channels: int = 3,
    classes: int = 1000,
    dims: Sequence[Width] | None = None,
) -> Iterator[Layer]:
    """The layers with learnable parameters, in order of execution, equal blocks once.

    Args:
        architecture: the network.
        resolution: height and width of the input in pixels.
        in_channels: channels of the input.
        classes: outputs of the head.
        dims: widths that stand in for the architecture's, each a number or an array.

    Raises:
        UserError: the input is too small for the network's downsampling.
    """
    a = architecture
    widths: Sequence[Width] = a.dims if dims is None else dims
    size = yield from _stem(a, widths[0], resolution, in_channels)
    previous = widths[0]
    for stage, width in enumerate(widths):
        name = f"stages.{stage}"
        blocks = a.depths[stage]
        if stage > 0 and a.downsampling == "separate":
            size = _halved_by_patches(size, resolution, a)
            yield _norm(f"{name}.downsample.norm", previous)
            yield Layer(f"{name}.downsample.conv", "conv", previous, width, 2, 1, True, size**2, 1)
        elif stage > 0:
            yield from _block(a, f"{name}.transition", stage, previous, width, size, 2, 1)
            size, blocks = -(-size // 2), blocks - 1
        if blocks:
            yield from _block(a, f"{name}.blocks", stage, width, width, size, 1, blocks)
        previous = width
    if a.downsampling == "separate":
        yield _norm("head.norm", previous)
    yield Layer("head.fc", "linear", previous, classes, 1, 1, True, 1, 1)


def _norm(name: str, width: Width, repeat: int = 1) -> Layer:
    return Layer(name, "norm", width, width, 1, 1, False, 0, repeat)


def _stem(
    a: Architecture, width: Width, resolution: int, in_channels: int
) -> Generator[Layer, None, int]:
    """The layers of the stem; returns the size of its feature map."""
    bias = a.norm_layer != "batch_norm"
    if a.stem == "patch":
        if resolution < 4:
            raise UserError(f"an input of {resolution} pixels is too small for a 4x4 stem.")
        size = resolution // 4
        yield Layer("stem.conv", "conv", in_channels, width, 4, 1, bias, size**2, 1)
    elif a.stem == "overlap":
        half, size = _halved(resolution), _halved(_halved(resolution))
        yield Layer("stem.conv1", "conv", in_channels, width, 3, 1, True, half**2, 1)
        yield Layer("stem.conv2", "conv", width, width, 3, 1, bias, size**2, 1)
    else:
        half, size = _halved(resolution), _halved(_halved(resolution))
        yield Layer("stem.conv", "conv", in_channels, width, 7, 1, bias, half**2, 1)
    yield _norm("stem.norm", width)
    return size


def _halved(size: int) -> int:
    """Size after a stride-2 layer with an odd kernel and padding of half of it."""
    return -(-size // 2)


def _halved_by_patches(size: int, resolution: int, a: Architecture) -> int:
    """Size after a 2x2 stride-2 convolution without padding."""
    if size < 2:
        raise UserError(
            f"an input of {resolution} pixels is too small for {a.stages} stages with separate "
            "downsampling: a map of one pixel cannot be halved."
        )
    return size // 2


def _block(
    a: Architecture,
    name: str,
    stage: int,
    before: Width,
    width: Width,
    size: int,
    stride: int,
    repeat: int,
) -> Iterator[Layer]:
    """The layers of a block whose input has `before` channels on a map of `size`^2 pixels."""
    hidden = hidden_width(a.expansion_ratio, width)
    kernel = a.kernel_sizes[stage]
    fine, coarse = size**2, (_halved(size) if stride == 2 else size) ** 2
    point: Kind = a.pointwise
    triple: tuple[tuple[str, Kind, Width, Width, int, Width, int], ...]
    if a.block_order == "spatial_first":
        triple = (
            ("spatial", "conv", before, before, kernel, before, coarse),
            ("expand", point, before, hidden, 1, 1, coarse),
            ("contract", point, hidden, width, 1, 1, coarse),
        )
    else:
        triple = (
            ("expand", point, before, hidden, 1, 1, fine),
            ("spatial", "conv", hidden, hidden, kernel, hidden, coarse),
            ("contract", point, hidden, width, 1, 1, coarse),
        )
    for position, (part, kind, inside, outside, k, groups, pixels) in enumerate(triple):
        normed = position in a.norm_positions
        bias = not (normed and a.norm_layer == "batch_norm")
        yield Layer(f"{name}.{part}", kind, inside, outside, k, groups, bias, pixels, repeat)
        if normed:
            yield _norm(f"{name}.{part}.norm", outside, repeat)
    if a.ls_init_value is not None:
        yield Layer(f"{name}.scale", "scale", width, width, 1, 1, False, 0, repeat)
    if stride == 2:
        bias = a.norm_layer != "batch_norm"
        yield Layer(f"{name}.shortcut", "conv", before, width, 1, 1, bias, coarse, repeat)
        yield _norm(f"{name}.shortcut.norm", width, repeat)
