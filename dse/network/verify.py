"""An independent count of a built network, by fvcore."""

from __future__ import annotations

import torch
from fvcore.nn import FlopCountAnalysis
from torch import nn

from dse.architecture.cost import Cost


def count(module: nn.Module, *, resolution: int = 224, in_channels: int = 3) -> Cost:
    """Count a module by tracing it: what `dse.architecture.cost` must equal.

    Only convolution and linear operations are counted, as the convention says: products of
    attention, in a reference from elsewhere, are neither. Activations are the output elements of
    the convolution and linear modules.
    """
    module.eval()
    image = torch.zeros(1, in_channels, resolution, resolution)
    outputs = 0

    def add_outputs(_module: nn.Module, _inputs: object, output: torch.Tensor) -> None:
        nonlocal outputs
        outputs += output.numel()

    hooks = [
        part.register_forward_hook(add_outputs)
        for part in module.modules()
        if isinstance(part, nn.Conv2d | nn.Linear)
    ]
    with torch.no_grad():
        module(image)
    for hook in hooks:
        hook.remove()
    analysis = FlopCountAnalysis(module, image)
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    by_operator = analysis.by_operator()
    return Cost(
        flops=int(by_operator["conv"] + by_operator["linear"]),
        params=sum(parameter.numel() for parameter in module.parameters()),
        activations=outputs,
    )
