"""How good the networks of a space are."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from dse.analysis.population import outcomes
from dse.analysis.summary import percent
from dse.dashboard import markup
from dse.dashboard.figures.best_of import best_of_figure
from dse.dashboard.figures.edf import edf_figure
from dse.dashboard.figures.normalised import normalise, normalised_edf_figure
from dse.dashboard.labels import label
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
from dse.errors import UserError

WIDE = 1.1
"""A cost is made uniform if its greatest is so many times its least."""


def edf(view: View, options: Options) -> Section | None:
    """One EDF with its band for every study that is a sample, in one figure."""
    studies = _with_networks(view)
    if not studies:
        return None
    figure = edf_figure(pooled(studies), looks(view, studies))
    tail = _tail(figure)  # before lines are added to it
    told = [
        f"{study.name}: {len(study.networks):,} networks, median "
        f"{percent(study.summary.quartiles[1].value)}"
        for study in studies
        if study.summary and study.summary.quartiles
    ]
    described = "Empirical distribution function of the error with its 95 % band. "
    plot = Plot(name="", figure=figure, described=described + "; ".join(told) + ".")
    several = len(studies) > 1
    spaces = "these spaces" if several else "this space"
    return Section(
        title=f"How good are the networks of {spaces}?",
        blocks=[with_references(plot, view.references, errors="x")],
        note="Share of the networks below each error, first seeds only. The band holds the whole "
        f"curve of {'a' if several else 'the'} design space at once"
        f"{', each by itself' if several else ''}. Networks without an error are counted in n and "
        "never below an error, so the curve may level off under 100 %."
        f"{tail}",
    )


def normalised_edf(view: View, options: Options) -> Section | None:
    """EDFs at equal complexity: a figure for each cost that varies, or for those asked for."""
    studies = _with_networks(view)
    if not studies:
        return None
    shared = [
        cost
        for cost in options.columns or COSTS
        if all(study.networks.get(cost) is not None for study in studies)
        and all(study.networks[cost].notna().any() for study in studies)
    ]
    rows = pooled(studies, *shared)
    columns = options.columns or [cost for cost in shared if _is_wide(rows[cost].to_numpy(float))]
    blocks = [_normalised(view, studies, cost) for cost in columns if cost in shared]
    if not blocks:
        return None
    return Section(
        title="The same at equal complexity",
        blocks=[Group(kind="pair", blocks=blocks)],
        note="Networks weighted so that each of ten equally wide bins of a cost counts the same "
        "(Radosavovic et al. 2019), over the range in which the middle 95 % of every study's "
        "networks lie. The band is approximate: that of as many equally weighted networks as these "
        "are worth. Thin and dotted: all networks, equally weighted.",
    )


def best_of(view: View, options: Options) -> Section | None:
    """How good the best of k random networks is, for every study that is a sample."""
    studies = _with_networks(view)
    if not studies:
        return None
    figure = best_of_figure(pooled(studies), looks(view, studies))
    names = ", ".join(f"{study.name} (n = {len(study.networks):,})" for study in studies)
    plot = Plot(
        name="", figure=figure, described=f"Mean error of the best of k random networks: {names}."
    )
    bad = any(np.isinf(outcomes(study.networks)).any() for study in studies)
    guessing = " A network that ended badly counts as one that guesses." if bad else ""
    return Section(
        title="How good is the best of a few?",
        blocks=[with_references(plot, view.references, errors="y")],
        note="The mean error of the best of k networks drawn at random, one training each, over "
        "all subsets of k. The interval is of each k by itself; where there are less than 20 k "
        "networks too few decide it, so it is left out and the curve is dotted. A first error "
        f"that chose a network is too good on average.{guessing}",
    )


def _tail(figure: go.Figure) -> str:
    """That large errors are beyond the frame; nothing where none is."""
    end = figure.layout.xaxis.range[1]
    if all(trace.x[-1] <= end * (1 + 1e-6) for trace in figure.data):
        return ""
    return " A few large errors lie beyond the frame: their share is what the curve lacks there."


def _with_networks(view: View) -> list[StudyData]:
    return [study for study in view.samples if len(study.networks)]


def _is_wide(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> bool:
    known = values[np.isfinite(values)]
    return bool(known.size) and known.max() > WIDE * known.min()


def _normalised(view: View, studies: list[StudyData], cost: str) -> Block:
    heading = markup.subheading(label(cost).axis)
    try:
        found = normalise(pooled(studies, cost), cost, looks(view, studies))
    except UserError as error:
        return Group(kind="", blocks=[heading, markup.paragraph(f"Not drawn: {error}.")])
    plot = Plot(
        name=cost,
        figure=normalised_edf_figure(found),
        described=f"EDF of the error, {label(cost).name} made uniform. {' '.join(found.words)}",
    )
    drawn = with_references(plot, view.references, errors="x")
    return Group(kind="", blocks=[heading, drawn, *map(markup.paragraph, found.words)])
