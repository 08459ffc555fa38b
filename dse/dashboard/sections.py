"""The report's sections, in the order a reader asks: what was found, how sure, where from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dse.analysis.factors.effects import varied_columns
from dse.analysis.population import BAD_STATES, first_seeds, outcomes
from dse.analysis.ranking import Ranked, ranking_note
from dse.analysis.references import Reference
from dse.analysis.summary import Summary, interval, percent
from dse.dashboard import markup, theme
from dse.dashboard.drawing import block_recipe, drawing, row_texts
from dse.dashboard.figures import curves_figure, edf_figure, error_figures
from dse.dashboard.labels import COUNTING, joined, label
from dse.dashboard.lines import draw_reference, reference_label
from dse.dashboard.method import method as method_sentences

COSTS = ("flops", "params", "activations")
SHAPES = {"Depths": "depths", "Widths": "dims", "Kernels": "kernel_sizes"}
TOP_SHOWN, BAD_SHOWN, MOST_TEXTS = 10, 20, 24


@dataclass(frozen=True)
class Page:
    """The figures of a page, by the name of the place each is drawn in.

    `references` are drawn into every figure with an axis of errors.
    """

    references: Sequence[Reference] = ()
    figures: dict[str, go.Figure] = field(default_factory=dict)

    def plot(
        self, name: str, figure: go.Figure, described: str, *, errors: Literal["x", "y"] | None
    ) -> str:
        """Keep `figure`, whose axis `errors` shows errors, and return the HTML of its place."""
        drawn = [r for r in self.references if errors and np.isfinite(r.error)]
        for number, reference in enumerate(drawn):
            draw_reference(figure, reference, number, axis=errors or "y")
        if drawn:
            described += " Dashed lines: " + "; ".join(map(reference_label, drawn)) + "."
        name = "plot-" + "".join(c if c.isalnum() else "-" for c in name)
        assert name not in self.figures, f"two figures are named {name}"
        self.figures[name] = figure
        return markup.plot(name, described, int(figure.layout.height))


def conclusion(summary: Summary) -> str:
    """The key numbers and the sentences."""
    tiles = [("Networks", str(summary.networks), _count(summary))]
    if summary.networks:
        median = summary.quartiles[1]
        tiles.append(("Median error", percent(median.value), interval(median)))
    if summary.best:
        best = summary.best[0]
        by = "one seed" if best.seeds == 1 else f"mean of {best.seeds} seeds"
        tiles.append(("Best network", percent(best.mean_error), f"{best.called}, {by}"))
    icc = summary.reliability.icc
    if icc:
        bounds = f"{icc.lower:.2f} to {icc.upper:.2f}, n = {icc.n}"
        tiles.append(("Signal (ICC of two seeds)", f"{icc.value:.2f}", bounds))
    return markup.section(
        "conclusion",
        "Conclusion",
        markup.tiles(tiles),
        markup.bullets(summary.sentences, "conclusion"),
    )


def distribution(page: Page, population: pd.DataFrame, summary: Summary) -> str:
    """The EDF."""
    described = (
        f"Empirical distribution function of the error of {summary.networks} networks with its "
        f"{100 * summary.confidence:g} % band; median {percent(summary.quartiles[1].value)}."
    )
    return markup.section(
        "distribution",
        "How good are the networks of this space?",
        page.plot("edf", edf_figure(population, summary.confidence), described, errors="x"),
        note="Share of the networks below each error, first seeds only. The band holds the whole "
        "curve of the design space at once. Networks without an error are counted in n and never "
        "below an error, so the curve may level off under 100 %.",
    )


def top_networks(summary: Summary) -> str:
    """The table of the best networks; nothing where there is none."""
    if not summary.best:
        return ""
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
    return markup.section(
        "top",
        "Best networks",
        markup.table(
            "Best networks", columns, [_top_row(entry) for entry in summary.best[:TOP_SHOWN]]
        ),
        note=ranking_note(summary.finalist_share),
    )


def drawings(page: Page, population: pd.DataFrame, summary: Summary, resolution: int | None) -> str:
    """The best and the worst architecture at one scale; nothing where none can be drawn."""
    if not summary.best or resolution is None:
        return ""
    best, worst = summary.best[0].index, _worst(population)
    rows = {row["index"]: row for row in first_seeds(population).to_dict("records")}
    found = [("Best", best, theme.BEST)]
    found += [("Worst", worst, theme.WORST)] if worst not in (None, best) else []
    plans: list[Mapping[str, Any]] = [rows[index]["architecture"] for _, index, _ in found]
    longest = max(max(plan["depths"]) for plan in plans)
    widest = max(max(plan["dims"]) for plan in plans)
    parts = []
    for (name, index, colour), plan in zip(found, plans, strict=True):
        figure = drawing(plan, resolution=resolution, longest=longest, widest=widest, colour=colour)
        lines = "; ".join([*row_texts(plan, resolution, bold=False), block_recipe(plan)])
        heading = f"{name}: network {index}, {percent(_outcome(rows[index]))} error"
        shown = page.plot(f"drawing-{name}", figure, f"{name} network. {lines}.", errors=None)
        parts.append(f"<div><h3>{markup.text(heading)}</h3>{shown}</div>")
    return markup.section(
        "drawings",
        "The best and the worst network" if len(found) > 1 else "The best network",
        markup.group("pair", parts),
        note="One bar a block, as tall as its width in channels, both drawings at one scale. "
        "Errors are of the first seed.",
    )


def parameters(page: Page, population: pd.DataFrame, summary: Summary) -> str:
    """Error against each parameter, as small multiples."""
    first = first_seeds(population)
    varied = varied_columns(first)
    texts = [column for column in varied if not pd.api.types.is_numeric_dtype(first[column])]
    crowded = [column for column in texts if first[column].nunique() > MOST_TEXTS]
    columns = [column for column in varied if column not in crowded]
    if not columns:
        return ""
    undrawn = ", ".join(label(column).name for column in crowded)
    return markup.section(
        "parameters",
        "Error against each parameter",
        _panels(page, population, summary, columns),
        note="One point a network (green the best, red the worst); diamonds are means with 95 % "
        "t intervals, grey crosses networks without an error; an interval cut by the "
        "frame reaches beyond it. ρ is Spearman's rank correlation "
        "with its 95 % interval. At a fixed budget the parameters trade off against each other, "
        "so these are associations, not effects of one change."
        + (f" Not drawn, as they have more than {MOST_TEXTS} texts: {undrawn}." if crowded else ""),
    )


def costs(
    page: Page, population: pd.DataFrame, summary: Summary, *, elsewhere: bool = False
) -> str:
    """Error against each cost that is told; nothing where none is."""
    told = [cost for cost in COSTS if population[cost].notna().any()]
    if not told:
        return ""
    return markup.section(
        "costs",
        "Error against cost",
        _panels(page, population, summary, told),
        note="Costs as the source counts them."
        if elsewhere
        else f"{COUNTING}; activations = output elements of the same layers.",
    )


def learning_curves(
    page: Page, population: pd.DataFrame, curves: pd.DataFrame, summary: Summary
) -> str:
    """Learning curves."""
    if curves.empty:
        return ""
    figure = curves_figure(population, curves, best=_best(summary), worst=_worst(population))
    described = f"Held-out error by epoch of {summary.networks} networks: median and middle half."
    return markup.section(
        "curves",
        "Learning curves",
        page.plot("curves", figure, described, errors="y"),
        note="First seeds. What is reported everywhere else is the last epoch, never the best. "
        "A network that ended badly counts as worse than every error from there on.",
    )


def bad_ends(population: pd.DataFrame) -> str:
    """The trainings that ended badly and why; nothing where none did."""
    rows = population[population["state"].isin(BAD_STATES)]
    if rows.empty:
        return ""
    shown = rows.sort_values(["index", "replicate"]).head(BAD_SHOWN)
    cells = [
        (row["index"], row["replicate"] + 1, row["state"].replace("_", " "), row["reason"] or "")
        for row in shown.astype({"reason": object}).fillna({"reason": ""}).to_dict("records")
    ]
    columns = {"Network": "", "Seed": "", "State": "text", "Reason": "text wrap"}
    rest = f", the first {BAD_SHOWN} of which are listed" if len(rows) > BAD_SHOWN else ""
    return markup.section(
        "bad",
        "Trainings that ended badly",
        markup.table("Trainings that ended badly", columns, cells),
        note=f"{len(rows)} trainings{rest}. They are counted in every statistic.",
    )


def method(summary: Summary, *, elsewhere: bool = False) -> str:
    """How each number is made."""
    sentences = markup.bullets(method_sentences(summary.finalist_share, elsewhere=elsewhere))
    return markup.section("method", "Method", sentences, kind="method")


def provenance(values: Mapping[str, Any], *, elsewhere: bool = False) -> str:
    """Where the numbers come from."""
    known = {**({} if elsewhere else {"counting convention": COUNTING}), **values}
    return markup.section("provenance", "Provenance", markup.facts(known))


def _panels(page: Page, population: pd.DataFrame, summary: Summary, columns: Sequence[str]) -> str:
    figures = error_figures(population, columns, best=_best(summary), worst=_worst(population))
    described = "Held-out error against {}, one point a network, n = {}."
    return markup.group(
        "grid",
        [
            page.plot(
                column,
                figure,
                described.format(label(column).name, summary.networks),
                errors="y",
            )
            for column, figure in figures.items()
        ],
    )


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


def _count(summary: Summary) -> str:
    bad = sum(summary.states[state] for state in BAD_STATES)
    left = summary.states["running"] + summary.states["waiting"]
    parts = [f"{bad} without an error" if bad else "all trained to the end"]
    return ", ".join(parts + ([f"{left} to come"] if left else []))


def _best(summary: Summary) -> int | None:
    return summary.best[0].index if summary.best else None


def _worst(population: pd.DataFrame) -> int | None:
    """The network of the largest first error; None where no network has one."""
    rows = first_seeds(population)
    result = outcomes(rows)
    if not np.isfinite(result).any():
        return None
    return int(rows["index"].iloc[int(np.argmax(np.where(np.isfinite(result), result, -1.0)))])


def _outcome(row: Mapping[Any, Any]) -> float:
    return float(row["error"]) if row["state"] == "complete" else float("inf")
