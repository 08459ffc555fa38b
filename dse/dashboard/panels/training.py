"""How the networks were trained."""

from __future__ import annotations

from dse.dashboard.figures.curves import curves_figure
from dse.dashboard.panels.base import Block, Options, Plot, Section, each_study, with_references
from dse.dashboard.panels.networks import best_of, worst_of
from dse.dashboard.view import StudyData, View


def curves(view: View, options: Options) -> Section | None:
    """Learning curves: the median, the middle half, the best and the worst."""
    blocks = each_study(view, _of_study)
    if not blocks:
        return None
    return Section(
        title="Learning curves",
        blocks=blocks,
        note="First seeds. What is reported everywhere else is the last epoch, never the best. "
        "A network that ended badly counts as worse than every error from there on.",
    )


def _of_study(study: StudyData) -> list[Block]:
    if study.curves.empty or study.networks.empty:
        return []
    figure = curves_figure(
        study.population, study.curves, best=best_of(study), worst=worst_of(study)
    )
    described = (
        f"Held-out error by epoch of {len(study.networks)} networks: median and middle half."
    )
    plot = Plot(name="", figure=figure, described=described)
    return [with_references(plot, study.references, errors="y")]
