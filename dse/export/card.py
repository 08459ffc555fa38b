"""The model card: `README.md` of an exported network."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dse
from dse.analysis.ranking import Ranked
from dse.analysis.summary import interval, percent
from dse.architecture import Architecture, Cost
from dse.export.commands import (
    not_in_timm,
    own_commands,
    shares,
    timm_command,
    timm_options,
)
from dse.export.form import Form
from dse.export.native import TIMM_CLASS, Native
from dse.export.standalone import LICENCE, entry_point
from dse.units import CONVENTION, format_count

_WIDTH = 110


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What a card tells of.

    Attributes:
        name: of the network.
        architecture: the network.
        cost: of one image at the form's resolution, with its classes.
        document: what `network.yaml` holds.
        place: the network's place in the study, if it has one.
        ranked: how many networks have one.
        form: how it is exported.
        natives: timm's and Hugging Face's forms.
        onnx: a sentence on `model.onnx`.
    """

    name: str
    architecture: Architecture
    cost: Cost
    document: Mapping[str, Any]
    place: Ranked | None
    ranked: int
    form: Form
    natives: Sequence[Native]
    onnx: str


def card(network: Exported) -> str:
    """The text, as Markdown."""
    sections = [
        f"# {_shown(network.name)}\n",
        _about(network),
        _results(network),
        _loading(network),
        _training(network),
        _provenance(network),
        _licence(),
    ]
    return "\n".join(sections)


def _about(network: Exported) -> str:
    a, cost = network.architecture, network.cost
    return _filled(
        f"A convolutional network of {sum(a.depths)} blocks in {a.stages} stages (depths "
        f"{_joined(a.depths)}, widths {_joined(a.dims)}), found by dse {dse.__version__}; all its "
        "choices are in `network.yaml`. There are no trained weights in this folder until it is "
        "trained.",
        f"Cost of one image of {network.form.resolution} px with {network.form.classes} classes: "
        f"{format_count(cost.flops, 'FLOPs')} ({cost.flops:,}), {cost.params:,} parameters, "
        f"{cost.activations:,} activations. {CONVENTION}; bias, norm, activation, pooling and "
        "addition count as zero; activations are these layers' outputs.",
    )


def _results(network: Exported) -> str:
    result = network.document["proxy_result"]
    rows = [
        f"| {training['replicate']} | {training['state']} | {_error(training)} | "
        f"{training['test_images'] or 'not known'} |"
        for training in result["trainings"]
    ]
    head = [
        "| seed | ended | error ± standard error by the number of images | held-out images |",
        "|---|---|---|---|",
    ]
    sentences = [_rank(network), _noise(network), f"Here {_shown(result['note'])}."]
    if "caution" in result:
        sentences.append(result["caution"])
    sentences.append(
        "A proxy is a short training of the network with fewer channels, images and epochs: it is "
        "there to compare networks, and does not tell the error after a full training."
    )
    table = "\n".join([*head, *rows])
    return f"## Results of the proxy\n\n{table}\n\n{_filled(' '.join(sentences))}"


def _error(training: Mapping[str, Any]) -> str:
    error, images = training["error"], training["test_images"]
    if error is None:
        return "none"
    spread = f" ± {percent(math.sqrt(error * (1 - error) / images))}" if images else ""
    return f"{percent(error)}{spread}"


def _rank(network: Exported) -> str:
    if network.place is None:
        return "It has no rank, as not all of its trainings ended well."
    networks = "network" if network.ranked == 1 else f"{network.ranked} networks"
    return f"Rank {network.place.rank} of the {networks} of its study that have one."


def _noise(network: Exported) -> str:
    place = network.place
    if place is None:
        return ""
    if place.seeds == 1:
        return "It was trained with one seed, so there is no interval by seed noise."
    if place.fresh_interval is None or place.fresh_error is None:
        return "The noise between seeds is not known in this study, so there is no interval."
    found = place.fresh_interval
    return (
        f"Its error with fresh seeds is {percent(place.fresh_error)} (n = {found.n}), with a "
        f"{100 * found.confidence:g} % interval by seed noise alone of {interval(found)}. Ranks "
        "are by a mean that holds these errors, so those of the best ranks are too good on average."
    )


