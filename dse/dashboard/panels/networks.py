"""Single networks: the best, the best and the worst drawn, those that ended badly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dse.analysis.population import BAD_STATES, outcomes
from dse.analysis.ranking import Ranked, ranking_note
from dse.analysis.summary import Summary, interval, percent
from dse.dashboard import markup, theme
from dse.dashboard.figures.drawing import block_recipe, drawing, row_texts
from dse.dashboard.figures.lineup import lineup as lineup_figure
from dse.dashboard.labels import joined, label
from dse.dashboard.panels.base import Block, Group, Options, Plot, Section, each_study
from dse.dashboard.view import StudyData, View

COSTS = ("flops", "params", "activations")
SHAPES = {"Depths": "depths", "Widths": "dims", "Kernels": "kernel_sizes"}
TOP_SHOWN, BAD_SHOWN = 10, 20


def best_networks(view: View, options: Options) -> Section | None:
    """The table of the best networks of every sample."""
    blocks = each_study(view, _top_table)
    if not blocks:
        return None
    notes = {ranking_note(s.summary.finalist_share) for s in view.samples if s.summary}
    return Section(title="Best networks", blocks=blocks, note=" ".join(sorted(notes)))


def drawings(view: View, options: Options) -> Section | None:
    """The best and the worst architecture of every sample, each pair at one scale."""
    blocks = each_study(view, _pair)
    if not blocks:
        return None
    return Section(
        title="The best and the worst network",
        blocks=blocks,
        note="One bar a block, as tall as its width in channels, both drawings at one scale. "
        "Errors are of the first seed.",
    )


def lineup(view: View, options: Options) -> Section | None:
    """The best networks of every sample, their blocks drawn one below the other."""
    blocks = each_study(view, _lineup)
    if not blocks:
        return None
    return Section(
        title="The shapes of the best networks",
        blocks=blocks,
        note="One bar a block, as tall as its width in channels; stages from left to right, all "
        "networks of a study at one scale. Errors are means over seeds.",
    )


def bad_ends(view: View, options: Options) -> Section | None:
    """The trainings that ended badly and why."""
    blocks = each_study(view, _bad_table, samples=False)
    if not blocks:
        return None
    return Section(
        title="Trainings that ended badly",
        blocks=blocks,
        note="They are counted in every statistic.",
    )


def best_of(study: StudyData) -> int | None:
    """The network of rank 1; None where none has a rank."""
    return study.summary.best[0].index if study.summary and study.summary.best else None


def worst_of(study: StudyData) -> int | None:
    """The network of the largest first error; None where no network has one."""
    result = outcomes(study.networks)
    if not np.isfinite(result).any():
        return None
    worst = int(np.argmax(np.where(np.isfinite(result), result, -1.0)))
    return int(study.networks["index"].iloc[worst])


def _top_table(study: StudyData) -> list[Block]:
    summary = study.summary
    if summary is None or not summary.best:
        return []
    columns = {
        "Rank": "",
        "Network": "",
        "First seed": "",
        "Fresh seed": "",
        f"{100 * summary.confidence:g} % interval": "",
        "Mean": "",
        "GFLOPs": "",
        "Params [M]": "",
        "Acts. [M]": "",
        **dict.fromkeys(_shapes(summary), "text"),
    }
    rows = [_top_row(entry) for entry in summary.best[:TOP_SHOWN]]
    return [markup.table("Best networks", columns, rows)]


def _top_row(entry: Ranked) -> tuple[object, ...]:
    arch = entry.architecture
    costs = [(cost, getattr(entry, cost)) for cost in COSTS]
    return (
        entry.rank,
        entry.architecture.get("network", entry.index),
        percent(entry.first_error),
        "–" if entry.fresh_error is None else percent(entry.fresh_error),
        interval(entry.fresh_interval) if entry.fresh_interval else "–",
        percent(entry.mean_error),
        *("–" if n is None else label(cost).number(n) for cost, n in costs),
        *(joined(arch[key]) for key in SHAPES.values() if key in arch),
    )


def _shapes(summary: Summary) -> list[str]:
    """What of its shape every network tells; nothing of those that were measured elsewhere."""
    return [name for name, key in SHAPES.items() if key in summary.best[0].architecture]


def _pair(study: StudyData) -> list[Block]:
    best, worst = best_of(study), worst_of(study)
    if best is None or study.resolution is None:
        return []
    rows = {row["index"]: row for row in study.networks.to_dict("records")}
    found = [("Best", best, theme.BEST)]
    found += [("Worst", worst, theme.WORST)] if worst not in (None, best) else []
    plans: list[Mapping[str, Any]] = [rows[index]["architecture"] for _, index, _ in found]
    longest = max(max(plan["depths"]) for plan in plans)
    widest = max(max(plan["dims"]) for plan in plans)
    blocks: list[Block] = []
    for (name, index, colour), plan in zip(found, plans, strict=True):
        figure = drawing(
            plan, resolution=study.resolution, longest=longest, widest=widest, colour=colour
        )
        lines = "; ".join([*row_texts(plan, study.resolution, bold=False), block_recipe(plan)])
        heading = f"{name}: network {index}, {percent(_outcome(rows[index]))} error"
        plot = Plot(name=name, figure=figure, described=f"{name} network. {lines}.")
        blocks.append(Group(kind="", blocks=[markup.subheading(heading), plot]))
    return [Group(kind="pair", blocks=blocks)]


def _lineup(study: StudyData) -> list[Block]:
    best = study.summary.best[:TOP_SHOWN] if study.summary else ()
    shown = [entry for entry in best if {"depths", "dims"} <= entry.architecture.keys()]
    if not shown:
        return []
    told = [f"{each.rank}. {each.called}, {percent(each.mean_error)}" for each in shown]
    plans = [each.architecture for each in shown]
    figure = lineup_figure(list(zip(told, plans, strict=True)))
    shapes = "; ".join(
        f"{said}: {joined(plan['depths'])} blocks of {joined(plan['dims'])} channels"
        for said, plan in zip(told, plans, strict=True)
    )
    return [Plot(name="", figure=figure, described=f"The best networks: {shapes}.")]


def _outcome(row: Mapping[Any, Any]) -> float:
    return float(row["error"]) if row["state"] == "complete" else float("inf")


def _bad_table(study: StudyData) -> list[Block]:
    rows = study.population[study.population["state"].isin(BAD_STATES)]
    if rows.empty:
        return []
    shown = rows.sort_values(["index", "replicate"]).head(BAD_SHOWN)
    cells = [
        (row["index"], row["replicate"] + 1, row["state"].replace("_", " "), row["reason"] or "")
        for row in shown.astype({"reason": object}).fillna({"reason": ""}).to_dict("records")
    ]
    columns = {"Network": "", "Seed": "", "State": "text", "Reason": "text wrap"}
    rest = f", the first {BAD_SHOWN} of which are listed" if len(rows) > BAD_SHOWN else ""
    return [
        markup.paragraph(f"{len(rows)} trainings{rest}."),
        markup.table("Trainings that ended badly", columns, cells),
    ]
