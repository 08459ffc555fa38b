from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch

from dse.architecture import Architecture
from dse.architecture.catalog import CATALOG
from dse.errors import UserError
from dse.network import build
from dse.network.timm_model import import_timm
from dse.network.weights import from_library, inexpressible, reshaped, to_library

TINY = dataclasses.replace(CATALOG["convnext_tiny"], ls_init_value=0.3)
ATTO = CATALOG["convnextv2_atto"]
SMALL = Architecture(depths=(1, 1, 2, 1), dims=(16, 24, 32, 40), ls_init_value=0.5)


def randomised(model: torch.nn.Module) -> torch.nn.Module:
    """Weights, biases and statistics that all matter to the logits."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
        for name, buffer in model.named_buffers():
            if "running" in name:
                buffer.add_(torch.rand_like(buffer))
    return model.eval()


def timm_twin(a: Architecture) -> torch.nn.Module:
    """The same network from timm's own class."""
    import_timm()
    from timm.models.convnext import ConvNeXt

    options: dict[str, Any] = {"norm_layer": "batchnorm2d"} if a.norm_layer == "batch_norm" else {}
    return ConvNeXt(
        depths=a.depths,
        dims=a.dims,
        kernel_sizes=a.kernel_sizes,
        ls_init_value=a.ls_init_value,
        stem_type=a.stem,
        patch_size=a.patch_size,
        conv_mlp=a.pointwise == "conv",
        use_grn=a.grn,
        act_layer=a.act_layer,
        **options,
    )


def huggingface_twin(a: Architecture) -> torch.nn.Module:
    """The same network from Hugging Face's own class."""
    transformers = pytest.importorskip("transformers")
    shared = {
        "depths": list(a.depths),
        "hidden_sizes": list(a.dims),
        "num_labels": 1000,
        "layer_norm_eps": 1e-6,
    }
    if a.grn:
        config = transformers.ConvNextV2Config(**shared)
        return transformers.ConvNextV2ForImageClassification(config)
    config = transformers.ConvNextConfig(**shared, layer_scale_init_value=a.ls_init_value or 0)
    return transformers.ConvNextForImageClassification(config)


@pytest.mark.parametrize(
    "a",
    [
        TINY,
        ATTO,
        dataclasses.replace(SMALL, stem="overlap", kernel_sizes=(3, 5, 9, 11)),
        dataclasses.replace(SMALL, stem="overlap_act", act_layer="silu", ls_init_value=None),
        dataclasses.replace(SMALL, stem="overlap_tiered", dims=(32, 40, 48, 56)),
        dataclasses.replace(SMALL, pointwise="conv", grn=True),
        dataclasses.replace(SMALL, pointwise="conv", norm_layer="batch_norm", bias=True),
        dataclasses.replace(CATALOG["convnext_isotropic_small"], depths=(2,), dims=(32,)),
    ],
    ids=[
        "tiny",
        "v2-atto",
        "overlap",
        "overlap_act",
        "tiered",
        "conv grn",
        "batch norm",
        "isotropic",
    ],
)
@pytest.mark.parametrize("library", ["timm", "huggingface"])
def test_a_network_and_its_twin_share_weights_and_logits(a: Architecture, library: Any) -> None:
    if inexpressible(a, library):
        with pytest.raises(UserError, match=f"{library} cannot express this network"):
            to_library(build(a).state_dict(), a, library, {})
        assert a not in (TINY, ATTO)
        return
    ours = build(a).eval()
    theirs = randomised(timm_twin(a) if library == "timm" else huggingface_twin(a))
    ours.load_state_dict(from_library(theirs.state_dict(), a, library, ours.state_dict()))
    torch.manual_seed(1)
    images = torch.randn(2, 3, 96, 96)
    with torch.no_grad():
        expected = theirs(images)
        expected = expected if isinstance(expected, torch.Tensor) else expected.logits
        torch.testing.assert_close(ours(images), expected, rtol=1e-5, atol=1e-5)
    again = to_library(ours.state_dict(), a, library, theirs.state_dict())
    assert set(again) == set(theirs.state_dict())
    assert all(torch.equal(again[name], tensor) for name, tensor in theirs.state_dict().items())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"expansion_ratio": 3.0}, "its expansion ratio is 4 in every stage"),
        ({"expansion_ratio": (4, 4, 3, 4)}, "its expansion ratio is 4 in every stage"),
        ({"block_order": "spatial_middle"}, "the spatial convolution comes first"),
        ({"groups": 1}, "the spatial convolution is depthwise"),
        ({"norms_per_block": 2}, "a block has one norm"),
        ({"acts_per_block": 0}, "a block has one activation"),
        ({"downsampling": "in_block"}, "downsampling is separate"),
        ({"stem": "resnet"}, "a norm and no activation ends the stem"),
        ({"stem": "simple", "stem_act": False}, "the stem is one of patch, overlap"),
        ({"norm_layer": "batch_norm"}, "batch norm goes with 1x1 convolutions"),
        ({"kernel_sizes": (7, 7, (3, 5), 7)}, "kernel sizes are one for each stage"),
    ],
)
def test_what_timm_cannot_express_is_refused_with_the_reason(
    change: dict[str, Any], reason: str
) -> None:
    a = dataclasses.replace(SMALL, **change)
    assert reason in str(inexpressible(a, "timm"))
    with pytest.raises(UserError, match="timm cannot express this network"):
        to_library({}, a, "timm", {})


def test_linear_and_1x1_convolution_convert_both_ways_with_equal_outputs() -> None:
    conv = dataclasses.replace(SMALL, pointwise="conv")
    first = randomised(build(SMALL))
    second = build(conv).eval()
    second.load_state_dict(reshaped(first.state_dict(), second.state_dict()))
    back = build(SMALL).eval()
    back.load_state_dict(reshaped(second.state_dict(), back.state_dict()))
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(first(images), second(images), rtol=1e-5, atol=1e-5)
        assert torch.equal(first(images), back(images))


def test_weights_of_another_network_are_refused_with_what_does_not_fit() -> None:
    other = dataclasses.replace(SMALL, dims=(16, 24, 32, 48))
    deeper = dataclasses.replace(SMALL, depths=(1, 1, 3, 1))
    state = build(SMALL).state_dict()
    with pytest.raises(UserError, match=r"stages\.3.* has the shape"):
        reshaped(state, build(other).state_dict())
    with pytest.raises(UserError, match="parameters are missing"):
        reshaped(state, build(deeper).state_dict())
