"""A network as timm's and Hugging Face's own classes know it, or why they cannot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dse.architecture import Architecture
from dse.network.weights import Library, inexpressible

TIMM_CLASS = "timm.models.convnext.ConvNeXt"
_TITLES = {"timm": f"timm's ConvNeXt ({TIMM_CLASS})", "huggingface": "Hugging Face's ConvNext"}


@dataclass(frozen=True, kw_only=True)
class Native:
    """What a library needs to make the network.

    Attributes:
        library: which one.
        settings: timm's constructor arguments, or Hugging Face's configuration; None where there
            is no such form.
        reason: a sentence that says why there is none.
    """

    library: Library
    settings: Mapping[str, Any] | None
    reason: str | None


def native_form(
    a: Architecture, library: Library, *, classes: int, resolution: int, drop_path_rate: float
) -> Native:
    """The native form of a network, without importing the library.

    Args:
        a: the network.
        library: whose form.
        classes: outputs of the head.
        resolution: pixels, which Hugging Face's configuration tells.
        drop_path_rate: stochastic depth of the last block.
    """
    rule = inexpressible(a, library)
    if rule is None and library == "huggingface" and a.ls_init_value is not None:
        rule = "layer scale begins above 0" if a.ls_init_value <= 0 else None
    if rule is not None:
        return Native(
            library=library,
            settings=None,
            reason=f"{_TITLES[library]} cannot express this network: there, {rule}.",
        )
    if library == "timm":
        settings = _timm(a, classes, drop_path_rate)
    else:
        settings = _huggingface(a, classes, resolution, drop_path_rate)
    return Native(library=library, settings=settings, reason=None)


def _timm(a: Architecture, classes: int, drop_path_rate: float) -> dict[str, Any]:
    """All arguments that decide the network, so that no default of timm's does."""
    return {
        "num_classes": classes,
        "depths": list(a.depths),
        "dims": list(a.dims),
        "kernel_sizes": list(a.kernel_sizes),
        "ls_init_value": a.ls_init_value,
        "stem_type": a.stem,
        "patch_size": a.patch_size,
        "conv_mlp": a.pointwise == "conv",
        "conv_bias": True,
        "use_grn": a.grn,
        "act_layer": a.act_layer,
        "norm_layer": "batchnorm2d" if a.norm_layer == "batch_norm" else None,
        "drop_path_rate": drop_path_rate,
    }


def _huggingface(
    a: Architecture, classes: int, resolution: int, drop_path_rate: float
) -> dict[str, Any]:
    second = "V2" if a.grn else ""
    scale = {} if a.grn else {"layer_scale_init_value": a.ls_init_value or 0.0}
    return {
        "architectures": [f"ConvNext{second}ForImageClassification"],
        "model_type": f"convnext{second.lower()}",
        "num_channels": 3,
        "num_labels": classes,
        "num_stages": a.stages,
        "depths": list(a.depths),
        "hidden_sizes": list(a.dims),
        "patch_size": a.patch_size,
        "hidden_act": a.act_layer,
        **scale,
        "layer_norm_eps": 1e-6,  # of the last norm alone; its default is 1e-12
        "drop_path_rate": drop_path_rate,
        "image_size": resolution,
    }
