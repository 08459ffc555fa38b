from __future__ import annotations

import pytest
import torch

from dse.errors import UserError
from dse.network.timm_model import build_reference, reference_name


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
