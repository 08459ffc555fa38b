"""Ways to compute a depthwise convolution, and on a GPU the choice between them by measurement.

All are the same function with the same gradients, to rounding. Which is fastest depends on the map,
the kernel and the device; cuDNN's heuristics choose within one memory layout only.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dse.proxy.choices import Choices
from dse.proxy.datasets import cache_folder
from dse.proxy.device import device_name, without_cudnn

MOST_PIXELS: Final = 64  # beyond an 8x8 map the matrices outgrow the work they save
REPEATS: Final = 5  # of forward and backward, in one timing
AHEAD: Final = 10_000_000  # clock cycles, about 5 ms, in which the CPU asks for these repeats

Pair = tuple[int, int]
Forward = Callable[[Tensor, Tensor, Tensor | None], Tensor]


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """What is fixed of a convolution, as (height, width)."""

    kernel: Pair
    stride: Pair
    padding: Pair


Way = Callable[[Tensor, Tensor, Tensor | None, Geometry], Tensor]
"""From images (b, c, h, w), weight (c, 1, k, k) and bias (c,) to (b, c, h', w'), channels last."""


def as_it_is(images: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry) -> Tensor:
    """As torch does it: on a GPU by cuDNN in channels_last."""
    channels = weight.shape[0]
    return F.conv2d(images, weight, bias, geometry.stride, geometry.padding, groups=channels)


def contiguous(images: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry) -> Tensor:
    """In NCHW, where torch chooses between cuDNN and a kernel of its own."""
    planes = images.to(product_dtype(images, weight)).contiguous()
    return as_it_is(planes, weight, bias, geometry).contiguous(memory_format=torch.channels_last)


def native(images: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry) -> Tensor:
    """In NCHW by torch's own kernel, forward and backward."""
    dtype = product_dtype(images, weight)
    planes, bias = images.to(dtype).contiguous(), None if bias is None else bias.to(dtype)
    result: Tensor = _Native.apply(planes, weight.to(dtype), bias, geometry)  # type: ignore[no-untyped-call]
    return result.contiguous(memory_format=torch.channels_last)


def by_matrix(images: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry) -> Tensor:
    """As a product for each channel: its convolution is one h w x h' w' matrix on the flat map."""
    dtype, size = product_dtype(images, weight), (images.shape[2], images.shape[3])
    taps = _taps(size, geometry, dtype, images.device)
    batch, channels = images.shape[:2]
    pixels = math.prod(size)
    matrices = weight.to(dtype).flatten(1) @ taps.flatten(1)
    flat = images.to(dtype).permute(1, 0, 2, 3).reshape(channels, batch, pixels)
    rows = torch.bmm(flat, matrices.view(channels, pixels, -1))
    if bias is not None:
        rows = rows + bias.to(rows.dtype)[:, None, None]
    result: Tensor = rows.view(channels, batch, *taps.shape[3:]).permute(1, 2, 3, 0).contiguous()
    return result.permute(0, 3, 1, 2)


WAYS: Final[dict[str, Way]] = {
    "as it is": as_it_is,
    "contiguous": contiguous,
    "native": native,
    "matrix": by_matrix,
}


