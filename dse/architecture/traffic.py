"""What FLOPs hide: how many bytes each layer moves, and how much it computes with each byte.

A device with p multiply-adds a second and b bytes a second is busy with memory, not arithmetic, in
every layer whose intensity is below p / b (the roofline of Williams et al. 2009). Depthwise
convolutions, norms and activations are.
"""

from __future__ import annotations

from dataclasses import dataclass

from dse.architecture.cost import layers
from dse.architecture.spec import Architecture


@dataclass(frozen=True, kw_only=True, slots=True)
class Traffic:
    """One layer, all its occurrences together.

    Attributes:
        name: path of its module, without the number of the block where it stands for several.
        kind: of operation.
        repeat: how often it occurs.
        flops: multiply-adds for the whole batch; zero for norms, activations and pooling.
        bytes: read and written, if every operation reads its input and its weights once and writes
            its output once, and nothing is fused or kept in a cache. Additions are left out.
        intensity: multiply-adds a byte.
    """

    name: str
    kind: str
    repeat: int
    flops: int
    bytes: int
    intensity: float


def traffic(
    architecture: Architecture,
    *,
    resolution: int = 224,
    batch: int = 1,
    element_bytes: int = 2,
    in_channels: int = 3,
    classes: int = 1000,
) -> list[Traffic]:
    """Memory traffic of a network's forward pass, layer by layer.

    Args:
        architecture: the network.
        resolution: height and width of the images in pixels.
        batch: images.
        element_bytes: size of an element, 2 for bfloat16 and 4 for float32.
        in_channels: channels of the images.
        classes: outputs of the head.

    Raises:
        UserError: the image is too small for the network's downsampling.
    """
    rows = []
    for layer in layers(
        architecture, resolution=resolution, in_channels=in_channels, classes=classes
    ):
        op = layer.op
        maps = op.in_channels * layer.in_pixels + op.out_channels * layer.pixels
        moved = element_bytes * (layer.repeat * batch * maps + layer.params)
        flops = batch * layer.flops
        rows.append(
            Traffic(
                name=layer.name,
                kind="depthwise" if op.groups == op.in_channels > 1 else op.kind,
                repeat=layer.repeat,
                flops=flops,
                bytes=moved,
                intensity=flops / moved,
            )
        )
    return rows
