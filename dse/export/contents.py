"""What an exported folder holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from dse.analysis.ranking import Ranked
from dse.architecture import Architecture, cost
from dse.export.card import Exported, card
from dse.export.form import Form, network_with_weights
from dse.export.native import TIMM_CLASS, Native, native_form
from dse.export.onnx import TOLERANCE, missing_for_onnx, write_onnx
from dse.export.standalone import standalone
from dse.network.weights import Library
from dse.training.recipe import Origin, Training
from dse.units import CONVENTION

_NOTE = "error is a fraction of held-out images, after the final epoch"
_SELECTED = (
    "; replicate 0 chose the network to be trained again, so that its error is too good by "
    "selection; the rank is by the mean over the replicates"
)
_LIBRARIES: tuple[Library, ...] = ("timm", "huggingface")


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of a network of a study.

    Attributes:
        index: its number.
        document: what `describe` says.
        place: its place in the study, if it has one.
        ranked: how many networks have one.
        origin: where its full training is to be reported; None if nowhere.
    """

    index: int
    document: Mapping[str, Any]
    place: Ranked | None
    ranked: int
    origin: Origin | None


def describe(
    rows: pd.DataFrame, *, place: Ranked | None, study: Mapping[str, Any], caution: str | None
) -> dict[str, Any]:
    """One network as plain data: architecture, cost, and each training's outcome.

    Args:
        rows: the trainings of one network.
        place: its place in the study, if it has one.
        study: what the study was, as plain data.
        caution: a sentence on what the results do not show.
    """
    first = rows.iloc[0]
    trainings = [
        {
            "replicate": int(row["replicate"]),
            "state": str(row["state"]),
            "error": None if pd.isna(row["error"]) else float(row["error"]),
            "test_images": None if pd.isna(row["test_images"]) else int(row["test_images"]),
        }
        for _, row in rows.iterrows()
    ]
    return {
        "name": f"{first['study']}-network-{int(first['index']):04d}",
        "architecture": dict(first["architecture"]),
        "cost": {
            **{key: int(first[key]) for key in ("flops", "params", "activations")},
            "convention": CONVENTION,
        },
        "proxy_result": {
            "rank": place.rank if place else None,
            "trainings": trainings,
            "note": _NOTE + (_SELECTED if place and place.finalist else ""),
            **({"caution": caution} if caution else {}),
        },
        "study": dict(study),
    }


def write_network(known: Known, folder: Path, form: Form) -> dict[str, Any]:
    """Write all files of a network into an empty folder.

    Returns:
        Its cost, and which forms there are: true, or the reason why not.

    Raises:
        UserError: the weights are not of this network, or ONNX cannot express it.
    """
    document, recipe = known.document, form.recipe
    name, a = str(document["name"]), Architecture.from_dict(document["architecture"])
    counted = cost(a, resolution=form.resolution, classes=form.classes)
    if form.weights is not None or form.onnx:
        network = network_with_weights(a, form)  # refuses weights of another network
    write_yaml(folder / "network.yaml", document)
    source = standalone(
        a,
        name=name,
        classes=form.classes,
        resolution=form.resolution,
        interpolation="bilinear" if recipe.images.interpolation == "bilinear" else "bicubic",
        crop_share=recipe.images.crop_share,
    )
    (folder / "model.py").write_text(source, encoding="utf-8")
    training = Training(network="network.yaml", origin=known.origin, recipe=recipe)
    write_yaml(folder / "train.yaml", training.model_dump(mode="json"))
    natives = [_write_native(a, library, folder, form) for library in _LIBRARIES]
    left_out = _why_no_onnx(form)
    if left_out is None:
        write_onnx(network, folder / "model.onnx", resolution=form.resolution)
    told = Exported(
        name=name,
        architecture=a,
        cost=counted,
        document=document,
        place=known.place,
        ranked=known.ranked,
        form=form,
        natives=natives,
        onnx=left_out or _onnx_sentence(form),
    )
    (folder / "README.md").write_text(card(told), encoding="utf-8")
    return {
        "flops": counted.flops,
        "params": counted.params,
        "activations": counted.activations,
        **{native.library: native.reason or True for native in natives},
        "onnx": left_out or True,
    }


def write_yaml(path: Path, document: Mapping[str, Any]) -> None:
    """Write plain data in the order that it has."""
    text = yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True)
    path.write_text(text, encoding="utf-8")


def _write_native(a: Architecture, library: Library, folder: Path, form: Form) -> Native:
    native = native_form(
        a,
        library,
        classes=form.classes,
        resolution=form.resolution,
        drop_path_rate=form.drop_path_rate(a),
    )
    if native.settings is not None and library == "timm":
        arguments = {"class": TIMM_CLASS, "arguments": dict(native.settings)}
        write_yaml(folder / "timm.yaml", arguments)
    elif native.settings is not None:
        (folder / "huggingface").mkdir()
        text = json.dumps(native.settings, indent=2)
        (folder / "huggingface" / "config.json").write_text(f"{text}\n", encoding="utf-8")
    return native


def _why_no_onnx(form: Form) -> str | None:
    if not form.onnx:
        return "model.onnx was not asked for: `dse export --onnx` adds it."
    return missing_for_onnx()


def _onnx_sentence(form: Form) -> str:
    weights = "fresh weights of seed 0" if form.weights is None else "the weights it was given"
    return (
        f"`model.onnx` takes `images` (N, 3, {form.resolution}, {form.resolution}) for any N and "
        f"gives `logits` (N, {form.classes}), with {weights}. onnxruntime gave PyTorch's logits "
        f"within {TOLERANCE:g} of the largest one, for batches of 1 and 3 random images. After a "
        "training, `dse export --id N --weights run/weights.pt` writes it anew."
    )
