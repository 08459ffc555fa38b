"""The ConvNeXt paper's walk from a ResNet to a ConvNeXt, one step at a time (its Table 10).

Each step is the one before it with one change; steps 10 and 11 are side branches of step 9. What
the paper leaves open is a choice made here: a batch norm and an activation after the patchify stem
before step 16 (an activation only while blocks have three), a norm on projection shortcuts
throughout, and no layer scale before step 16.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dse.architecture.cost import cost
from dse.architecture.spec import Architecture


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One row of the roadmap.

    Attributes:
        number: as in the paper's Table 10, from 0.
        name: what is changed.
        architecture: the network.
        printed_gflops: as the paper prints it, or None where it prints none.
        printed_top1: ImageNet-1K top-1 accuracy [%] that the paper prints.
        printed_top1_std: its standard deviation over three seeds, as printed.
    """

    number: int
    name: str
    architecture: Architecture
    printed_gflops: float | None = None
    printed_top1: float | None = None
    printed_top1_std: float | None = None


def resnet(depths: tuple[int, ...], *, width: int) -> Architecture:
    """A bottleneck ResNet (He et al. 2016), stride on the 3x3; `width` is that of the stem.

    Blocks have four times the width outside that they have inside.
    """
    return Architecture(
        depths=depths,
        dims=tuple(4 * width * 2**stage for stage in range(len(depths))),
        kernel_sizes=(3,) * len(depths),
        expansion_ratio=0.25,
        block_order="spatial_middle",
        groups=1,
        norm_layer="batch_norm",
        act_layer="relu",
        norms_per_block=3,
        acts_per_block=3,
        pointwise="conv",
        stem="resnet",
        stem_width=width,
        downsampling="in_block",
        ls_init_value=None,
    )


def walk(
    depths: tuple[int, ...], ratio: tuple[int, ...], *, narrow: int, wide: int
) -> list[tuple[int, str, Architecture]]:
    """Steps 0 to 16 as (number, name, network).

    Args:
        depths: the ResNet's blocks in each stage.
        ratio: the blocks in each stage from step 2 on.
        narrow: the stem's width from step 2 to 4.
        wide: the stem's width from step 5 on, and the first stage's from step 6 on.
    """
    start = resnet(depths, width=64)
    ratio_changed = resnet(ratio, width=narrow)
    patchified = dataclasses.replace(ratio_changed, stem="patch", stem_act=True)
    depthwise = dataclasses.replace(patchified, groups=None)
    widened = dataclasses.replace(
        depthwise, dims=tuple(4 * wide * 2**stage for stage in range(4)), stem_width=wide
    )
    inverted = dataclasses.replace(
        widened, dims=tuple(wide * 2**stage for stage in range(4)), expansion_ratio=4.0
    )
    moved = dataclasses.replace(inverted, block_order="spatial_first")
    kernels = {size: _changed(moved, kernel_sizes=(size,) * 4) for size in (5, 7, 9, 11)}
    gelu = _changed(kernels[7], act_layer="gelu")
    fewer_acts = _changed(gelu, acts_per_block=1, stem_act=False)
    fewer_norms = _changed(fewer_acts, norms_per_block=1)
    layer_norm = _changed(fewer_norms, norm_layer="layer_norm")
    convnext = Architecture(depths=ratio, dims=tuple(wide * 2**stage for stage in range(4)))
    return [
        (0, "ResNet (original recipe)", start),
        (1, "ResNet (modern recipe)", start),
        (2, f"stage ratio {'-'.join(map(str, ratio))}", ratio_changed),
        (3, "patchify stem", patchified),
        (4, "depthwise conv", depthwise),
        (5, f"width {wide}", widened),
        (6, "inverted bottleneck", inverted),
        (7, "move depthwise conv up (k=3)", moved),
        (8, "kernel size 5", kernels[5]),
        (9, "kernel size 7", kernels[7]),
        (10, "kernel size 9 (side branch)", kernels[9]),
        (11, "kernel size 11 (side branch)", kernels[11]),
        (12, "ReLU to GELU (from k=7)", gelu),
        (13, "fewer activations", fewer_acts),
        (14, "fewer norms", fewer_norms),
        (15, "BN to LN", layer_norm),
        (16, "separate downsampling = ConvNeXt", convnext),
    ]


def _changed(a: Architecture, **changes: Any) -> Architecture:
    return dataclasses.replace(a, **changes)


# Liu et al. 2022, Table 10: GFLOPs, top-1 [%] and its standard deviation over three seeds.
_PRINTED: dict[int, tuple[float, float, float | None]] = {
    0: (4.09, 76.13, None),
    1: (4.09, 78.82, 0.07),
    2: (4.53, 79.36, 0.07),
    3: (4.42, 79.51, 0.18),
    4: (2.35, 78.28, 0.08),
    5: (5.27, 80.50, 0.02),
    6: (4.64, 80.64, 0.03),
    7: (4.07, 79.92, 0.08),
    8: (4.10, 80.35, 0.08),
    9: (4.15, 80.57, 0.14),
    10: (4.21, 80.57, 0.06),
    11: (4.29, 80.47, 0.11),
    12: (4.15, 80.62, 0.14),
    13: (4.15, 81.27, 0.06),
    14: (4.15, 81.41, 0.09),
    15: (4.46, 81.47, 0.09),
    16: (4.49, 81.97, 0.06),
}

FROM_RESNET50: tuple[Step, ...] = tuple(
    Step(
        number=number,
        name=name,
        architecture=architecture,
        printed_gflops=_PRINTED[number][0],
        printed_top1=_PRINTED[number][1],
        printed_top1_std=_PRINTED[number][2],
    )
    for number, name, architecture in walk((3, 4, 6, 3), (3, 3, 9, 3), narrow=64, wide=96)
)
FROM_RESNET200: tuple[Step, ...] = tuple(
    Step(number=number, name=name, architecture=architecture)
    for number, name, architecture in walk((3, 24, 36, 3), (3, 3, 27, 3), narrow=84, wide=128)
)
ROADMAPS = {"resnet50": FROM_RESNET50, "resnet200": FROM_RESNET200}


def roadmap_rows(start: str, *, resolution: int = 224) -> Iterator[dict[str, Any]]:
    """What each step costs, counted and as the paper prints it, which stay side by side."""
    for step in ROADMAPS[start]:
        counted = cost(step.architecture, resolution=resolution)
        yield {
            "step": step.number,
            "name": step.name,
            "flops": counted.flops,
            "params": counted.params,
            "activations": counted.activations,
            "printed_gflops": step.printed_gflops,
            "printed_top1": step.printed_top1,
            "printed_top1_std": step.printed_top1_std,
        }
