from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from dse.proxy.convolution import fast_convolution


def outputs(conv: nn.Conv2d, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Output and gradients by image, weight and bias."""
    images = images.clone(memory_format=torch.channels_last).requires_grad_()
    result = conv(images)
    weight = torch.linspace(-1, 1, result.numel()).view_as(result)
    return result, *torch.autograd.grad((result * weight).sum(), [images, *conv.parameters()])


@settings(max_examples=80, deadline=None)
@given(
    kind=st.sampled_from(["depthwise", "pointwise", "patch", "dense"]),
    channels=st.integers(2, 5),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    kernel=st.sampled_from([1, 2, 3, 5, 7, 9]),
    stride=st.integers(1, 3),
    bias=st.booleans(),
)
def test_the_fast_paths_give_the_same_outputs_and_gradients(
    kind: str, channels: int, height: int, width: int, kernel: int, stride: int, bias: bool
) -> None:
    torch.manual_seed(0)
    if kind == "depthwise":
        conv = nn.Conv2d(
            channels, channels, kernel, stride, kernel // 2, groups=channels, bias=bias
        )
    elif kind == "pointwise":
        conv = nn.Conv2d(channels, 3, 1, stride, bias=bias)
    elif kind == "patch":
        kernel = min(kernel, height, width)
        conv = nn.Conv2d(channels, 3, kernel, kernel, bias=bias)
    else:
        conv = nn.Conv2d(channels, 3, 3, stride, padding=1, bias=bias)
    images = torch.randn(2, channels, height, width)
    expected = outputs(conv, images)
    with fast_convolution(conv):
        found = outputs(conv, images)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)


def test_the_module_is_left_as_it_was_even_after_an_error() -> None:
    model = nn.Sequential(nn.Conv2d(4, 4, 5, padding=2, groups=4), nn.Conv2d(4, 2, 1))
    before = [dict(vars(layer)) for layer in model]

    def fail() -> None:
        with fast_convolution(model):
            assert all("_conv_forward" in vars(layer) for layer in model)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [dict(vars(layer)) for layer in model] == before


@pytest.mark.parametrize(
    "conv",
    [
        nn.Conv2d(4, 4, 5, padding=2, groups=4, padding_mode="circular"),
        nn.Conv2d(4, 4, 5, padding="same", groups=4),
        nn.Conv2d(4, 4, 3, padding=2, dilation=2, groups=4),
        nn.Conv2d(4, 8, 3, groups=2),
        nn.Conv2d(4, 8, 3, padding=1),
    ],
)
def test_convolutions_without_a_fast_path_are_not_touched(conv: nn.Conv2d) -> None:
    with fast_convolution(conv):
        assert "_conv_forward" not in vars(conv)


def test_the_fast_paths_compute_in_the_autocast_type() -> None:
    conv = nn.Conv2d(4, 4, 5, padding=2, groups=4)
    with fast_convolution(conv), torch.autocast("cpu", dtype=torch.bfloat16):
        assert conv(torch.randn(2, 4, 8, 8)).dtype == torch.bfloat16
