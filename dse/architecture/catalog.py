"""Networks by name: the points of the description that its story is made of, from the papers."""

from __future__ import annotations

import dataclasses
import difflib
from pathlib import Path
from typing import Any

from dse.architecture.regnet import compatible, quantized_widths
from dse.architecture.roadmap import FROM_RESNET50, FROM_RESNET200, resnet
from dse.architecture.spec import Architecture
from dse.config import load_yaml
from dse.errors import UserError

_RESNET_DIMS = (256, 512, 1024, 2048)


def _basic_resnet(*depths: int) -> Architecture:
    """A ResNet of basic blocks (He et al. 2016), two dense 3x3 convolutions each."""
    return dataclasses.replace(
        resnet(depths, width=64),
        dims=(64, 128, 256, 512),
        block_order="basic",
        norms_per_block=2,
        acts_per_block=2,
    )


def _resnext(*depths: int, group_width: int) -> Architecture:
    """A ResNeXt of 32 groups (Xie et al. 2017)."""
    return dataclasses.replace(
        resnet(depths, width=64), expansion_ratio=32 * group_width / 256, groups=32
    )


def _convnext(*depths: int, width: int) -> Architecture:
    """ConvNeXt (Liu et al. 2022, section 3)."""
    return Architecture(depths=depths, dims=(width, 2 * width, 4 * width, 8 * width))


def _isotropic(depth: int, width: int, layer_scale: float | None = None) -> Architecture:
    """Isotropic ConvNeXt (Liu et al. 2022, section 3.3): one stage after 16x16 patches."""
    return Architecture(
        depths=(depth,),
        dims=(width,),
        kernel_sizes=(7,),
        patch_size=16,
        stem_norm=False,
        ls_init_value=layer_scale,
    )


def _v2(*depths: int, width: int) -> Architecture:
    """ConvNeXt V2 (Woo et al. 2023): global response norm instead of layer scale."""
    return dataclasses.replace(_convnext(*depths, width=width), grn=True, ls_init_value=None)


def _mobilenet_v2_style() -> Architecture:
    """Inverted bottlenecks as in MobileNetV2 (Sandler et al. 2018) as a point of the family.

    Expand by 6, depthwise 3x3, linear contraction, no activation after the addition. It is not
    that network: transitions have a projection shortcut, and stages double their widths.
    """
    return Architecture(
        depths=(2, 3, 7, 3),
        dims=(24, 48, 96, 192),
        kernel_sizes=(3, 3, 3, 3),
        expansion_ratio=6.0,
        block_order="spatial_middle",
        norm_layer="batch_norm",
        act_layer="relu",
        norms_per_block=3,
        acts_per_block=2,
        pointwise="conv",
        stem="overlap_act",
        downsampling="in_block",
        ls_init_value=None,
    )


def _regnetx(
    slope: float, initial: int, multiplier: float, depth: int, group_width: int
) -> Architecture:
    """A RegNetX (Radosavovic et al. 2020), with bottleneck ratio 1 as published."""
    dims, depths = quantized_widths(initial, slope, multiplier, depth)
    dims, group_widths = compatible(dims, 1.0, group_width)
    return dataclasses.replace(
        resnet(depths, width=32),
        dims=dims,
        expansion_ratio=1.0,
        groups=None,
        group_width=group_widths,
        stem="simple",
    )


CATALOG: dict[str, Architecture] = {
    "resnet18": _basic_resnet(2, 2, 2, 2),
    "resnet34": _basic_resnet(3, 4, 6, 3),
    "resnet50": resnet((3, 4, 6, 3), width=64),
    "resnet101": resnet((3, 4, 23, 3), width=64),
    "resnet152": resnet((3, 8, 36, 3), width=64),
    "resnet200": resnet((3, 24, 36, 3), width=64),
    "resnext50_32x4d": _resnext(3, 4, 6, 3, group_width=4),
    "resnext101_32x8d": _resnext(3, 4, 23, 3, group_width=8),
    "regnetx_200mf": _regnetx(36.44, 24, 2.49, 13, 8),
    "regnetx_400mf": _regnetx(24.48, 24, 2.54, 22, 16),
    "regnetx_600mf": _regnetx(36.97, 48, 2.24, 16, 24),
    "regnetx_800mf": _regnetx(35.73, 56, 2.28, 16, 16),
    "regnetx_1.6gf": _regnetx(34.01, 80, 2.25, 18, 24),
    "regnetx_3.2gf": _regnetx(26.31, 88, 2.25, 25, 48),
    "regnetx_4.0gf": _regnetx(38.65, 96, 2.43, 23, 40),
    "regnetx_6.4gf": _regnetx(60.83, 184, 2.07, 17, 56),
    "regnetx_8.0gf": _regnetx(49.56, 80, 2.88, 23, 120),
    "regnetx_12gf": _regnetx(73.36, 168, 2.37, 19, 112),
    "regnetx_16gf": _regnetx(55.59, 216, 2.1, 22, 128),
    "regnetx_32gf": _regnetx(69.86, 320, 2.0, 23, 168),
    "convnext_tiny": _convnext(3, 3, 9, 3, width=96),
    "convnext_small": _convnext(3, 3, 27, 3, width=96),
    "convnext_base": _convnext(3, 3, 27, 3, width=128),
    "convnext_large": _convnext(3, 3, 27, 3, width=192),
    "convnext_xlarge": _convnext(3, 3, 27, 3, width=256),
    "convnext_isotropic_small": _isotropic(18, 384),
    "convnext_isotropic_base": _isotropic(18, 768),
    "convnext_isotropic_large": _isotropic(36, 1024, layer_scale=1e-6),
    "convnextv2_atto": _v2(2, 2, 6, 2, width=40),
    "convnextv2_femto": _v2(2, 2, 6, 2, width=48),
    "convnextv2_pico": _v2(2, 2, 6, 2, width=64),
    "convnextv2_nano": _v2(2, 2, 8, 2, width=80),
    "convnextv2_tiny": _v2(3, 3, 9, 3, width=96),
    "convnextv2_base": _v2(3, 3, 27, 3, width=128),
    "convnextv2_large": _v2(3, 3, 27, 3, width=192),
    "convnextv2_huge": _v2(3, 3, 27, 3, width=352),
    "mobilenetv2_style": _mobilenet_v2_style(),
    **{f"roadmap50_step{step.number}": step.architecture for step in FROM_RESNET50},
    **{f"roadmap200_step{step.number}": step.architecture for step in FROM_RESNET200},
}


def find_architecture(name_or_file: str) -> Architecture:
    """A network from the catalog, or from a YAML file that describes one.

    The file holds the keys of `Architecture`, at the top or under `architecture:`; keys that are
    left out have ConvNeXt-T's values.

    Raises:
        UserError: no such name or file, or a value in the file is impossible.
    """
    if name_or_file in CATALOG:
        return CATALOG[name_or_file]
    if Path(name_or_file).suffix not in (".yaml", ".yml"):
        near = difflib.get_close_matches(name_or_file, CATALOG, n=1, cutoff=0.0)
        raise UserError(
            f"{name_or_file}: is neither a .yaml file nor a known network; did you mean "
            f"{near[0]}? Known are {', '.join(name for name in CATALOG if 'step' not in name)} and "
            "roadmap50_step0 to roadmap200_step16."
        )
    data: Any = load_yaml(name_or_file)
    try:
        described = data.get("architecture", data)
        if not isinstance(described, dict):
            raise UserError("architecture must hold keys and values.")
        return Architecture.from_dict(described)
    except UserError as error:
        raise UserError(f"{name_or_file}: {error}") from None
