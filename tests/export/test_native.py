"""timm's and Hugging Face's own classes make the same network from what is exported for them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from dse.architecture import Architecture
from dse.architecture.catalog import CATALOG
from dse.export.native import native_form
from dse.network import build
from dse.network.timm_model import import_timm
from dse.network.weights import Library, inexpressible, to_library
from tests.export.networks import CLASSES, NAMED, RANDOM, images, network, randomise

SMALL = Architecture(depths=(1, 1, 2, 1), dims=(16, 24, 32, 40), ls_init_value=0.5)
VARIED = {
    "no layer scale": dataclasses.replace(SMALL, ls_init_value=None),
    "layer scale from 0": dataclasses.replace(SMALL, ls_init_value=0.0),
    "kernels and stem": dataclasses.replace(SMALL, stem="overlap", kernel_sizes=(3, 5, 9, 11)),
    "batch norm": dataclasses.replace(SMALL, pointwise="conv", norm_layer="batch_norm", bias=True),
    "one stage": dataclasses.replace(SMALL, depths=(2,), dims=(32,), kernel_sizes=(7,)),
    "silu": dataclasses.replace(SMALL, act_layer="silu"),
    "hardswish grn": dataclasses.replace(
        SMALL, act_layer="hardswish", grn=True, ls_init_value=None
    ),
    "tiny": CATALOG["convnext_tiny"].scaled(0.25),
}
EXPRESSED = {
    "timm": {"convnext_tiny", "convnextv2_atto"},
    "huggingface": {"convnext_tiny", "convnextv2_atto"},
}


def made(a: Architecture, library: Library, folder: Path) -> torch.nn.Module | None:
    """The library's own model from a file, as a person would make it; None where there is none."""
    native = native_form(a, library, classes=CLASSES, resolution=64, drop_path_rate=0.0)
    assert (native.settings is None) != (native.reason is None)
    if native.settings is None:
        return None
    if library == "timm":
        import_timm()
        from timm.models.convnext import ConvNeXt

        arguments = yaml.safe_load(yaml.safe_dump(dict(native.settings)))
        return ConvNeXt(**arguments)
    transformers = pytest.importorskip("transformers")
    (folder / "config.json").write_text(json.dumps(native.settings))
    config = transformers.AutoConfig.from_pretrained(str(folder))
    kind: Any = getattr(transformers, config.architectures[0])
    return kind(config)


def require_equal_logits(a: Architecture, library: Library, theirs: torch.nn.Module) -> None:
    torch.manual_seed(0)
    ours = build(a, classes=CLASSES)
    randomise(ours)
    theirs.load_state_dict(to_library(ours.state_dict(), a, library, theirs.state_dict()))
    with torch.no_grad():
        expected, found = ours.eval()(images()), theirs.eval()(images())
    found = found if isinstance(found, torch.Tensor) else found.logits
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("library", ["timm", "huggingface"])
@pytest.mark.parametrize("name", [*NAMED, *RANDOM])
def test_the_native_form_has_equal_logits_or_a_reason(
    name: str, library: Library, tmp_path: Path
) -> None:
    a = network(name)
    theirs = made(a, library, tmp_path)
    assert (theirs is None) == (inexpressible(a, library) is not None)
    if name in NAMED:
        assert (theirs is not None) == (name in EXPRESSED[library])
    if theirs is not None:
        require_equal_logits(a, library, theirs)


@pytest.mark.parametrize("library", ["timm", "huggingface"])
@pytest.mark.parametrize("name", VARIED)
def test_each_choice_that_a_library_knows_reaches_it(
    name: str, library: Library, tmp_path: Path
) -> None:
    theirs = made(VARIED[name], library, tmp_path)
    if theirs is not None:
        require_equal_logits(VARIED[name], library, theirs)


def test_stochastic_depth_and_classes_are_told() -> None:
    for library in ("timm", "huggingface"):
        native = native_form(SMALL, library, classes=7, resolution=64, drop_path_rate=0.3)
        assert native.settings is not None
        assert native.settings["drop_path_rate"] == 0.3
        assert 7 in (native.settings.get("num_classes"), native.settings.get("num_labels"))


@pytest.mark.parametrize(
    ("a", "library", "sentence"),
    [
        (network("resnet50"), "timm", "its expansion ratio is 4 in every stage"),
        (network("convnext_isotropic_small"), "timm", "it has four stages"),
        (VARIED["kernels and stem"], "huggingface", "the stem is one of patch"),
        (VARIED["layer scale from 0"], "huggingface", "layer scale begins above 0"),
    ],
)
def test_where_there_is_none_the_reason_is_told(
    a: Architecture, library: Library, sentence: str
) -> None:
    native = native_form(a, library, classes=7, resolution=64, drop_path_rate=0.3)
    assert native.settings is None
    assert sentence in str(native.reason)
