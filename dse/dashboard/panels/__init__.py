"""Panels: the named parts that pages are made of. This table is all that a page can show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from dse.dashboard.panels import (
    about,
    comparison,
    costs,
    distributions,
    factors,
    findings,
    full,
    marginals,
    networks,
    parallel,
    parameters,
    roadmap,
    running,
    selection,
    training,
)
from dse.dashboard.panels.base import Options, Panel, Section
from dse.dashboard.view import View


def _panel(name: str, about: str, draw: Callable[[View, Options], Section | None]) -> Panel:
    return Panel(name=name, about=about, draw=draw)


PANELS: Final[dict[str, Panel]] = {
    panel.name: panel
    for panel in (
        _panel("conclusion", "key numbers and sentences", findings.conclusion),
        _panel("edf", "distribution of the error, with its band", distributions.edf),
        _panel("normalised_edf", "the same at equal complexity", distributions.normalised_edf),
        _panel("best_of", "how good the best of k random networks is", distributions.best_of),
        _panel("best_networks", "table of the best networks", networks.best_networks),
        _panel("full_trainings", "full trainings beside the proxy", full.full_trainings),
        _panel("drawings", "the best and the worst network, drawn", networks.drawings),
        _panel("error_against", "error against each parameter", parameters.error_against),
        _panel("costs", "error against FLOPs, parameters, activations; fronts", costs.costs),
        _panel("measurements", "error against measured latency and the like", costs.measurements),
        _panel("comparison", "which of several spaces is better", comparison.comparison),
        _panel("lineup", "the shapes of the best networks", networks.lineup),
        _panel("roadmap", "the ConvNeXt paper's walk, step by step", roadmap.roadmap),
        _panel("order", "what each step adds, averaged over orders", roadmap.order),
        _panel("marginals", "what was drawn, beside the prior", marginals.marginals),
        _panel("importance", "how much each parameter matters", factors.importance),
        _panel("effects", "what each value of each parameter does", factors.effects),
        _panel("heat_maps", "mean error over two parameters", factors.heat_maps),
        _panel("parallel", "every choice of every network", parallel.parallel),
        _panel("curves", "learning curves", training.curves),
        _panel("seeds", "second seed against first, signal and noise", training.seeds),
        _panel("progress", "trainings by time, and what is left", running.progress),
        _panel("workers", "who trains what; failures with reasons", running.workers),
        _panel("bad_ends", "trainings that ended badly, with reasons", networks.bad_ends),
        _panel(
            "selection", "the selected networks, of which figures show more", selection.selection
        ),
        _panel("method", "how each number is made", about.method),
        _panel("provenance", "where the numbers come from", about.provenance),
    )
}
