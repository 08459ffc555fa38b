from __future__ import annotations

import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dse.architecture import Architecture, cost
from dse.network import build
from dse.network.layers import PointwiseLinear
from dse.network.verify import count
from tests.architectures import architectures

CRASHED_ONEDNN = Architecture(
    depths=(3, 1),
    dims=(11, 11),
    kernel_sizes=(7, 1),
    patch_size=1,
    groups=1,
    norms_per_block=3,
    downsampling="in_block",
    bias=False,
)
"""Its strided shortcut took the process down in the backward pass."""


@settings(max_examples=500, deadline=None)
@given(architectures(), st.integers(32, 80), st.sampled_from((1, 3)))
def test_closed_form_cost_equals_an_independent_count_of_the_built_module(
    a: Architecture, resolution: int, channels: int
) -> None:
    module = build(a, in_channels=channels, classes=7)
    counted = count(module, resolution=resolution, in_channels=channels)
    assert counted == cost(a, resolution=resolution, in_channels=channels, classes=7)


@example(CRASHED_ONEDNN)
@settings(max_examples=500, deadline=None)
@given(architectures())
def test_every_network_maps_images_to_logits_with_finite_gradients(a: Architecture) -> None:
    torch.manual_seed(0)
    module = build(a, in_channels=1, classes=5)
    logits = module(torch.randn(4, 1, 64, 64))
    assert logits.shape == (4, 5)
    logits.square().sum().backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


@settings(max_examples=20, deadline=None)
@given(architectures())
def test_memory_layout_does_not_change_the_function(a: Architecture) -> None:
    torch.manual_seed(0)
    module = build(a, in_channels=3, classes=5).eval()
    images = torch.randn(2, 3, 64, 64)
    plain = module(images)
    last = module.to(memory_format=torch.channels_last)(  # type: ignore[call-overload]
        images.to(memory_format=torch.channels_last)
    )
    torch.testing.assert_close(plain, last, rtol=1e-4, atol=1e-5)


def test_a_pointwise_linear_layer_is_a_1x1_convolution() -> None:
    torch.manual_seed(0)
    linear, conv = PointwiseLinear(6, 10), torch.nn.Conv2d(6, 10, 1)
    with torch.no_grad():
        conv.weight.copy_(linear.weight[:, :, None, None])
        conv.bias.copy_(linear.bias)  # type: ignore[union-attr]
    x = torch.randn(2, 6, 5, 5)
    torch.testing.assert_close(linear(x), conv(x), rtol=1e-5, atol=1e-6)


def test_building_is_a_function_of_the_torch_seed() -> None:
    def weights() -> list[torch.Tensor]:
        torch.manual_seed(3)
        return list(build(Architecture(depths=(1, 1, 1, 1), dims=(8, 8, 8, 8))).parameters())

    assert all(torch.equal(a, b) for a, b in zip(weights(), weights(), strict=True))
