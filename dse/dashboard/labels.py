"""How every column is called, in which unit it is shown and on which scale.

The one table that drives axes, legends and tables; a new metric is a line here.
"""

from __future__ import annotations

import html
import re
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
    "error": Label(name="Held-out error", unit="%", factor=100, decimals=1),
    "train_loss": Label(name="Training loss", decimals=3),
    "seconds": Label(name="Training time", unit="s", decimals=1),
    "epoch": Label(name="Epoch"),
    "step": Label(name="Step"),
    "flops": Label(name="FLOPs", unit="GFLOPs", factor=1e-9, log=True, decimals=3),
    "params": Label(name="Parameters", unit="M", factor=1e-6, log=True, decimals=1),
    "activations": Label(name="Activations", unit="M", factor=1e-6, log=True, decimals=1),
    "arch.depths": Label(name="Depth", unit="blocks"),
    "arch.dims": Label(name="Width", unit="channels", log=True),
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
}
WORDS = {
    "layer_norm": "LayerNorm",
    "batch_norm": "BatchNorm",
    "gelu": "GELU",
    "relu": "ReLU",
    "silu": "SiLU",
    "hardswish": "Hardswish",
    "spatial_first": "spatial first",
    "spatial_middle": "spatial middle",
    "linear": "Linear",
    "conv": "1×1 conv",
    "in_block": "in block",
}


def label(column: str) -> Label:
    """The column's entry; a numbered one (`arch.depths.3`) names its stage, others themselves."""
    if column in LABELS:
        return LABELS[column]
    numbered = re.fullmatch(r"(.+)\.(\d+)", column)
    if numbered and numbered[1] in LABELS:
        base = LABELS[numbered[1]]
        name = f"{base.name}, stage {numbered[2]}"
        return Label(
            name=name, unit=base.unit, factor=base.factor, log=base.log, decimals=base.decimals
        )
    return Label(name=plain(column.removeprefix("arch.").replace("_", " ")))


def word(value: object) -> str:
    """A choice's value as shown: the known ones by their usual spelling, others as plain text."""
    return WORDS.get(str(value), plain(value))


def plain(value: object) -> str:
    """Text that Plotly shows as it is: its labels read a little HTML, also from names."""
    return html.escape(str(value), quote=False)


def axis_type(column: str, values: ArrayLike) -> str:
    """`log` where the column prefers it and its positive values span more than a factor 4."""
    shown: NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    shown = shown[np.isfinite(shown)]
    wide = bool(shown.size) and shown.min() > 0 and shown.max() > 4 * shown.min()
    return "log" if label(column).log and wide else "linear"
