"""How every column is called, in which unit it is shown and on which scale.

The one table that drives axes, legends and tables; a new metric is a line here.
"""

from __future__ import annotations

import dataclasses
import html
import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

COUNTING = "FLOPs = multiply-adds of convolution and linear layers, at the study's resolution"


@dataclass(frozen=True, kw_only=True)
class Label:
    """A column's `name`, shown `unit`, `factor` from stored to shown, and preferred scale."""

    name: str
    unit: str = ""
    factor: float = 1.0
    log: bool = False
    decimals: int = 0

    @property
    def axis(self) -> str:
        """Name and unit, as an axis title."""
        return f"{self.name} [{self.unit}]" if self.unit else self.name

    def number(self, value: float) -> str:
        """A stored value as a number in the shown unit; a dash where there is none."""
        return f"{self.factor * value:.{self.decimals}f}" if np.isfinite(value) else "–"


LABELS = {
    "index": Label(name="Network"),
    "state": Label(name="State"),
    "reason": Label(name="Reason"),
    "error": Label(name="Held-out error", unit="%", factor=100, decimals=1),
    "train_loss": Label(name="Training loss", decimals=3),
    "seconds": Label(name="Training time", unit="s", decimals=1),
    "epoch": Label(name="Epoch"),
    "step": Label(name="Step"),
    "flops": Label(name="FLOPs", unit="GFLOPs", factor=1e-9, log=True, decimals=3),
    "params": Label(name="Parameters", unit="M", factor=1e-6, log=True, decimals=1),
    "activations": Label(name="Activations", unit="M", factor=1e-6, log=True, decimals=1),
    "latency": Label(name="Latency", unit="ms", factor=1e3, log=True, decimals=2),
    "throughput_inference": Label(name="Throughput of inference", unit="images/s", log=True),
    "throughput_training": Label(name="Throughput of training", unit="images/s", log=True),
    "memory_inference": Label(name="Memory of inference", unit="MB", factor=1e-6, log=True),
    "memory_training": Label(name="Memory of training", unit="MB", factor=1e-6, log=True),
    "arch.depths": Label(name="Depth", unit="blocks"),
    "arch.dims": Label(name="Width", unit="channels", log=True),
    "arch.dims.growth": Label(name="Growth of width"),
    "arch.dims.first": Label(name="First width", unit="channels", log=True),
    "arch.dims.depth": Label(name="Depth in all", unit="blocks"),
    "arch.dims.initial": Label(name="Initial width w₀", unit="channels", log=True),
    "arch.dims.slope": Label(name="Slope of widths wₐ", log=True),
    "arch.dims.multiplier": Label(name="Step of widths wₘ"),
    "arch.stem_ratio": Label(name="Stem over first width"),
    "arch.kernel_sizes": Label(name="Kernel size"),
    "arch.expansion_ratio": Label(name="Expansion ratio"),
    "arch.block_order": Label(name="Block order"),
    "arch.norm_layer": Label(name="Norm"),
    "arch.act_layer": Label(name="Activation"),
    "arch.norms_per_block": Label(name="Norms per block"),
    "arch.acts_per_block": Label(name="Activations per block"),
    "arch.pointwise": Label(name="Pointwise layers"),
    "arch.stem": Label(name="Stem"),
    "arch.downsampling": Label(name="Downsampling"),
    "arch.ls_init_value": Label(name="Layer scale"),
    "arch.groups": Label(name="Groups"),
    "arch.group_width": Label(name="Group width", unit="channels"),
    "arch.grn": Label(name="Global response norm"),
    "arch.bias": Label(name="Biases"),
    "arch.patch_size": Label(name="Patch size", unit="px"),
    "arch.stem_width": Label(name="Stem width", unit="channels", log=True),
    "arch.stem_norm": Label(name="Norm after the stem"),
    "arch.stem_act": Label(name="Activation after the stem"),
    "arch.downsample_norm": Label(name="Norm before downsampling"),
    "arch.shortcut_norm": Label(name="Norm on projections"),
    "arch.head_norm": Label(name="Norm before the head"),
    "arch.drop_path_rate": Label(name="Stochastic depth"),
}
WORDS = {
    "layer_norm": "LayerNorm",
    "batch_norm": "BatchNorm",
    "rms_norm": "RMSNorm",
    "gelu": "GELU",
    "relu": "ReLU",
    "silu": "SiLU",
    "hardswish": "Hardswish",
    "spatial_first": "spatial first",
    "spatial_middle": "spatial middle",
    "linear": "Linear",
    "conv": "1×1 conv",
    "in_block": "in block",
    "overlap_act": "overlap with activation",
    "overlap_tiered": "overlap, tiered",
    "simple": "simple 3×3",
    "True": "yes",
    "False": "no",
}


def label(column: str) -> Label:
    """The column's entry; a numbered one (`arch.depths.3`) names its stage, others themselves.

    A second number (`arch.kernel_sizes.3.1`) is the block in the stage; the numbers of a list of
    places in a block (`arch.norms_per_block.1`) count these.
    """
    if column in LABELS:
        return LABELS[column]
    numbered = re.fullmatch(r"(.+?)\.(\d+)(?:\.(\d+))?", column)
    if numbered and numbered[1] in LABELS:
        base = LABELS[numbered[1]]
        what = "place" if numbered[1].endswith("_per_block") else "stage"
        what = "after stage" if numbered[1].endswith(".growth") else what
        block = f", block {numbered[3]}" if numbered[3] else ""
        return dataclasses.replace(base, name=f"{base.name}, {what} {numbered[2]}{block}")
    return Label(name=plain(column.removeprefix("arch.").replace("_", " ")))


def word(value: object) -> str:
    """A choice's value as shown: the known ones by their usual spelling, others as plain text."""
    return WORDS.get(str(value), plain(value))


def joined(values: Iterable[object]) -> str:
    """One value a stage, as `3-3-9-3`; a stage that has several has them as `7/5/7`."""
    return "-".join(
        "/".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        for value in values
    )


def plain(value: object) -> str:
    """Text that Plotly shows as it is: its labels read a little HTML, also from names."""
    return html.escape(str(value), quote=False)


def axis_type(column: str, values: ArrayLike) -> str:
    """`log` where the column prefers it and its positive values span more than a factor 4."""
    shown: NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    shown = shown[np.isfinite(shown)]
    wide = bool(shown.size) and shown.min() > 0 and shown.max() > 4 * shown.min()
    return "log" if label(column).log and wide else "linear"
