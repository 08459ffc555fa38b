"""The error against what a network costs: on paper, and as it was measured."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import pandas as pd

from dse.dashboard.figures.fronts import Better, front_figure
from dse.dashboard.figures.points import MOST_IN_SMALL, drawn_words, equal_share
from dse.dashboard.labels import COUNTING, label, plain
from dse.dashboard.panels.base import (
    Block,
    Group,
    Options,
    Plot,
    Section,
    looks,
    pooled,
    with_references,
)
from dse.dashboard.panels.networks import COSTS
from dse.dashboard.view import StudyData, View

CONDITIONS = ("device", "dtype", "batch", "layout", "resolution")
MOST_MEASURED = 12
LINE = 44  # characters
NO_BREAK = "\u00a0"
FRONT = (
    "The step is the Pareto front: no other network found is at least as good in both and better "
    "in one. Its networks were selected by their first error, so the front is too good on average."
)
NO_SAMPLE = "Open diamonds are networks that a search chose, which are no sample of a space."


def costs(view: View, options: Options) -> Section | None:
    """The error against each cost that is told, or against the columns asked for."""
    studies = [study for study in view.studies if len(study.networks)]
    known = [
        cost
        for cost in options.columns or COSTS
        if any(cost in study.networks and study.networks[cost].notna().any() for study in studies)
        and all(_are_numbers(study, cost) for study in studies)
    ]
    if not known:
        return None
    rows = pooled(studies, *known)
    plots: list[Block] = []
    for cost in known:
        figure = front_figure(rows, cost, looks(view, studies))
        described = f"Held-out error against {label(cost).name}, one point a network, with the "
        described += f"Pareto front of each study, n = {int(rows[cost].notna().sum()):,}."
        plot = Plot(name=cost, figure=figure, described=described)
        plots.append(with_references(plot, view.references, errors="y"))
    elsewhere = all(study.kind == "imported" for study in studies)
    counting = f"{COUNTING}; activations = output elements of the same layers."
    return Section(
        title="Error against cost",
        blocks=[Group(kind="pair", blocks=plots)],
        note=_said("Costs as the source counts them." if elsewhere else counting, studies, rows),
    )


def measurements(view: View, options: Options) -> Section | None:
    """The error against each number that was measured on the networks, under its conditions."""
    studies = [s for s in view.studies if len(s.networks) and not s.measurements.empty]
    if not studies:
        return None
    rows = pd.concat([_measured(study) for study in studies], ignore_index=True)
    if options.columns:
        rows = rows[rows["name"].isin(options.columns)]
    groups = sorted(
        rows.groupby(["name", *CONDITIONS], sort=True), key=lambda group: -len(group[1])
    )
    plots = [
        _measurement(view, studies, str(name), part, number)
        for number, ((name, *_), part) in enumerate(groups[:MOST_MEASURED])
    ]
    if not plots:
        return None
    rest = len(groups) - len(plots)
    left = f" {rest} more conditions with fewer networks are not drawn." if rest else ""
    return Section(
        title="Error against what was measured",
        blocks=[Group(kind="pair", blocks=plots)],
        note=_said(
            "Measured numbers hold for the device and conditions named under each axis. Bars are "
            "95 % intervals of the median over repeated runs, where there were several.",
            studies,
            rows.drop_duplicates(["study", "index"]),
        )
        + left,
    )


def _are_numbers(study: StudyData, column: str) -> bool:
    rows = study.networks
    return column not in rows or pd.api.types.is_numeric_dtype(rows[column])


def _said(first: str, studies: Sequence[StudyData], rows: pd.DataFrame) -> str:
    chosen = "" if all(study.is_sample for study in studies) else NO_SAMPLE
    rho = "ρ is Spearman's rank correlation with its 95 % interval."
    sizes = rows.groupby("study").size().tolist()
    drawn = sum(min(size, equal_share(sizes, MOST_IN_SMALL)) for size in sizes)
    parts = [first, rho, FRONT, chosen, drawn_words(drawn, len(rows))]
    return " ".join(part for part in parts if part)


def _measured(study: StudyData) -> pd.DataFrame:
    """A row a measured number of a network that has ended."""
    outcome = study.networks[["index", "state", "error"]].assign(study=study.name)
    return study.measurements.merge(outcome, on="index")


def _measurement(
    view: View, studies: Sequence[StudyData], name: str, rows: pd.DataFrame, number: int
) -> Block:
    where = _conditions(rows)
    figure = front_figure(
        rows.rename(columns={"value": name, "low": f"{name}.low", "high": f"{name}.high"}),
        name,
        looks(view, studies),
        better=_better(name),
        conditions="<br>".join(plain(line) for line in textwrap.wrap(where, LINE)),
        in_table=False,
    )
    described = f"Held-out error against {label(name).name} on {where}, {len(rows):,} networks."
    plot = Plot(name=f"{name}-{number}", figure=figure, described=described)
    return with_references(plot, view.references, errors="y")


def _conditions(rows: pd.DataFrame) -> str:
    first, runs = rows.iloc[0], rows["n"]
    said = [str(first["device"]), str(first["dtype"])]
    said += [f"batch{NO_BREAK}{first['batch']}"] if first["batch"] else []
    said += [str(first["layout"]).replace("_", NO_BREAK)]
    said += [f"{first['resolution']}{NO_BREAK}px"] if first["resolution"] else []
    if runs.max() > 1:
        least = f"{runs.min()} to " if runs.min() < runs.max() else ""
        said.append(f"median of{NO_BREAK}{least}{runs.max()} runs")
    return ", ".join(part for part in said if part)


def _better(name: str) -> Better | None:
    """Which values of a measured number are better; of a score that is not known."""
    if name.startswith("throughput"):
        return "more"
    return "less" if name.startswith(("latency", "memory")) else None
