"""A network's own page, as a page value: drawing, costs, trainings, measurements, export."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

import numpy as np
import pandas as pd
import yaml

from dse.analysis.population import outcomes
from dse.analysis.summary import percent
from dse.architecture import Architecture
from dse.architecture.cost import Layer, layers
from dse.dashboard import markup
from dse.dashboard.columns import export_command
from dse.dashboard.figures.drawing import block_recipe, drawing, row_texts
from dse.dashboard.figures.trainings import trainings_figure
from dse.dashboard.filters import level
from dse.dashboard.labels import COUNTING, label, word
from dse.dashboard.page import Page, page_value
from dse.dashboard.panels.base import Block, Group, Plot, Section
from dse.dashboard.view import StudyData, View

COSTS: Final = ("flops", "params", "activations")
OPERATIONS: Final = {
    "act": "activation",
    "grn": "global response norm",
    "pool": "max-pool",
    "scale": "layer scale",
}
MEASURED: Final = (
    "name", "value", "low", "high", "n", "unit", "device", "dtype", "batch", "layout", "resolution",
)  # fmt: skip


def network_value(view: View, study: StudyData, index: int) -> dict[str, Any]:
    """The page of network `index` of a study, which must have it."""
    rows = trainings(study, index)
    page = Page()
    sections = {
        "trainings": _trainings(view, study, index, rows),
        "architecture": _architecture(study, rows),
        "export": _export(view, study, index),
        "measurements": _measurements(study, index),
        "layers": _layers(study, rows),
        "values": _values(rows),
    }
    return page_value(
        title=f"Network {index}",
        subtitle=f"{study.name} ({study.kind}): {_outcome(rows.iloc[0].to_dict())}",
        parts=[page.section(name, each) for name, each in sections.items() if each],
        figures=page.figures,
        first="trainings",
    )


def trainings(study: StudyData, index: int) -> pd.DataFrame:
    """All trainings of a network, by seed; empty where the study has no such network."""
    rows = study.population[study.population["index"] == index]
    return rows.sort_values("replicate", ignore_index=True)


def architecture_yaml(study: StudyData, index: int) -> str:
    """The architecture, as `dse cost FILE` reads it."""
    first = trainings(study, index).iloc[0]
    document = {
        "name": f"{study.name}-network-{index:04d}",
        "architecture": dict(first["architecture"]),
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def _outcome(row: Mapping[Any, Any]) -> str:
    if row["state"] == "complete":
        return f"{percent(float(row['error']))} held-out error by its first seed"
    return " ".join(filter(None, [row["state"].replace("_", " "), _text(row["reason"])]))


def _trainings(view: View, study: StudyData, index: int, rows: pd.DataFrame) -> Section:
    columns = {
        "Seed": "",
        "State": "text",
        "Error": "",
        "Held-out images": "",
        "Train. loss": "",
        "Time [s]": "",
        "Rate": "",
        "Device": "text",
        "Reason": "text wrap",
    }
    cells = [
        (
            row["replicate"] + 1,
            row["state"].replace("_", " "),
            percent(error) if np.isfinite(error) else "–",
            f"{row['test_images']:,}" if row["test_images"] else "–",
            _number(row["train_loss"], ".3f"),
            _number(row["seconds"], ".1f"),
            _number(row.get("learning_rate"), ".3g"),
            f"{row['device']} in {row['dtype']}" if _text(row["device"]) else "–",
            _text(row["reason"]),
        )
        for row, error in zip(rows.to_dict("records"), outcomes(rows), strict=True)
    ]
    blocks: list[Block] = [markup.table("Trainings", columns, cells)]
    curves = study.curves[study.curves["index"] == index]
    if len(curves):
        figure = trainings_figure(curves, colour=view.colour(study))
        told = f"Held-out error by epoch of network {index}, one line a seed."
        blocks.insert(0, Plot(name="curves", figure=figure, described=told))
    note = (
        ""
        if study.kind != "search"
        else ("This network was chosen by a search: it is no random one of its space.")
    )
    return Section(title="Trainings", blocks=blocks, note=note)


def _architecture(study: StudyData, rows: pd.DataFrame) -> Section | None:
    if study.resolution is None:
        return None
    plan = rows["architecture"].iloc[0]
    figure = drawing(
        plan,
        resolution=study.resolution,
        longest=max(plan["depths"]),
        widest=max(plan["dims"]),
        colour="#0072B2",
    )
    lines = "; ".join([*row_texts(plan, study.resolution, bold=False), block_recipe(plan)])
    plot = Plot(name="", figure=figure, described=f"{lines}.")
    return Section(
        title="Architecture",
        blocks=[Group(kind="pair", blocks=[plot])],
        note="One bar a block, as tall as its width in channels.",
    )


def _layers(study: StudyData, rows: pd.DataFrame) -> Section | None:
    if study.resolution is None:
        return None
    network = Architecture.from_dict(rows["architecture"].iloc[0])
    every = list(layers(network, resolution=study.resolution))
    totals = [float(sum(getattr(layer, cost) for layer in every)) for cost in COSTS]
    columns = {
        "Layer": "text",
        "Operation": "text",
        "Times": "",
        "Channels": "",
        "Map [px]": "",
        "FLOPs [M]": "",
        "Params [k]": "",
        "Acts. [M]": "",
        "of FLOPs": "",
    }
    cells = [_layer(layer, totals[0]) for layer in every]
    whole = ("Sum", "", "", "", "", *(_costs(totals)), "100.0 %")
    return Section(
        title="Cost, layer by layer",
        blocks=[markup.table("Cost of each layer", columns, [*cells, whole])],
        note=f"{COUNTING} ({study.resolution} px). Equal blocks of a stage stand together.",
    )


def _layer(layer: Layer, flops: float) -> tuple[object, ...]:
    op = layer.op
    own = [float(getattr(layer, cost)) for cost in COSTS]
    return (
        layer.name,
        _operation(layer),
        layer.repeat,
        f"{op.in_channels} → {op.out_channels}",
        round(layer.pixels**0.5),
        *_costs(own),
        f"{100 * own[0] / flops:.1f} %" if own[0] else "–",
    )


def _operation(layer: Layer) -> str:
    op = layer.op
    if op.kind != "conv":
        return OPERATIONS.get(str(op.kind), str(op.kind))
    groups = "depthwise " if 1 < op.groups == op.in_channels else ""
    groups = groups or (f"{op.groups} groups " if op.groups > 1 else "")
    return f"{groups}conv {op.kernel_size}×{op.kernel_size}"


def _costs(values: list[float]) -> tuple[str, ...]:
    scales = (1e6, 1e3, 1e6)
    return tuple(
        f"{value / scale:,.2f}" if value else "–"
        for value, scale in zip(values, scales, strict=True)
    )


def _measurements(study: StudyData, index: int) -> Section | None:
    table = study.measurements
    mine = table[table["index"] == index] if len(table) else table
    if mine.empty:
        return None
    there = [name for name in MEASURED if name in mine]
    words = ("name", "unit", "device", "dtype", "layout")
    columns = {n.capitalize(): "text" if n in words else "" for n in there}
    cells = [[_measured(row[name]) for name in there] for row in mine.to_dict("records")]
    return Section(
        title="Measurements",
        blocks=[markup.table("Measurements", columns, cells)],
        note="Each number holds under its own conditions; low and high as `dse measure` says.",
    )


def _measured(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}" if np.isfinite(value) else "–"
    return str(value).replace("_", " ") if value not in ("", 0) else "–"


def _values(rows: pd.DataFrame) -> Section:
    first = rows.iloc[0]
    told = {
        label(cost).axis: label(cost).number(float(first[cost]))
        for cost in COSTS
        if pd.notna(first[cost])
    }
    for name in first.index:
        if name.startswith("arch.") and level(first[name]) != "none":
            told[html.unescape(label(name).axis)] = html.unescape(word(level(first[name])))
    return Section(title="Values", blocks=[markup.facts(told)])


def _export(view: View, study: StudyData, index: int) -> Section | None:
    beginning = export_command(view, study)
    if beginning is None:
        return None
    command = markup.text(f"{beginning}{index}")
    copied = (
        f'<p class="command"><code>{command}</code>'
        f'<button type="button" data-copy="{command}">Copy</button></p>'
    )
    note = "What is known of the network as a file, written by the command; or only its shape, now."
    return Section(title="Export", blocks=[copied, _download(study, index)], note=note)


def _download(study: StudyData, index: int) -> str:
    href = "/_dse/network.yaml?" + urlencode({"study": study.name, "index": index})
    return (
        f'<p class="tools"><a class="button" href="{markup.text(href)}" '
        f'download="network-{index:04d}.yaml">Save the architecture (YAML)</a></p>'
    )


def _number(value: Any, form: str) -> str:
    return "–" if value is None or pd.isna(value) else format(float(value), form)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