def _loading(network: Exported) -> str:
    entry = entry_point(network.name)
    parts = [
        "## Loading it\n",
        _code(
            "python",
            "import torch\n"
            "from model import Network  # model.py needs PyTorch alone\n\n"
            f"network = Network(classes={network.form.classes})\n"
            'network.load_state_dict(torch.load("run/weights.pt", weights_only=True))'
            "  # after `dse train`",
        ),
        _filled(
            "Where timm is installed, importing `model.py` registers the network: "
            f'`timm.create_model("{entry}")`.'
        ),
    ]
    for native in network.natives:
        parts.append(_filled(native.reason) if native.reason else _native(native))
    parts.append(_filled(network.onnx))
    return "\n".join(parts)


def _native(native: Native) -> str:
    if native.library == "timm":
        module, _, kind = TIMM_CLASS.rpartition(".")
        text = (
            f'import yaml\nfrom {module} import {kind}\n\nwith open("timm.yaml") as file:\n'
            f'    network = {kind}(**yaml.safe_load(file)["arguments"])'
        )
        told = (
            "As timm's own class; `timm.create_model` would drop an `ls_init_value` of null. "
            "`dse.network.weights.to_library` renames weights for it."
        )
    else:
        kind = native.settings["architectures"][0] if native.settings else ""
        text = (
            f"from transformers import AutoConfig, {kind}\n\n"
            f'network = {kind}(AutoConfig.from_pretrained("huggingface"))'
        )
        told = "As Hugging Face's own class, with the same helper for weights."
    return f"{_filled(told)}\n{_code('python', text)}"


def _training(network: Exported) -> str:
    form, recipe = network.form, network.form.recipe
    processes, at_once, accumulated = shares(recipe)
    own = own_commands(processes=processes)
    options = timm_options(
        recipe,
        model=entry_point(network.name),
        classes=form.classes,
        drop_path_rate=form.drop_path_rate(network.architecture),
    )
    parts = [
        "## Training it fully\n",
        _filled(
            f"`train.yaml` holds the recipe: {recipe.schedule.epochs} epochs, "
            f"{recipe.batch_size} images a step, {recipe.images.resolution} px. `DATA` is a folder "
            "with `train/CLASS/` and `val/CLASS/`. Run in this folder, with this tool's trainer:"
        ),
        _code("sh", "\n".join(f"# {where}\n{line}" for where, line in own.items())),
        _filled(
            "Or with timm's train script, where `TRAIN_PY` is the path of `train.py` of "
            "https://github.com/huggingface/pytorch-image-models; `model.py` runs it after it has "
            f"registered the network. GPUs ({processes}) x `--batch-size` ({at_once}) x "
            f"`--grad-accum-steps` ({accumulated}) is the batch of {recipe.batch_size}: keep "
            "the product where you change one.",
        ),
        _code("sh", timm_command(options, processes=processes)),
    ]
    differences = not_in_timm(recipe)
    if differences:
        parts.append(_filled("What that script does otherwise: " + " ".join(differences)))
    return "\n".join(parts)


def _provenance(network: Exported) -> str:
    study = network.document["study"]
    versions = study.get("versions") or {}
    facts = {
        "Study": study.get("study"),
        "Space": study.get("space"),
        "Seed of the study": study.get("seed"),
        "Kind": study.get("kind"),
        "Made with": ", ".join(
            f"{name} {value}"
            for name, value in {"dse": study.get("dse"), **versions}.items()
            if value
        ),
        "Trained on": ", ".join(study.get("devices", ())),
        "Architecture": network.architecture.hash,
    }
    lines = [
        f"- {name}: {_shown(str(value))}"
        for name, value in facts.items()
        if value not in (None, "")
    ]
    lines.append("- Budget, proxy and design of the study: `network.yaml`")
    return "## Where it comes from\n\n" + "\n".join(lines) + "\n"


def _licence() -> str:
    return "## Licence\n\n" + _filled(
        f"`model.py` holds parts of dse and is under its licence, {LICENCE}. Weights that you "
        "train are yours, within what the licence of your images allows."
    )


def _filled(*paragraphs: str) -> str:
    return "".join(
        f"{textwrap.fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False)}\n"
        + ("" if text is paragraphs[-1] else "\n")
        for text in paragraphs
    )


def _code(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```\n"


def _joined(values: Sequence[object]) -> str:
    return "-".join(map(str, values))


def _shown(text: str) -> str:
    """Text that Markdown shows as it is."""
    return "".join(f"\\{c}" if c in "\\`*_[]<>#|" else c for c in " ".join(text.split()))
