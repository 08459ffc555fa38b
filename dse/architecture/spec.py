"""The description of one network of the ConvNeXt story: a small frozen value, before torch.

It spans ResNet, ResNeXt, RegNetX, every step of the ConvNeXt paper's roadmap, ConvNeXt, its
isotropic form and ConvNeXt V2. `dse.architecture.plan` reads it into layers, for the cost and for
the builder.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

from dse.architecture.checks import check
from dse.architecture.widths import unit_for
from dse.errors import UserError

BlockOrder = Literal["spatial_first", "spatial_middle", "basic"]
NormLayer = Literal["layer_norm", "batch_norm", "rms_norm"]
ActLayer = Literal["gelu", "relu", "silu", "hardswish"]
Pointwise = Literal["linear", "conv"]
Stem = Literal["patch", "overlap", "overlap_act", "overlap_tiered", "resnet", "simple"]
Downsampling = Literal["separate", "in_block"]

CHOICES: dict[str, tuple[str, ...]] = {
    "block_order": get_args(BlockOrder),
    "norm_layer": get_args(NormLayer),
    "act_layer": get_args(ActLayer),
    "pointwise": get_args(Pointwise),
    "stem": get_args(Stem),
    "downsampling": get_args(Downsampling),
}

AFTER_ADD = "add"
"""The place of an activation after the residual addition."""

Places = tuple[int | str, ...]

_Number = TypeVar("_Number", int, float)


@dataclass(frozen=True, kw_only=True, slots=True)
class Architecture:
    """A network of stages of residual blocks: stem, stages, global pooling, linear head.

    The defaults are ConvNeXt-T's (Liu et al. 2022, "A ConvNet for the 2020s"). A block has one
    spatial convolution and two pointwise layers that lead to `round(expansion_ratio * dim)` hidden
    channels and back; a basic block has two spatial convolutions.

    Attributes:
        depths: blocks in each stage; any number of stages.
        dims: output channels of each stage.
        kernel_sizes: odd kernel size of the spatial convolutions, one for each stage or, within a
            stage, one for each block.
        expansion_ratio: hidden channels of a block over its output channels: 4 in ConvNeXt, 0.25
            in ResNet-50, 0.5 in ResNeXt-50 32x4d; one for all stages or, as in AnyNet, one for
            each.
        block_order: `spatial_first` is ConvNeXt's (spatial, pointwise, pointwise), on the block's
            input channels; `spatial_middle` is the bottleneck's (pointwise, spatial, pointwise), on
            hidden channels; `basic` is ResNet-18's (spatial, spatial).
        groups: groups of the spatial convolution; 1 is dense, None depthwise.
        group_width: channels in a group instead, as in AnyNet; one for all stages or one for each.
        norm_layer: the normalisation used everywhere; layer norm and RMS norm are per position.
        act_layer: the activation function used everywhere.
        norms_per_block: how many of a block's layers are followed by a norm, at their usual
            places (`norm_places`), or the places themselves, as indices of layers.
        acts_per_block: likewise for activations (`act_places`); "add" is after the addition.
        grn: global response normalisation before a block's last layer (ConvNeXt V2).
        pointwise: pointwise layers as `nn.Linear` or as 1x1 convolution.
        bias: whether convolution and pointwise layers have biases; None is everywhere but directly
            before a batch norm, which would cancel them. The head always has one.
        stem: `patch` is one convolution of `patch_size` with that stride; `overlap` is two 3x3 of
            stride 2 (timm's; `_act` with an activation between, `_tiered` with half the width
            first); `resnet` is 7x7 stride 2, then 3x3 max-pooling of stride 2; `simple` is one 3x3
            of stride 2 (RegNet's), after which the first stage downsamples as the others do.
        patch_size: of the `patch` stem.
        stem_width: output channels of the stem; None is the first stage's width. Another width
            takes downsampling in blocks, or the stem `simple`.
        stem_norm: whether a norm follows the stem's last convolution.
        stem_act: whether an activation follows that; None is only in the convolutional stems
            `resnet` and `simple`.
        downsampling: `separate` is a norm and a 2x2 stride-2 convolution between stages; `in_block`
            strides the first block of a stage. It is at the start of every stage but the first;
            with the stem `simple`, of the first as well.
        downsample_norm: whether separate downsampling has its norm.
        shortcut_norm: whether a norm follows a projection shortcut. There is a projection, a 1x1
            convolution, wherever a block changes channels or resolution.
        head_norm: whether a norm follows global pooling; None is with separate downsampling only.
        ls_init_value: initial layer scale, or None for no layer scale.
        drop_path_rate: stochastic depth of the last block, rising linearly from 0 at the first.

    Raises:
        UserError: a value, or a combination of values, that cannot exist.
    """

    depths: tuple[int, ...] = (3, 3, 9, 3)
    dims: tuple[int, ...] = (96, 192, 384, 768)
    kernel_sizes: tuple[int | tuple[int, ...], ...] = (7, 7, 7, 7)
    expansion_ratio: float | tuple[float, ...] = 4.0
    block_order: BlockOrder = "spatial_first"
    groups: int | None = None
    group_width: int | tuple[int, ...] | None = None
    norm_layer: NormLayer = "layer_norm"
    act_layer: ActLayer = "gelu"
    norms_per_block: int | tuple[int, ...] = 1
    acts_per_block: int | Places = 1
    grn: bool = False
    pointwise: Pointwise = "linear"
    bias: bool | None = None
    stem: Stem = "patch"
    patch_size: int = 4
    stem_width: int | None = None
    stem_norm: bool = True
    stem_act: bool | None = None
    downsampling: Downsampling = "separate"
    downsample_norm: bool = True
    shortcut_norm: bool = True
    head_norm: bool | None = None
    ls_init_value: float | None = 1e-6
    drop_path_rate: float = 0.0

    def __post_init__(self) -> None:
        check(self, CHOICES)
        # Equal networks must be equal values, with one hash: the shortest spelling is kept.
        for name in ("ls_init_value", "drop_path_rate"):
            if getattr(self, name) is not None:
                self._set(name, float(getattr(self, name)))
        ratios = tuple(float(self.stage_expansion_ratio(stage)) for stage in range(self.stages))
        self._set("expansion_ratio", _shortest(ratios))
        if self.norms_per_block in _USUAL_NORMS[self.block_order]:
            self._set("norms_per_block", _USUAL_NORMS[self.block_order].index(self.norms_per_block))
        if self.acts_per_block in _USUAL_ACTS[self.block_order]:
            self._set("acts_per_block", _USUAL_ACTS[self.block_order].index(self.acts_per_block))
        self._set("kernel_sizes", tuple(map(_shortest, self.kernel_sizes)))
        if self.group_width is not None:
            self._set("group_width", _shortest(self.group_width))
        if self.stem_width == self.dims[0]:
            self._set("stem_width", None)
        if self.stem_act == self._usual_stem_act:
            self._set("stem_act", None)
        if self.head_norm == self._usual_head_norm:
            self._set("head_norm", None)

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    @property
    def stages(self) -> int:
        """Number of stages."""
        return len(self.depths)

    @property
    def norm_places(self) -> tuple[int, ...]:
        """Which of a block's layers (0, 1, 2) are followed by a norm.

        One norm follows the spatial layer (roadmap step 14), two the first two layers, three all
        (ResNet). Two is not in the ConvNeXt paper; this place is our choice.
        """
        places = self.norms_per_block
        return _USUAL_NORMS[self.block_order][places] if isinstance(places, int) else places

    @property
    def act_places(self) -> Places:
        """Where activations stand: after a layer (0, 1, 2), or "add" after the addition.

        One activation stands before the last layer (roadmap step 13), two after the first two
        layers, three also after the addition (ResNet). In a basic block one stands between the
        layers, two also after the addition.
        """
        places = self.acts_per_block
        return _USUAL_ACTS[self.block_order][places] if isinstance(places, int) else places

    def kernels(self, stage: int) -> tuple[int, ...]:
        """The kernel size of each block of a stage."""
        sizes = self.kernel_sizes[stage]
        return sizes if isinstance(sizes, tuple) else (sizes,) * self.depths[stage]

    def stage_expansion_ratio(self, stage: int) -> float:
        """Hidden channels of a stage's blocks over their output channels."""
        ratio = self.expansion_ratio
        return ratio[stage] if isinstance(ratio, tuple) else ratio

    def stage_group_width(self, stage: int) -> int | None:
        """Channels in a group of a stage's spatial convolutions, where they are given."""
        width = self.group_width
        return width[stage] if isinstance(width, tuple) else width

    @property
    def has_stem_act(self) -> bool:
        """Whether an activation follows the stem's norm."""
        return self._usual_stem_act if self.stem_act is None else self.stem_act

    @property
    def has_head_norm(self) -> bool:
        """Whether a norm follows global pooling."""
        return self._usual_head_norm if self.head_norm is None else self.head_norm

    @property
    def _usual_stem_act(self) -> bool:
        return self.stem in ("resnet", "simple")

    @property
    def _usual_head_norm(self) -> bool:
        return self.downsampling == "separate"

    def scaled(self, channels: float) -> Architecture:
        """The same network with a fraction of its channels, the proxy's first reduction.

        Widths stay multiples of the groups where a convolution is grouped.

        Raises:
            UserError: the groups do not fit the smaller widths.
        """
        units = (_unit(self, stage) for stage in range(self.stages))
        dims = tuple(
            max(unit, round(dim * channels / unit) * unit)
            for dim, unit in zip(self.dims, units, strict=True)
        )
        stem = self.stem_width
        return dataclasses.replace(
            self, dims=dims, stem_width=None if stem is None else max(1, round(stem * channels))
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for YAML, JSON and the store."""
        return {name: _listed(value) for name, value in dataclasses.asdict(self).items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Architecture:
        """The inverse of `to_dict`; keys that are left out have ConvNeXt-T's values.

        Raises:
            UserError: an unknown key or an impossible value.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        for key in data:
            if key not in known:
                raise UserError(
                    f"unknown architecture key {key!r}; known keys: {', '.join(sorted(known))}."
                )
        return cls(**{name: _tupled(value) for name, value in data.items()})

    @property
    def hash(self) -> str:
        """Twelve hexadecimal digits that name this network, the same on every machine."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:12]


_USUAL_NORMS: dict[str, tuple[tuple[int, ...], ...]] = {
    "spatial_first": ((), (0,), (0, 1), (0, 1, 2)),
    "spatial_middle": ((), (1,), (0, 1), (0, 1, 2)),
    "basic": ((), (0,), (0, 1)),
}
_USUAL_ACTS: dict[str, tuple[Places, ...]] = {
    "spatial_first": ((), (1,), (0, 1), (0, 1, AFTER_ADD)),
    "spatial_middle": ((), (1,), (0, 1), (0, 1, AFTER_ADD)),
    "basic": ((), (0,), (0, AFTER_ADD)),
}


def _shortest(value: _Number | tuple[_Number, ...]) -> _Number | tuple[_Number, ...]:
    """One number where all entries are equal."""
    if isinstance(value, tuple) and len(set(value)) == 1:
        return value[0]
    return value


def _unit(a: Architecture, stage: int) -> int:
    """Widths of a stage that are multiples of this fit the groups of every spatial convolution."""
    if a.block_order == "spatial_middle":
        return unit_for(_groups(a, stage), a.stage_expansion_ratio(stage))
    # The next stage's first block may convolve this stage's channels.
    readers = range(stage, min(stage + 2, a.stages) if a.downsampling == "in_block" else stage + 1)
    return math.lcm(*(_groups(a, reader) for reader in readers))


def _groups(a: Architecture, stage: int) -> int:
    return a.groups or a.stage_group_width(stage) or 1


def _listed(value: Any) -> Any:
    return [_listed(item) for item in value] if isinstance(value, tuple) else value


def _tupled(value: Any) -> Any:
    return tuple(_tupled(item) for item in value) if isinstance(value, list | tuple) else value
