"""Weights travel: between Linear and 1x1 convolution, and to and from timm and Hugging Face.

Only names and shapes change; neither library is needed. What a library cannot express is refused
with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from torch import Tensor

from dse.architecture.spec import Architecture
from dse.errors import UserError

Library = Literal["timm", "huggingface"]
State = Mapping[str, Tensor]
Table = tuple[tuple[str, str], ...]

# Our module, and the library's; {n} is a stage or block number.
_TIMM: Table = (
    (r"stem\.conv", "stem.0"),
    (r"stem\.conv1", "stem.0"),
    (r"stem\.norm", "stem.{last}"),
    (r"stem\.conv2", "stem.{conv2}"),
    (r"stages\.(\d+)\.downsample\.norm", r"stages.\1.downsample.0"),
    (r"stages\.(\d+)\.downsample\.conv", r"stages.\1.downsample.1"),
    (r"(stages\.\d+\.blocks\.\d+)\.branch\.spatial", r"\1.conv_dw"),
    (r"(stages\.\d+\.blocks\.\d+)\.branch\.spatial_norm", r"\1.norm"),
    (r"(stages\.\d+\.blocks\.\d+)\.branch\.expand", r"\1.mlp.fc1"),
    (r"(stages\.\d+\.blocks\.\d+)\.branch\.grn", r"\1.mlp.grn"),
    (r"(stages\.\d+\.blocks\.\d+)\.branch\.contract", r"\1.mlp.fc2"),
    (r"(stages\.\d+\.blocks\.\d+)\.branch\.scale\.gamma", r"\1.gamma"),
    (r"head\.norm", "head.norm"),
    (r"head\.fc", "head.fc"),
)
_HUGGINGFACE: Table = (
    (r"stem\.conv", "{model}.embeddings.patch_embeddings"),
    (r"stem\.norm", "{model}.embeddings.layernorm"),
    (r"stages\.(\d+)\.downsample\.norm", r"{model}.encoder.stages.\1.downsampling_layer.0"),
    (r"stages\.(\d+)\.downsample\.conv", r"{model}.encoder.stages.\1.downsampling_layer.1"),
    (r"(stages\.\d+)\.blocks\.(\d+)\.branch\.spatial", r"{model}.encoder.\1.layers.\2.dwconv"),
    (
        r"(stages\.\d+)\.blocks\.(\d+)\.branch\.spatial_norm",
        r"{model}.encoder.\1.layers.\2.layernorm",
    ),
    (r"(stages\.\d+)\.blocks\.(\d+)\.branch\.expand", r"{model}.encoder.\1.layers.\2.pwconv1"),
    (r"(stages\.\d+)\.blocks\.(\d+)\.branch\.grn", r"{model}.encoder.\1.layers.\2.grn"),
    (r"(stages\.\d+)\.blocks\.(\d+)\.branch\.contract", r"{model}.encoder.\1.layers.\2.pwconv2"),
    (
        r"(stages\.\d+)\.blocks\.(\d+)\.branch\.scale\.gamma",
        r"{model}.encoder.\1.layers.\2.layer_scale_parameter",
    ),
    (r"head\.norm", "{model}.layernorm"),
    (r"head\.fc", "classifier"),
)


def reshaped(state: State, template: State) -> dict[str, Tensor]:
    """Weights of the same network in the shapes of `template`.

    Linear and 1x1 convolution are the same function: (out, in) and (out, in, 1, 1).

    Raises:
        UserError: the two are not of the same network.
    """
    _require_same_names(state, template)
    return {name: _fit(name, state[name], template[name]) for name in template}


def to_library(
    state: State, a: Architecture, library: Library, template: State
) -> dict[str, Tensor]:
    """Weights of our network under the library's names and in its shapes.

    Args:
        state: our network's state dict.
        a: our network.
        library: whose names.
        template: a state dict of the library's model, for the shapes.

    Raises:
        UserError: the library cannot express the network, or `template` is of another one.
    """
    names = library_names(state, a, library)
    theirs = {names[name]: tensor for name, tensor in state.items()}
    return reshaped(theirs, template)


def from_library(
    state: State, a: Architecture, library: Library, template: State
) -> dict[str, Tensor]:
    """The inverse of `to_library`; `template` is a state dict of our network."""
    names = library_names(template, a, library)
    _require_same_names(state, {theirs: template[ours] for ours, theirs in names.items()})
    return {ours: _fit(ours, state[theirs], template[ours]) for ours, theirs in names.items()}


def library_names(state: State, a: Architecture, library: Library) -> dict[str, str]:
    """The library's name of each of our parameters.

    Raises:
        UserError: the library cannot express the network.
    """
    reason = inexpressible(a, library)
    if reason:
        raise UserError(f"{library} cannot express this network: {reason}.")
    table = _TIMM if library == "timm" else _HUGGINGFACE
    model = "convnextv2" if a.grn else "convnext"
    names = _names(state, a, table, model)
    missing = [name for name in state if name not in names]
    assert not missing, f"no rule for {missing}"
    return names


def role_names(state: State, a: Architecture) -> dict[str, dict[str, str]]:
    """Others' names of our parameters by the parts' roles, also of networks they cannot express.

    By library, Hugging Face's with the model's name after a colon; what has no role there is
    left out.
    """
    return {"timm": _names(state, a, _TIMM, "")} | {
        f"Hugging Face:{model}": _names(state, a, _HUGGINGFACE, model)
        for model in ("convnext", "convnextv2")
    }


def _names(state: State, a: Architecture, table: Table, model: str) -> dict[str, str]:
    places = {
        "model": model,
        "conv2": "2" if a.stem == "overlap_act" else "1",
        "last": {"patch": "1", "overlap_act": "3"}.get(a.stem, "2"),
    }
    found = {ours: _translated(ours, table) for ours in state}
    return {ours: theirs.format(**places) for ours, theirs in found.items() if theirs}


def _translated(name: str, table: Table) -> str | None:
    for pattern, replacement in table:
        if re.fullmatch(rf"({pattern})(\.\w+)?", name):
            return re.sub(rf"^{pattern}", replacement, name)
    return None


def inexpressible(a: Architecture, library: Library) -> str | None:
    """Why a library's ConvNeXt cannot express a network, or None if it can.

    timm's `ConvNeXt` and Hugging Face's `ConvNextConfig` and `ConvNextV2Config`.
    """
    timm = library == "timm"
    batch_norm_fits = timm and a.pointwise == "conv" and a.bias is True
    stems = ("patch", "overlap", "overlap_act", "overlap_tiered") if timm else ("patch",)
    reasons = {
        "it has four stages": timm and a.stages != 4,
        "its expansion ratio is 4 in every stage": a.expansion_ratio != 4,
        "the spatial convolution comes first": a.block_order != "spatial_first",
        "the spatial convolution is depthwise": a.groups is not None or a.group_width is not None,
        "a block has one norm, after the spatial convolution": a.norm_places != (0,),
        "a block has one activation, before the last layer": a.act_places != (1,),
        "downsampling is separate, with its norm": a.downsampling != "separate"
        or not a.downsample_norm,
        "a norm and no activation ends the stem": not a.stem_norm or a.has_stem_act,
        "a norm precedes the head": not a.has_head_norm,
        f"the stem is one of {', '.join(stems)}": a.stem not in stems,
        "its norm is layer norm": a.norm_layer == "batch_norm" and not timm,
        "batch norm goes with 1x1 convolutions and biases everywhere": a.norm_layer == "batch_norm"
        and timm
        and not batch_norm_fits,
        "RMS norm is another one there": a.norm_layer == "rms_norm",
        "all layers have biases": a.bias is False,
        "kernel sizes are one for each stage": any(isinstance(k, tuple) for k in a.kernel_sizes),
        "the kernel size is 7": not timm and set(a.kernel_sizes) != {7},
        "pointwise layers are linear": not timm and a.pointwise != "linear",
        "V2 has no layer scale": not timm and a.grn and a.ls_init_value is not None,
        "the stem divides the resolution by 4": timm and a.patch_size != 4,
    }
    return next((reason for reason, violated in reasons.items() if violated), None)


def _require_same_names(state: State, template: State) -> None:
    missing, extra = sorted(set(template) - set(state)), sorted(set(state) - set(template))
    if missing or extra:
        raise UserError(
            f"the weights are of another network: {len(missing)} parameters are missing "
            f"({', '.join(missing[:3])}), {len(extra)} are not known ({', '.join(extra[:3])})."
        )


def same_but_ones(a: Sequence[int], b: Sequence[int]) -> bool:
    """Whether two shapes differ in dimensions of size one only."""
    return [n for n in a if n > 1] == [n for n in b if n > 1]


def _fit(name: str, tensor: Tensor, template: Tensor) -> Tensor:
    """Reshape where only dimensions of size one differ."""
    if not same_but_ones(tensor.shape, template.shape):
        raise UserError(
            f"the weights are of another network: {name} has the shape {tuple(tensor.shape)}, not "
            f"{tuple(template.shape)}."
        )
    return tensor.reshape(template.shape)