def measured(module: nn.Conv2d, geometry: Geometry) -> Forward:
    """The forward of a depthwise convolution in the fastest way for its images, in training.

    Evaluation and compiled networks take it as it is.
    """
    as_before: Forward = module._conv_forward
    known: dict[object, Way] = {}

    def forward(images: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if torch.compiler.is_compiling() or not torch.is_grad_enabled():
            return as_before(images, weight, bias)
        dtype = product_dtype(images, weight)
        shape = (images.shape, dtype)
        if shape not in known:
            question = _in_words(images, geometry, dtype, bias is not None)
            choices = _choices(images.device)
            name = choices.best(
                question,
                "as it is",
                lambda: _seconds(images, weight, bias, geometry, dtype),
            )
            known[shape] = WAYS.get(name, as_it_is)
        return known[shape](images, weight, bias, geometry)

    return forward


def product_dtype(images: Tensor, weight: Tensor) -> torch.dtype:
    """The type in which torch would multiply these, autocast or not."""
    if torch.is_autocast_enabled(images.device.type):
        return torch.get_autocast_dtype(images.device.type)
    return torch.result_type(images, weight)


class _Native(torch.autograd.Function):
    """A depthwise convolution without cuDNN, whose flag a plain backward would read too late."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: Tensor, bias: Tensor | None, g: Geometry) -> Any:
        ctx.save_for_backward(images, weight)
        ctx.geometry, ctx.biases = g, None if bias is None else list(bias.shape)
        with without_cudnn():
            return as_it_is(images, weight, bias, g)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        (images, weight), g = ctx.saved_tensors, ctx.geometry
        with without_cudnn():
            found = torch.ops.aten.convolution_backward(
                gradients[0].contiguous(),
                images,
                weight,
                ctx.biases,
                g.stride,
                g.padding,
                [1, 1],
                False,
                [0, 0],
                len(weight),
                ctx.needs_input_grad[:3],
            )
        return *found, None


@cache
def _taps(size: Pair, geometry: Geometry, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Which kernel tap links which input pixel with which output pixel: 0 or 1.

    Shape (k k, h, w, h', w'), found by convolving the h w unit images with the k k unit kernels.
    """
    kernel = geometry.kernel
    with torch.inference_mode(False), torch.no_grad(), torch.autocast("cpu", enabled=False):
        pixels = torch.eye(math.prod(size)).view(-1, 1, *size)
        kernels = torch.eye(math.prod(kernel)).view(-1, 1, *kernel)
        taps = F.conv2d(pixels, kernels, stride=geometry.stride, padding=geometry.padding)
        taps = taps.view(*size, *taps.shape[1:]).permute(2, 0, 1, 3, 4)
        return taps.to(dtype).contiguous().to(device)


@cache
def _choices(device: torch.device) -> Choices:
    about = {
        "what": "the fastest way to compute depthwise convolutions, forward and backward",
        "device": device_name(device),
        "torch": torch.__version__,
        "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
    }
    digest = hashlib.sha256(json.dumps(about).encode()).hexdigest()[:16]
    return Choices(cache_folder() / f"depthwise-{digest}.json", about)


def _in_words(images: Tensor, geometry: Geometry, dtype: torch.dtype, bias: bool) -> str:
    lengths = {name: "x".join(map(str, pair)) for name, pair in vars(geometry).items()}
    words = [f"{name} {length}" for name, length in lengths.items()]
    shape = "x".join(map(str, images.shape))
    return ", ".join([shape, *words, "bias" if bias else "no bias", str(dtype)])


def _seconds(
    images: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry, dtype: torch.dtype
) -> dict[str, float]:
    """Of forward and backward in every way that there is, on random images of this shape."""
    generator = torch.Generator(images.device).manual_seed(0)

    def drawn(shape: torch.Size) -> Tensor:
        random = torch.randn(shape, generator=generator, device=images.device, dtype=dtype)
        if len(shape) == 4:
            random = random.contiguous(memory_format=torch.channels_last)
        return random.requires_grad_()

    def work(way: Way) -> None:
        torch.autograd.grad(way(x, w, b, geometry), leaves, gradient)

    with torch.enable_grad(), torch.autocast(images.device.type, enabled=False):
        x, w = drawn(images.shape), drawn(weight.shape)
        b = None if bias is None else drawn(bias.shape)
        leaves = [leaf for leaf in (x, w, b) if leaf is not None]
        gradient = drawn(as_it_is(x, w, b, geometry).shape).detach()
        small = images.shape[2] * images.shape[3] <= MOST_PIXELS
        ways = {name: way for name, way in WAYS.items() if small or way is not by_matrix}
        return {name: _time(partial(work, way)) for name, way in ways.items()}


def _time(work: Callable[[], None]) -> float:
    """Seconds of the GPU alone, launches apart, as in a captured step; infinite where it fails."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
    try:
        work()
        torch.cuda._sleep(AHEAD)  # type: ignore[no-untyped-call]
        start.record()
        for _ in range(REPEATS):
            work()
        end.record()
        end.synchronize()
    except RuntimeError:  # no such kernel, no memory
        return math.inf
    return float(start.elapsed_time(end)) / 1000 / REPEATS
