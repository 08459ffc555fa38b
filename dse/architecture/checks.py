"""What cannot exist is refused, with the reason, when the value is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dse.architecture.widths import hidden_width
from dse.errors import UserError

if TYPE_CHECKING:
    from dse.architecture.spec import Architecture

# Far beyond any network of the field, and small enough that no cost overflows 64 bits.
MAX_STAGES = 16
MAX_DEPTH = 1000
MAX_WIDTH = 65_536
MAX_KERNEL = 255
MAX_EXPANSION = 64.0


def check(a: Architecture, choices: Mapping[str, tuple[str, ...]]) -> None:
    """Raise `UserError` unless the network can be built."""
    for name, allowed in choices.items():
        if getattr(a, name) not in allowed:
            raise UserError(
                f"{name} must be one of {', '.join(allowed)}, not {getattr(a, name)!r}."
            )
    _check_stages(a)
    _check_numbers(a)
    _check_places(a)
    _check_groups(a)


def _check_stages(a: Architecture) -> None:
    for name in ("depths", "dims", "kernel_sizes"):
        if not isinstance(getattr(a, name), tuple):
            raise UserError(f"{name} must be a list of whole numbers, not {getattr(a, name)!r}.")
    lengths = [len(a.depths), len(a.dims), len(a.kernel_sizes)]
    if lengths[0] == 0 or len(set(lengths)) != 1:
        raise UserError(
            "depths, dims and kernel_sizes must have one entry for each stage, not "
            f"{lengths[0]}, {lengths[1]} and {lengths[2]}."
        )
    if lengths[0] > MAX_STAGES:
        raise UserError(f"a network may have {MAX_STAGES} stages at most, not {lengths[0]}.")
    for name, most in (("depths", MAX_DEPTH), ("dims", MAX_WIDTH)):
        for value in getattr(a, name):
            if not _is_whole(value, 1, most):
                raise UserError(f"{name} must be whole numbers from 1 to {most}, not {value!r}.")
    for depth, sizes in zip(a.depths, a.kernel_sizes, strict=True):
        blocks = sizes if isinstance(sizes, tuple) else (sizes,)
        if isinstance(sizes, tuple) and len(sizes) != depth:
            raise UserError(
                f"kernel_sizes of a stage must be one number or one for each of its {depth} "
                f"blocks, not {len(sizes)}."
            )
        for size in blocks:
            if not _is_whole(size, 1, MAX_KERNEL) or size % 2 == 0:
                raise UserError(
                    f"kernel_sizes must be odd whole numbers from 1 to {MAX_KERNEL}, not {size!r}."
                )


def _check_numbers(a: Architecture) -> None:
    ratios = a.expansion_ratio if isinstance(a.expansion_ratio, tuple) else (a.expansion_ratio,)
    if isinstance(a.expansion_ratio, tuple) and len(ratios) != len(a.depths):
        raise UserError(f"expansion_ratio must be one number or one a stage, not {len(ratios)}.")
    for ratio in ratios:
        if not _is_number(ratio) or not 0 < ratio <= MAX_EXPANSION:
            raise UserError(
                f"expansion_ratio must be positive and at most {MAX_EXPANSION:g}, not {ratio!r}."
            )
    if a.ls_init_value is not None and not _is_number(a.ls_init_value):
        raise UserError(f"ls_init_value must be a number or null, not {a.ls_init_value!r}.")
    if not _is_number(a.drop_path_rate) or not 0 <= a.drop_path_rate < 1:
        raise UserError(f"drop_path_rate must be from 0 to below 1, not {a.drop_path_rate!r}.")
    if not _is_whole(a.patch_size, 1, MAX_KERNEL):
        raise UserError(
            f"patch_size must be a whole number from 1 to {MAX_KERNEL}, not {a.patch_size!r}."
        )
    if a.patch_size != 4 and a.stem != "patch":
        raise UserError(f"patch_size {a.patch_size} goes with the stem patch, not {a.stem}.")
    if a.stem_width is not None and not _is_whole(a.stem_width, 1, MAX_WIDTH):
        raise UserError(f"stem_width must be a whole number or null, not {a.stem_width!r}.")
    for name in ("grn", "stem_norm", "downsample_norm", "shortcut_norm"):
        if not isinstance(getattr(a, name), bool):
            raise UserError(f"{name} must be true or false, not {getattr(a, name)!r}.")
    for name in ("bias", "stem_act", "head_norm"):
        if not isinstance(getattr(a, name), bool | None):
            raise UserError(f"{name} must be true, false or null, not {getattr(a, name)!r}.")
    if a.stem_width not in (None, a.dims[0]) and not _may_change_stem_width(a):
        raise UserError(
            f"stem_width {a.stem_width} differs from the first stage's width {a.dims[0]}, which a "
            f"network with separate downsampling and the stem {a.stem} has no layer to change."
        )


def _may_change_stem_width(a: Architecture) -> bool:
    """A projected block or a downsampling layer follows the stem."""
    return a.downsampling == "in_block" or a.stem == "simple"


def _check_places(a: Architecture) -> None:
    layers = 2 if a.block_order == "basic" else 3
    for name, also in (("norms_per_block", ()), ("acts_per_block", ("add",))):
        value: Any = getattr(a, name)
        if isinstance(value, tuple):
            allowed = (*range(layers), *also)
            if any(isinstance(place, bool) or place not in allowed for place in value):
                raise UserError(
                    f"{name} may hold {', '.join(map(str, allowed))}, not {list(value)}."
                )
            if list(value) != [place for place in allowed if place in value]:
                raise UserError(f"{name} must be in order and hold no place twice.")
        elif not _is_whole(value, 0, layers):
            raise UserError(f"{name} must be from 0 to {layers}, or a list, not {value!r}.")


def _check_groups(a: Architecture) -> None:
    if a.groups is not None and a.group_width is not None:
        raise UserError("give groups or group_width, not both.")
    if a.groups is not None and not _is_whole(a.groups, 1, MAX_WIDTH):
        raise UserError(f"groups must be a whole number from 1 up or null, not {a.groups!r}.")
    widths = a.group_width if isinstance(a.group_width, tuple) else (a.group_width,)
    if isinstance(a.group_width, tuple) and len(widths) != len(a.depths):
        raise UserError(f"group_width must be one number or one a stage, not {len(widths)}.")
    if a.group_width is not None and not all(_is_whole(width, 1, MAX_WIDTH) for width in widths):
        raise UserError(f"group_width must be whole numbers from 1 up, not {a.group_width!r}.")
    if a.block_order == "basic":
        if a.groups is None:
            raise UserError(
                "a basic block needs groups (1 is dense): its spatial convolutions change "
                "channels, so they can neither be depthwise nor have groups of a fixed width."
            )
        if a.grn:
            raise UserError("a basic block has no hidden channels for grn to act on.")
    for stage in range(len(a.depths)):
        _check_stage_groups(a, stage)


def _check_stage_groups(a: Architecture, stage: int) -> None:
    unit = a.groups or a.stage_group_width(stage)
    if unit in (None, 1):
        return
    assert unit is not None
    before = a.dims[stage - 1] if stage else (a.stem_width or a.dims[0])
    strided = a.downsampling == "in_block"
    inputs = [before, a.dims[stage]] if strided else [a.dims[stage]]
    if a.block_order == "spatial_middle":
        inputs = [hidden_width(a.stage_expansion_ratio(stage), a.dims[stage])]
    for channels in inputs:
        if channels % unit:
            what = "groups" if a.groups else "group_width"
            raise UserError(
                f"{what} {unit} does not divide the {channels} channels of a spatial convolution "
                f"in stage {stage + 1}."
            )


def _is_number(value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return abs(value) < 1e30  # which NaN is not


def _is_whole(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
