"""Fast convolution in a proxy's training, by the device's own rules.

On a CPU some convolutions are cheaper as the matrix products they mathematically are. Without these
paths a training step of a sampled network takes 2.0 times the CPU time (median of 8 networks, 1.6
to 4.0; torch 2.13, bfloat16, batches of 64: benchmarks/results/cpu_step.json).

- Depthwise on a map of at most 8x8. oneDNN finds the weight gradient of a kernel beyond 3x3, of a
  strided one, and anything on a 1x1 map in a slow reference loop. A channel's convolution is one
  matrix of H W x H' W' applied to the flattened map, so that forward and both gradients become
  batched products.
- 1x1, and patches (kernel = stride, no padding): one linear layer.

On a GPU the way of each depthwise convolution is chosen by measurement (`depthwise.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dse.proxy.depthwise import MOST_PIXELS, Forward, Geometry, Pair, by_matrix, measured

CPU = torch.device("cpu")


@contextmanager
def fast_convolution(model: nn.Module, device: torch.device = CPU) -> Iterator[None]:
    """Within this context the `nn.Conv2d`s of `model` take a fast path where it pays on `device`.

    Results differ from the usual path's by rounding only. Parameters and state_dict are untouched.
    """
    forward_on = _on_cpu if device.type == "cpu" else _on_gpu
    plain = [module for module in model.modules() if isinstance(module, nn.Conv2d)]
    found = {module: forward_on(module, _geometry(module)) for module in plain if _is_plain(module)}
    fast = {module: forward for module, forward in found.items() if forward}
    for module, forward in fast.items():
        vars(module)["_conv_forward"] = forward
    try:
        yield
    finally:
        for module in fast:
            del vars(module)["_conv_forward"]


def _is_plain(module: nn.Conv2d) -> bool:
    return (
        type(module).forward is nn.Conv2d.forward  # not another function, such as same-padding
        and module.padding_mode == "zeros"
        and not isinstance(module.padding, str)
    )


def _geometry(module: nn.Conv2d) -> Geometry:
    kernel, stride, padding = (
        (int(pair[0]), int(pair[1])) for pair in (module.kernel_size, module.stride, module.padding)
    )
    return Geometry(kernel=kernel, stride=stride, padding=padding)


def _is_depthwise(module: nn.Conv2d) -> bool:
    channels = module.in_channels
    return module.groups == channels == module.out_channels > 1 and module.dilation == (1, 1)


def _on_gpu(module: nn.Conv2d, geometry: Geometry) -> Forward | None:
    return measured(module, geometry) if _is_depthwise(module) else None


def _on_cpu(module: nn.Conv2d, geometry: Geometry) -> Forward | None:
    if _is_depthwise(module):
        return _depthwise(module._conv_forward, geometry)
    if module.groups == 1 and geometry.padding == (0, 0):
        if geometry.kernel == (1, 1):
            return _pointwise(geometry.stride)
        if geometry.kernel == geometry.stride:
            return _patches(module._conv_forward, geometry.kernel)
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


def _depthwise(slow: Forward, geometry: Geometry) -> Forward:
    def forward(images: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        pixels = images.shape[2] * images.shape[3]
        well_served = max(geometry.kernel) <= 3 and geometry.stride == (1, 1) and pixels > 4
        if pixels > MOST_PIXELS or well_served:
            return slow(images, weight, bias)
        return by_matrix(images, weight, bias, geometry)

    return forward
