"""An architecture, read into operations: what the cost sums up and the builder builds.

Widths may be arrays of alternatives (`dse.architecture.widths.Width`).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from dse.architecture.spec import AFTER_ADD, Architecture
from dse.architecture.widths import Width, half_width, hidden_width

Kind = Literal["conv", "linear", "norm", "act", "grn", "scale", "pool"]


class Op(NamedTuple):
    """One operation on a feature map; `name` is that of its module.

    `bias` says whether it has one, next to its weights or factors. `conv` is padded by half its
    kernel, unless it is a `patch`, whose stride is its kernel. `linear` maps channels at each
    position. `pool` is a maximum.
    """

    name: str
    kind: Kind
    in_channels: Width
    out_channels: Width
    kernel_size: Width = 1
    stride: int = 1
    groups: Width = 1
    bias: bool = False
    patch: bool = False

    @property
    def padding(self) -> int:
        """Zeros on every side of the map."""
        return 0 if self.patch else int(self.kernel_size // 2)

    def output_size(self, size: int) -> int:
        """Pixels along a side of the map after this operation."""
        if self.stride == 1 and not self.patch:
            return size
        return size // self.stride if self.patch else (size - 1) // self.stride + 1


class BlockPlan(NamedTuple):
    """A residual block: `after(shortcut(x) + branch(x))`; an empty shortcut is the identity."""

    branch: tuple[Op, ...]
    shortcut: tuple[Op, ...]
    after: tuple[Op, ...]


def stem(a: Architecture, in_channels: int) -> tuple[Op, ...]:
    """From the image to the first stage's map."""
    width = a.dims[0] if a.stem_width is None else a.stem_width
    bias = _bias(a, normed=a.stem_norm)
    ops: tuple[Op, ...]
    if a.stem == "patch":
        size = a.patch_size
        ops = (Op("conv", "conv", in_channels, width, size, size, 1, bias, patch=True),)
    elif a.stem == "resnet":
        ops = (Op("conv", "conv", in_channels, width, 7, 2, 1, bias),)
    elif a.stem == "simple":
        ops = (Op("conv", "conv", in_channels, width, 3, 2, 1, bias),)
    else:
        middle = half_width(width) if a.stem == "overlap_tiered" else width
        first = Op("conv1", "conv", in_channels, middle, 3, 2, 1, _bias(a, normed=False))
        between = (_act("act1", middle),) if a.stem == "overlap_act" else ()
        ops = (first, *between, Op("conv2", "conv", middle, width, 3, 2, 1, bias))
    if a.stem_norm:
        ops += (_norm(a, "norm", width),)
    if a.has_stem_act:
        ops += (_act("act", width),)
    if a.stem == "resnet":
        ops += (Op("pool", "pool", width, width, 3, 2),)
    return ops


def is_downsampled(a: Architecture, stage: int) -> bool:
    """Whether a stage begins by halving its map, as the first does after the stem `simple` only."""
    return stage > 0 or a.stem == "simple"


def downsample(a: Architecture, stage: int, before: Width, width: Width) -> tuple[Op, ...]:
    """The separate downsampling layer before a stage; none if there is none."""
    if a.downsampling != "separate" or not is_downsampled(a, stage):
        return ()
    bias = _bias(a, normed=False)
    conv = Op("conv", "conv", before, width, 2, 2, 1, bias, patch=True)
    return (_norm(a, "norm", before), conv) if a.downsample_norm else (conv,)


def first_stride(a: Architecture, stage: int) -> int:
    """Stride of a stage's first block."""
    return 2 if a.downsampling == "in_block" and is_downsampled(a, stage) else 1


def is_projected(a: Architecture, stage: int) -> bool:
    """Whether a stage's first block changes channels or resolution, which takes a projection."""
    if a.downsampling != "in_block":
        return False
    return is_downsampled(a, stage) or a.stem_width is not None


def block(
    a: Architecture, stage: int, kernel_size: Width, before: Width, width: Width, *, first: bool
) -> BlockPlan:
    """A block from `before` to `width` channels; `first` if it is its stage's first one."""
    stride = first_stride(a, stage) if first else 1
    layers = _block_layers(a, stage, kernel_size, before, width, stride)
    branch: list[Op] = []
    for place, layer in enumerate(layers):
        normed = place in a.norm_places
        channels = layer.out_channels
        branch.append(layer._replace(bias=_bias(a, normed=normed)))
        if normed:
            branch.append(_norm(a, f"{layer.name}_norm", channels))
        if place in a.act_places:
            branch.append(_act(f"{layer.name}_act", channels))
        if a.grn and place == len(layers) - 2:
            branch.append(Op("grn", "grn", channels, channels, bias=True))
    if a.ls_init_value is not None:
        branch.append(Op("scale", "scale", width, width))
    shortcut: tuple[Op, ...] = ()
    if first and is_projected(a, stage):
        bias = _bias(a, normed=a.shortcut_norm)
        shortcut = (Op("conv", "conv", before, width, 1, stride, 1, bias),)
        if a.shortcut_norm:
            shortcut += (_norm(a, "norm", width),)
    after = (_act("act", width),) if AFTER_ADD in a.act_places else ()
    return BlockPlan(tuple(branch), shortcut, after)


def head(a: Architecture, width: Width, classes: int) -> tuple[Op, ...]:
    """From the pooled features to the logits."""
    fc = Op("fc", "linear", width, classes, bias=True)
    return (_norm(a, "norm", width), fc) if a.has_head_norm else (fc,)


def _block_layers(
    a: Architecture, stage: int, kernel_size: Width, before: Width, width: Width, stride: int
) -> tuple[Op, ...]:
    def spatial(name: str, inside: Width, outside: Width, step: int) -> Op:
        group_width = a.stage_group_width(stage)
        groups = inside if a.groups is None else a.groups
        if group_width is not None:
            groups = inside // group_width
        return Op(name, "conv", inside, outside, kernel_size, step, groups)

    def pointwise(name: str, inside: Width, outside: Width) -> Op:
        return Op(name, a.pointwise, inside, outside)

    if a.block_order == "basic":
        return spatial("conv1", before, width, stride), spatial("conv2", width, width, 1)
    hidden = hidden_width(a.stage_expansion_ratio(stage), width)
    if a.block_order == "spatial_first":
        return (
            spatial("spatial", before, before, stride),
            pointwise("expand", before, hidden),
            pointwise("contract", hidden, width),
        )
    return (
        pointwise("expand", before, hidden),
        spatial("spatial", hidden, hidden, stride),
        pointwise("contract", hidden, width),
    )


def _bias(a: Architecture, *, normed: bool) -> bool:
    """Whether a layer has a bias: by default not where a batch norm follows and cancels it."""
    return not (normed and a.norm_layer == "batch_norm") if a.bias is None else a.bias


def _norm(a: Architecture, name: str, channels: Width) -> Op:
    return Op(name, "norm", channels, channels, bias=a.norm_layer != "rms_norm")


def _act(name: str, channels: Width) -> Op:
    return Op(name, "act", channels, channels)
