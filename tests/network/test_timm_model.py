from __future__ import annotations

import pytest
import torch

from dse.errors import UserError
from dse.network.timm_model import build_reference, reference_name
from dse.network.verify import count


@pytest.mark.parametrize(
    "name",
    [
        "timm:swin_tiny_patch4_window7_224",
        "timm:deit_small_patch16_224",
        "timm:vit_tiny_patch16_224",
        "timm:regnety_002",
        "timm:convmixer_768_32",
    ],
)
def test_a_reference_takes_the_proxys_images_and_has_gradients(name: str) -> None:
    torch.manual_seed(0)
    model = build_reference(name, resolution=32, in_channels=1, classes=5)
    logits = model(torch.randn(2, 1, 32, 32))
    assert logits.shape == (2, 5)
    logits.square().sum().backward()
    assert all(p.grad is not None for p in model.parameters() if p.requires_grad)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("swin_tiny", "write timm:NAME"),
        ("timm:", "write timm:NAME"),
        ("timm:swin_huge_9", "has no such model; near are .*swin"),
    ],
)
def test_what_is_no_reference_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        reference_name(text)


def test_a_model_that_cannot_take_the_size_is_refused() -> None:
    with pytest.raises(UserError, match="cannot take images of 8 pixels"):
        build_reference("timm:deit_small_patch16_224", resolution=8, in_channels=3, classes=5)


def test_attention_counts_by_its_linear_layers_alone_however_it_is_computed() -> None:
    """Fused or not, products of attention are no convolution or linear layer."""
    model = build_reference(
        "timm:deit_small_patch16_224", resolution=224, in_channels=3, classes=1000
    )
    tokens, width = 14 * 14 + 1, 384
    blocks = 12 * tokens * (4 + 2 * 4) * width**2
    expected = 14 * 14 * 16 * 16 * 3 * width + blocks + 1000 * width
    assert count(model).flops == expected
    swin = build_reference(
        "timm:swin_tiny_patch4_window7_224", resolution=224, in_channels=3, classes=1000
    )
    weights = count_linear(swin)
    assert count(swin).flops == weights


def count_linear(model: torch.nn.Module) -> int:
    """Multiply-adds of convolution and linear modules, by hooks on their calls."""
    total = 0

    def add(layer: torch.nn.Module, _inputs: object, output: torch.Tensor) -> None:
        nonlocal total
        weight = layer.weight
        assert isinstance(weight, torch.Tensor)
        positions = output.numel() // weight.shape[0]
        total += positions * weight.numel()

    hooks = [
        layer.register_forward_hook(add)
        for layer in model.modules()
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear)
    ]
    with torch.no_grad():
        model.eval()(torch.zeros(1, 3, 224, 224))
    for hook in hooks:
        hook.remove()
    return total
