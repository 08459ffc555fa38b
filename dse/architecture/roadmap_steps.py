"""The steps of the ConvNeXt paper's walk as switches, each on or off, at the paper's own widths.

The walk itself turns them on in their order; here any set of them is a network, so that what a step
adds can be asked in other orders. Only kernel size 7 comes after 5. At equal cost they are the
choices of spaces/roadmap_space.yaml, where the budget solves for the width.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from dse.architecture.roadmap import resnet
from dse.architecture.spec import Architecture

STEPS = (
    "stage ratio",
    "patchify stem",
    "depthwise conv",
    "width",
    "inverted bottleneck",
    "move depthwise conv up",
    "kernel size 5",
    "kernel size 7",
    "ReLU to GELU",
    "fewer activations",
    "fewer norms",
    "BN to LN",
    "separate downsampling",
)
NEEDS: Mapping[str, frozenset[str]] = {"kernel size 7": frozenset({"kernel size 5"})}
NUMBERS = (2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 14, 15, 16)
"""The paper's row (Table 10) at which each step has been taken; 10 and 11 are side branches."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """Where a walk starts: the ResNet's blocks in each stage, and what the steps make of them.

    `ratio` are the blocks after the step "stage ratio", which also takes the stem's width from 64
    to `narrow`; "width" takes it to `wide`.
    """

    depths: tuple[int, ...]
    ratio: tuple[int, ...]
    narrow: int
    wide: int


RESNET50 = Start(depths=(3, 4, 6, 3), ratio=(3, 3, 9, 3), narrow=64, wide=96)
RESNET200 = Start(depths=(3, 24, 36, 3), ratio=(3, 3, 27, 3), narrow=84, wide=128)


def network(start: Start, applied: frozenset[str]) -> Architecture:
    """The network with the steps `applied`, whatever their order was.

    A bottleneck's stem is a quarter as wide as its first stage, except before separate
    downsampling, which leaves no layer that could widen it. With the last step come layer scale and
    linear pointwise layers, as in the walk.
    """
    assert applied <= set(STEPS), "a step that is not on the walk"
    assert all(NEEDS.get(step, frozenset()) <= applied for step in applied), "a step lacks another"
    ratio, separate = "stage ratio" in applied, "separate downsampling" in applied
    width = start.wide if "width" in applied else start.narrow if ratio else 64
    few = "fewer activations" in applied
    found = resnet(start.ratio if ratio else start.depths, width=width)
    if "patchify stem" in applied:
        found = dataclasses.replace(found, stem="patch", stem_act=not few)
    if "inverted bottleneck" in applied:
        dims = tuple(width * 2**stage for stage in range(len(found.dims)))
        found = dataclasses.replace(found, dims=dims, expansion_ratio=4.0)
    kernel = 7 if "kernel size 7" in applied else 5 if "kernel size 5" in applied else 3
    default = Architecture()
    return dataclasses.replace(
        found,
        groups=None if "depthwise conv" in applied else 1,
        block_order="spatial_first" if "move depthwise conv up" in applied else "spatial_middle",
        kernel_sizes=(kernel,) * len(found.dims),
        act_layer="gelu" if "ReLU to GELU" in applied else "relu",
        acts_per_block=1 if few else 3,
        norms_per_block=1 if "fewer norms" in applied else 3,
        norm_layer="layer_norm" if "BN to LN" in applied else "batch_norm",
        downsampling="separate" if separate else "in_block",
        stem_width=None if separate else width,
        ls_init_value=default.ls_init_value if separate else None,
        pointwise=default.pointwise if separate else "conv",
    )


def applied(start: Start, a: Architecture) -> frozenset[str] | None:
    """The steps that a network has taken; None where it is no network of the walk's switches.

    At the widths of the walk, "width" is among them or not. At others, as where a budget solves for
    the widths, it is left out, and layer scale and the pointwise layers may be either.
    """
    switches = {
        "stage ratio": (a.depths, start.depths, start.ratio),
        "patchify stem": (a.stem, "resnet", "patch"),
        "depthwise conv": (a.groups, 1, None),
        "inverted bottleneck": (a.expansion_ratio, 0.25, 4.0),
        "move depthwise conv up": (a.block_order, "spatial_middle", "spatial_first"),
        "ReLU to GELU": (a.act_layer, "relu", "gelu"),
        "fewer activations": (a.acts_per_block, 3, 1),
        "fewer norms": (a.norms_per_block, 3, 1),
        "BN to LN": (a.norm_layer, "batch_norm", "layer_norm"),
        "separate downsampling": (a.downsampling, "in_block", "separate"),
    }
    sizes = a.kernel_sizes[0] if len(set(a.kernel_sizes)) == 1 else ()
    kernels = {3: (), 5: STEPS[6:7], 7: STEPS[6:8]}.get(sizes) if isinstance(sizes, int) else None
    if kernels is None or any(value not in ends for value, *ends in switches.values()):
        return None
    taken = frozenset(kernels).union(
        name for name, (value, _, on) in switches.items() if value == on
    )
    wide = network(start, taken | {"width"})
    if a in (wide, network(start, taken)):
        return taken | {"width"} if a == wide else taken
    free = ("dims", "stem_width", "stem_act", "ls_init_value", "pointwise")
    same = dataclasses.replace(wide, **{name: getattr(a, name) for name in free})
    return taken if a == same else None
