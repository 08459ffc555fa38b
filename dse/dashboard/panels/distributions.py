"""How good the networks of a space are."""

from __future__ import annotations

import pandas as pd

from dse.analysis.summary import percent
from dse.dashboard.figures.edf import edf_figure
from dse.dashboard.panels.base import Options, Plot, Section, with_references
from dse.dashboard.view import View


def edf(view: View, options: Options) -> Section | None:
    """One EDF with its band for every study that is a sample, in one figure."""
    studies = [study for study in view.samples if study.summary and study.summary.networks]
    if not studies:
        return None
    figure = edf_figure(pd.concat([study.networks for study in studies]))
    told = [
        f"{study.name}: {study.summary.networks} networks, median "
        f"{percent(study.summary.quartiles[1].value)}"
        for study in studies
        if study.summary
    ]
    described = "Empirical distribution function of the error with its 95 % band. "
    plot = Plot(name="", figure=figure, described=described + "; ".join(told) + ".")
    return Section(
        title="How good are the networks of this space?",
        blocks=[with_references(plot, view.references, errors="x")],
        note="Share of the networks below each error, first seeds only. The band holds the whole "
        "curve of the design space at once. Networks without an error are counted in n and never "
        "below an error, so the curve may level off under 100 %.",
    )
