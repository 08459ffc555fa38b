"""Fast convolution on the small feature maps of a CPU proxy.

Some convolutions are cheaper as the matrix products they mathematically are. Without the fast
paths a training step of a sampled network takes 2.0 times the CPU time (median of 8 networks, 1.6
to 4.0; torch 2.13, bfloat16, batches of 64: benchmarks/results/cpu_step.json).

- Depthwise on a map of at most 8x8. oneDNN finds the weight gradient of a kernel beyond 3x3, of a
  strided one, and anything on a 1x1 map in a slow reference loop. A channel's convolution is one
  matrix of H W x H' W' applied to the flattened map, so that forward and both gradients become
  batched products.
- 1x1, and patches (kernel = stride, no padding): one linear layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import torch
import torch.nn.functional as F
from torch import nn

MOST_PIXELS = 64  # beyond an 8x8 map the matrices outgrow the work they save

Tensor = torch.Tensor
Pair = tuple[int, int]
Forward = Callable[[Tensor, Tensor, Tensor | None], Tensor]


@contextmanager
def fast_convolution(model: nn.Module) -> Iterator[None]:
    """Within this context the `nn.Conv2d`s of `model` take a fast path where it pays.

    Results differ from oneDNN's by rounding only. Parameters and state_dict are untouched.
    """
    fast = {module: forward for module in model.modules() if (forward := _fast_forward(module))}
    for module, forward in fast.items():
        vars(module)["_conv_forward"] = forward
    try:
        yield
    finally:
        for module in fast:
            del vars(module)["_conv_forward"]


def _fast_forward(module: nn.Module) -> Forward | None:
    if (
        not isinstance(module, nn.Conv2d)
        or type(module).forward is not nn.Conv2d.forward  # another function, such as same-padding
        or module.padding_mode != "zeros"
        or isinstance(module.padding, str)
    ):
        return None
    kernel, stride, padding = (
        (int(pair[0]), int(pair[1])) for pair in (module.kernel_size, module.stride, module.padding)
    )
    if module.groups == module.in_channels == module.out_channels > 1 and module.dilation == (1, 1):
        return _depthwise(module._conv_forward, kernel, stride, padding)
    if module.groups == 1 and padding == (0, 0):
        if kernel == (1, 1):
            return _pointwise(stride)
        if kernel == stride:
            return _patches(module._conv_forward, kernel)
    return None


def _pointwise(stride: Pair) -> Forward:
    def forward(images: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        kept = images[:, :, :: stride[0], :: stride[1]].permute(0, 2, 3, 1)
        return _linear(kept, weight.flatten(1), bias)

    return forward


def _patches(slow: Forward, kernel: Pair) -> Forward:
    def forward(images: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if images.shape[2] % kernel[0] or images.shape[3] % kernel[1]:
            return slow(images, weight, bias)
        batch, channels, height, width = images.shape
        size = (height // kernel[0], kernel[0], width // kernel[1], kernel[1])
        patches = images.permute(0, 2, 3, 1).reshape(batch, *size, channels)
        pixels = patches.transpose(2, 3).flatten(3)
        return _linear(pixels, weight.permute(0, 2, 3, 1).flatten(1), bias)

    return forward


def _linear(pixels: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """A linear layer over the last of (b, h, w, c); gives (b, c', h, w) in channels_last."""
    # Two dimensions, lest a 1x1 map in evaluation becomes a product per image.
    rows = F.linear(pixels.reshape(-1, pixels.shape[3]), weight, bias)
    return rows.view(*pixels.shape[:3], -1).permute(0, 3, 1, 2)


def _depthwise(slow: Forward, kernel: Pair, stride: Pair, padding: Pair) -> Forward:
    def forward(images: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        pixels = images.shape[2] * images.shape[3]
        well_served = max(kernel) <= 3 and stride == (1, 1) and pixels > 4
        if pixels > MOST_PIXELS or well_served:
            return slow(images, weight, bias)
        dtype = _product_dtype(images, weight)
        taps = _taps((images.shape[2], images.shape[3]), kernel, stride, padding, dtype)
        return _by_channel(images.to(dtype), weight.to(dtype), bias, taps)

    return forward


def _product_dtype(images: Tensor, weight: Tensor) -> torch.dtype:
    if torch.is_autocast_enabled("cpu"):
        return torch.get_autocast_dtype("cpu")
    return torch.result_type(images, weight)


def _by_channel(images: Tensor, weight: Tensor, bias: Tensor | None, taps: Tensor) -> Tensor:
    """Apply every channel's matrix: images (b, c, h, w), taps (k k, h, w, h', w')."""
    batch, channels, height, width = images.shape
    matrices = weight.flatten(1) @ taps.flatten(1)
    flat = images.permute(1, 0, 2, 3).reshape(channels, batch, height * width)
    rows = torch.bmm(flat, matrices.view(channels, height * width, -1))
    if bias is not None:
        rows = rows + bias.to(rows.dtype)[:, None, None]
    result = rows.view(channels, batch, *taps.shape[3:]).permute(1, 2, 3, 0).contiguous()
    return result.permute(0, 3, 1, 2)


@cache
def _taps(
    size: Pair, kernel: Pair, stride: Pair, padding: Pair, dtype: torch.dtype
) -> torch.Tensor:
    """Which kernel tap links which input pixel with which output pixel: 0 or 1.

    Shape (k k, h, w, h', w'), found by convolving the h w unit images with the k k unit kernels.
    """
    with torch.inference_mode(False), torch.no_grad(), torch.autocast("cpu", enabled=False):
        pixels = torch.eye(size[0] * size[1]).view(-1, 1, *size)
        kernels = torch.eye(kernel[0] * kernel[1]).view(-1, 1, *kernel)
        taps = F.conv2d(pixels, kernels, stride=stride, padding=padding)
        taps = taps.view(*size, *taps.shape[1:]).permute(2, 0, 1, 3, 4)
        return taps.to(dtype).contiguous()
