"""What a network costs, in closed form, without torch.

Convention (Dollár et al. 2021, "Fast and Accurate Model Scaling"; as RegNet, ConvNeXt and fvcore
print it): FLOPs are multiply-adds of convolution and linear layers, with bias, norm, activation,
pooling and addition counted as zero; activations are output elements of the same layers;
parameters are all learnable ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from dse.architecture import plan
from dse.architecture.plan import Op
from dse.architecture.spec import Architecture
from dse.architecture.widths import Width
from dse.errors import UserError


class Layer(NamedTuple):
    """An operation of a network, on which map it works and how often it occurs.

    `in_pixels` and `pixels` are the positions of its input and output maps; `name` is the path of
    its module, without the number of the block where it stands for several equal ones.
    """

    name: str
    op: Op
    in_pixels: int
    pixels: int
    repeat: Width = 1

    @property
    def weights(self) -> Width:
        """Weights or factors of one occurrence, without its bias."""
        op = self.op
        if op.kind in ("conv", "linear"):
            return op.kernel_size**2 * (op.in_channels // op.groups) * op.out_channels
        return op.out_channels if op.kind in ("norm", "grn", "scale") else 0

    @property
    def params(self) -> Width:
        """Learnable parameters of all its occurrences."""
        return self.repeat * (self.weights + self.op.bias * self.op.out_channels)

    @property
    def flops(self) -> Width:
        """Multiply-adds of all its occurrences, if it is convolution or linear."""
        counted = self.op.kind in ("conv", "linear")
        return self.repeat * self.pixels * self.weights if counted else 0

    @property
    def activations(self) -> Width:
        """Output elements of all its occurrences, if it is convolution or linear."""
        counted = self.op.kind in ("conv", "linear")
        return self.repeat * self.pixels * self.op.out_channels if counted else 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """Totals of one network, for one image."""

    flops: int
    params: int
    activations: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Costs:
    """Totals of n networks, for one image: int64 arrays of shape (n,)."""

    flops: NDArray[np.int64]
    params: NDArray[np.int64]
    activations: NDArray[np.int64]


def cost(
    architecture: Architecture, *, resolution: int = 224, in_channels: int = 3, classes: int = 1000
) -> Cost:
    """Cost of one network for one image of `resolution` x `resolution` pixels.

    >>> cost(Architecture()).flops  # ConvNeXt-T
    4455531264

    Raises:
        UserError: the image is too small for the network's downsampling.
    """
    return Cost(**totals(architecture, resolution, in_channels, classes))


def costs(
    template: Architecture,
    *,
    dims: NDArray[np.int64],
    depths: NDArray[np.int64] | None = None,
    kernel_sizes: NDArray[np.int64] | None = None,
    expansion_ratio: NDArray[np.float64] | None = None,
    resolution: int = 224,
    in_channels: int = 3,
    classes: int = 1000,
) -> Costs:
    """Costs of n networks at once that differ from a template in these numbers alone.

    Args:
        template: gives all other choices.
        dims: widths, shape (n, stages).
        depths: shape (n, stages), or None for the template's.
        kernel_sizes: shape (n, stages), or None for the template's.
        expansion_ratio: shape (n,), or (n, stages) for one a stage, or None for the template's.
        resolution: height and width of the image in pixels.
        in_channels: channels of the image.
        classes: outputs of the head.

    Raises:
        UserError: the image is too small for the network's downsampling.
    """
    given = {"dims": dims, "depths": depths, "kernel_sizes": kernel_sizes}
    columns: dict[str, Any] = {
        name: tuple(values.T) for name, values in given.items() if values is not None
    }
    if expansion_ratio is not None:
        per_stage = expansion_ratio.ndim == 2
        columns["expansion_ratio"] = tuple(expansion_ratio.T) if per_stage else expansion_ratio
    several = cast(Architecture, Columns(template, columns))
    found = totals(several, resolution, in_channels, classes)
    return Costs(**{key: np.broadcast_to(value, len(dims)) for key, value in found.items()})


class Columns:
    """Stands in for an architecture, with arrays or symbols in the place of some of its numbers."""

    def __init__(self, template: Architecture, columns: dict[str, Any]) -> None:
        self._template, self._columns = template, columns

    # The template's own methods would read the template's numbers.
    stage_expansion_ratio = Architecture.stage_expansion_ratio
    stage_group_width = Architecture.stage_group_width

    def __getattr__(self, name: str) -> Any:
        columns = self._columns
        return columns[name] if name in columns else getattr(self._template, name)


def totals(
    architecture: Architecture, resolution: int, in_channels: int, classes: int
) -> dict[str, Any]:
    """FLOPs, parameters and activations by name, as numbers, arrays or polynomials."""
    flops: Width = 0
    params: Width = 0
    activations: Width = 0
    for layer in layers(
        architecture, resolution=resolution, in_channels=in_channels, classes=classes
    ):
        op, repeat = layer.op, layer.repeat
        weights = layer.weights
        params = params + repeat * (weights + op.out_channels if op.bias else weights)
        if op.kind == "conv" or op.kind == "linear":
            flops = flops + repeat * layer.pixels * weights
            activations = activations + repeat * layer.pixels * op.out_channels
    return {"flops": flops, "params": params, "activations": activations}


def layers(
    architecture: Architecture, *, resolution: int = 224, in_channels: int = 3, classes: int = 1000
) -> Iterator[Layer]:
    """The operations of a network in order of execution, equal blocks once.

    Args:
        architecture: the network.
        resolution: height and width of the image in pixels.
        in_channels: channels of the image.
        classes: outputs of the head.

    Raises:
        UserError: the image is too small for the network's downsampling.
    """
    a = architecture
    size = yield from _walk("stem", plan.stem(a, in_channels), resolution, 1, a)
    before = a.dims[0] if a.stem_width is None else a.stem_width
    for stage, width in enumerate(a.dims):
        name = f"stages.{stage}"
        if downsample := plan.downsample(a, stage, before, width):
            size = yield from _walk(f"{name}.downsample", downsample, size, 1, a)
            before = width
        first = plan.is_projected(a, stage)
        if first:
            kernel = _kernel_runs(a, stage, 0)[0][0]
            block = plan.block(a, stage, kernel, before, width, first=True)
            size = yield from _walk_block(f"{name}.blocks.0", block, size, 1, a)
        for kernel, repeat in _kernel_runs(a, stage, int(first)):
            if isinstance(repeat, int) and repeat == 0:
                continue
            block = plan.block(a, stage, kernel, width, width, first=False)
            size = yield from _walk_block(f"{name}.blocks", block, size, repeat, a)
        before = width
    yield from _walk("head", plan.head(a, before, classes), 1, 1, a)


def _kernel_runs(a: Architecture, stage: int, skip: int) -> Sequence[tuple[Width, Width]]:
    """Kernel sizes in a stage without its first `skip` blocks, and how many blocks have each."""
    sizes = a.kernel_sizes[stage]
    if isinstance(sizes, tuple):
        return list(Counter(sizes[skip:]).items())
    return [(sizes, a.depths[stage] - skip)]


def _walk_block(
    name: str, block: plan.BlockPlan, size: int, repeat: Width, a: Architecture
) -> Generator[Layer, None, int]:
    after = yield from _walk(name, block.branch, size, repeat, a)
    yield from _walk(f"{name}.shortcut", block.shortcut, size, repeat, a)
    yield from _walk(name, block.after, after, repeat, a)
    return after


def _walk(
    name: str, ops: Sequence[Op], size: int, repeat: Width, a: Architecture
) -> Generator[Layer, None, int]:
    """Operations one after the other on a map of `size` pixels a side; returns its last size."""
    for op in ops:
        output = op.output_size(size)
        if output < 1:
            raise UserError(
                f"the image is too small for {a.stages} stages: at {name} a map of {size} pixels a "
                f"side meets a {op.kernel_size}x{op.kernel_size} convolution of that stride."
            )
        yield Layer(f"{name}.{op.name}", op, size * size, output * output, repeat)
        size = output
    return size
