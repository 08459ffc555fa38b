"""timm: its models as references from outside the family; the only file that imports it."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import torch
from torch import nn

from dse.errors import UserError

PREFIX = "timm:"
_TORCHVISION_OPERATORS = ("nms", "qnms")
_declared: list[torch.library.Library] = []  # a library's schemas live as long as it does


def import_timm() -> Any:
    """timm, also beside a CPU torch, for which torchvision's compiled operators are missing.

    Raises:
        UserError: timm is not installed.
    """
    try:
        return importlib.import_module("timm")
    except ModuleNotFoundError as error:
        raise UserError(
            f"{error.name} is not installed; install the extra: pip install 'dse[timm]'."
        ) from None
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
    # torchvision only registers fake kernels for these operators here; their schemas suffice.
    schema = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
    library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for name in _TORCHVISION_OPERATORS:
        library.define(name + schema)  # type: ignore[no-untyped-call]
    _declared.append(library)
    for name in [m for m in sys.modules if m.split(".")[0] in ("timm", "torchvision")]:
        del sys.modules[name]  # half imported
    return importlib.import_module("timm")


def timm_module(name: str) -> Any:
    """A module of timm or of torchvision, which comes with it: `timm.data`, for one.

    Raises:
        UserError: timm is not installed.
    """
    import_timm()
    return importlib.import_module(name)


def reference_name(text: str) -> str:
    """The timm model that `timm:NAME` names.

    Raises:
        UserError: it is not of that form, timm is not installed, or has no such model.
    """
    name = text.removeprefix(PREFIX)
    if not text.startswith(PREFIX) or not name:
        raise UserError(
            f"reference {text!r}: write timm:NAME, such as timm:deit_small_patch16_224."
        )
    timm = import_timm()
    if not timm.is_model(name):
        near = timm.list_models(f"*{name.split('_')[0]}*")[:5]
        hint = f"; near are {', '.join(near)}" if near else ""
        raise UserError(f"reference {text!r}: timm {timm.__version__} has no such model{hint}.")
    return name


def build_reference(text: str, *, resolution: int, in_channels: int, classes: int) -> nn.Module:
    """A timm model with fresh weights from torch's global generator, for images of `resolution`.

    Raises:
        UserError: there is no such model, or it cannot take images of that size.
    """
    name = reference_name(text)
    timm = import_timm()
    options = {"pretrained": False, "num_classes": classes, "in_chans": in_channels}
    try:
        try:
            model: nn.Module = timm.create_model(name, img_size=resolution, **options)
        except TypeError:  # a convolutional network takes any size and has no such option
            model = timm.create_model(name, **options)
        with torch.no_grad():
            model.eval()(torch.zeros(1, in_channels, resolution, resolution))
    except (RuntimeError, AssertionError, ValueError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
        raise UserError(
            f"reference {text!r}: cannot take images of {resolution} pixels: {reason}."
        ) from None
    return model.train()
