"""The description of one ConvNeXt-family network: a small frozen value, known before torch."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from dse.errors import UserError

BlockOrder = Literal["spatial_first", "spatial_middle"]
NormLayer = Literal["layer_norm", "batch_norm"]
ActLayer = Literal["gelu", "relu", "silu", "hardswish"]
Pointwise = Literal["linear", "conv"]
Stem = Literal["patch", "overlap", "resnet"]
Downsampling = Literal["separate", "in_block"]

CHOICES: dict[str, tuple[str, ...]] = {
    "block_order": get_args(BlockOrder),
    "norm_layer": get_args(NormLayer),
    "act_layer": get_args(ActLayer),
    "pointwise": get_args(Pointwise),
    "stem": get_args(Stem),
    "downsampling": get_args(Downsampling),
}

STEM_STRIDE = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Architecture:
    """A network of stages of residual blocks: stem, stages, global pooling, linear head.

    A block has three layers: one spatial (depthwise) convolution and two pointwise ones that
    expand to `round(expansion_ratio * dim)` channels and contract again. The defaults are
    ConvNeXt-T's (Liu et al. 2022, "A ConvNet for the 2020s").

    Attributes:
        depths: blocks in each stage.
        dims: output channels of each stage.
        kernel_sizes: kernel size of the spatial convolutions of each stage, odd.
        expansion_ratio: hidden channels of a block over its output channels.
        block_order: where the spatial convolution stands. `spatial_first` is ConvNeXt's (on the
            block's input channels); `spatial_middle` is the bottleneck's (on hidden channels).
        norm_layer: the normalisation used everywhere; `layer_norm` is per position.
        act_layer: the activation function used everywhere.
        norms_per_block: 0 to 3 (see `norm_positions`).
        acts_per_block: 0 to 3 (see `act_positions`).
        pointwise: pointwise layers as `nn.Linear` or as 1x1 convolution.
        stem: `patch` 4x4 stride 4; `overlap` two 3x3 stride 2 without activation between; `resnet`
            7x7 stride 2, norm, activation, 3x3 max-pool stride 2. The first two end in a norm.
        downsampling: `separate` is a norm and a 2x2 stride-2 convolution between stages and a
            norm before the head; `in_block` strides the first block of a stage, with a 1x1
            projection and a norm on the shortcut, and has no norm before the head.
        ls_init_value: initial layer scale, or None for no layer scale.

    A layer has a bias unless a batch norm follows it directly, which would cancel it.

    Raises:
        UserError: a value, or a combination of values, that cannot exist.
    """

    depths: tuple[int, ...] = (3, 3, 9, 3)
    dims: tuple[int, ...] = (96, 192, 384, 768)
    kernel_sizes: tuple[int, ...] = (7, 7, 7, 7)
    expansion_ratio: float = 4.0
    block_order: BlockOrder = "spatial_first"
    norm_layer: NormLayer = "layer_norm"
    act_layer: ActLayer = "gelu"
    norms_per_block: int = 1
    acts_per_block: int = 1
    pointwise: Pointwise = "linear"
    stem: Stem = "patch"
    downsampling: Downsampling = "separate"
    ls_init_value: float | None = 1e-6

    def __post_init__(self) -> None:
        stages = len(self.depths)
        if stages == 0 or len(self.dims) != stages or len(self.kernel_sizes) != stages:
            raise UserError(
                "depths, dims and kernel_sizes must have one entry for each stage, not "
                f"{stages}, {len(self.dims)} and {len(self.kernel_sizes)}."
            )
        _require_integers("depths", self.depths, minimum=1)
        _require_integers("dims", self.dims, minimum=1)
        _require_integers("kernel_sizes", self.kernel_sizes, minimum=1)
        if any(size % 2 == 0 for size in self.kernel_sizes):
            raise UserError(f"kernel_sizes must be odd, not {self.kernel_sizes}.")
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise UserError(
                    f"{name} must be one of {', '.join(allowed)}, not {getattr(self, name)!r}."
                )
        for name in ("norms_per_block", "acts_per_block"):
            if getattr(self, name) not in (0, 1, 2, 3):
                raise UserError(f"{name} must be 0, 1, 2 or 3, not {getattr(self, name)!r}.")
        if not _is_number(self.expansion_ratio) or self.expansion_ratio <= 0:
            raise UserError(f"expansion_ratio must be positive, not {self.expansion_ratio!r}.")
        if self.ls_init_value is not None and not _is_number(self.ls_init_value):
            raise UserError(f"ls_init_value must be a number or null, not {self.ls_init_value!r}.")
        # 4 and 4.0 are the same network and must have the same hash.
        object.__setattr__(self, "expansion_ratio", float(self.expansion_ratio))
        if self.ls_init_value is not None:
            object.__setattr__(self, "ls_init_value", float(self.ls_init_value))

    @property
    def stages(self) -> int:
        """Number of stages."""
        return len(self.depths)

    @property
    def norm_positions(self) -> tuple[int, ...]:
        """Which of a block's three layers (0, 1, 2) are followed by a norm.

        One norm follows the spatial layer (roadmap step 14), two the first two layers, three all
        (ResNet). Two is not in the ConvNeXt paper; this place is our choice.
        """
        spatial = 0 if self.block_order == "spatial_first" else 1
        return ((), (spatial,), (0, 1), (0, 1, 2))[self.norms_per_block]

    @property
    def act_positions(self) -> tuple[int, ...]:
        """Where activations stand: 0, 1 after that layer of the block, 2 after the residual add.

        One activation stands before the last pointwise layer (roadmap step 13), two after the
        first two layers, three also after the addition (ResNet).
        """
        return ((), (1,), (0, 1), (0, 1, 2))[self.acts_per_block]

    def scaled(self, channels: float, *, multiple_of: int = 1) -> Architecture:
        """The same network with a fraction of its channels, the proxy's first reduction."""
        dims = tuple(
            max(multiple_of, round(dim * channels / multiple_of) * multiple_of) for dim in self.dims
        )
        return dataclasses.replace(self, dims=dims)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for YAML, JSON and the store."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in dataclasses.asdict(self).items()
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Architecture:
        """The inverse of `to_dict`.

        Raises:
            UserError: an unknown key or an impossible value.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        for key in data:
            if key not in known:
                raise UserError(
                    f"unknown architecture key {key!r}; known keys: {', '.join(sorted(known))}."
                )
        values: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list | tuple) else v for k, v in data.items()
        }
        for name in ("depths", "dims", "kernel_sizes"):
            if name in values and not isinstance(values[name], tuple):
                raise UserError(f"{name} must be a list of whole numbers, not {values[name]!r}.")
        return cls(**values)

    @property
    def hash(self) -> str:
        """Twelve hexadecimal digits that name this network, the same on every machine."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _require_integers(name: str, values: tuple[int, ...], *, minimum: int) -> None:
    for value in values:
        if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
            raise UserError(f"{name} must be whole numbers from {minimum} up, not {value!r}.")
