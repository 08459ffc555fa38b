"""How the networks were trained, and how much of their error is the seed's."""

from __future__ import annotations

from dse.analysis.population import chosen
from dse.analysis.reliability import reliability_sentence
from dse.dashboard import markup
from dse.dashboard.figures.curves import curves_figure
from dse.dashboard.figures.points import MOST_DRAWN, drawn_words
from dse.dashboard.figures.seeds import seed_pairs, seeds_figure
from dse.dashboard.panels.base import (
    Block,
    Group,
    Options,
    Plot,
    Section,
    each_study,
    with_references,
)
from dse.dashboard.panels.networks import best_of, worst_of
from dse.dashboard.view import StudyData, View


def curves(view: View, options: Options) -> Section | None:
    """Learning curves: the median, the middle 80 % and half, the best and the worst."""
    blocks = each_study(view, _curves)
    if not blocks:
        return None
    return Section(
        title="Learning curves",
        blocks=blocks,
        note="First seeds. What is reported everywhere else is the last epoch, never the best. "
        "Bands are of the networks, epoch by epoch: the middle 80 % and the middle half. "
        "A network that ended badly counts as worse than every error from there on.",
    )


def seeds(view: View, options: Options) -> Section | None:
    """The second seed against the first, those chosen at random apart from the finalists."""
    blocks = each_study(view, _seeds)
    if not blocks:
        return None
    return Section(
        title="Seed noise",
        blocks=blocks,
        note="One point a network that was trained twice; equal errors lie on the dashed line. "
        "Only networks that got their second seed at random tell signal from noise: those that "
        "were chosen for a good first error were partly lucky, so their second one is larger on "
        "average (winner's curse). The ICC is the share of the variance of one training that is "
        "the network's; all brackets are 95 % intervals.",
    )


def _curves(study: StudyData) -> list[Block]:
    if study.curves.empty or study.networks.empty:
        return []
    figure = curves_figure(
        study.networks,
        study.curves,
        best=best_of(study),
        worst=worst_of(study),
        study=study.name,
    )
    described = f"Held-out error by epoch of {len(study.networks):,} networks: median and bands."
    plot = Plot(name="", figure=figure, described=described)
    return [with_references(plot, study.references, errors="y")]


def _seeds(study: StudyData) -> list[Block]:
    summary, pairs = study.summary, seed_pairs(study.population)
    if summary is None or pairs.empty:
        return []
    random = chosen(summary.finalist_share, int(study.population["index"].nunique()))
    result = summary.reliability
    figure = seeds_figure(pairs, random, result, study=study.name)
    said = reliability_sentence(result)
    described = f"Error with the second seed against the first, {len(pairs):,} networks. {said}"
    told = [said, drawn_words(MOST_DRAWN, len(pairs))]
    words = Group(kind="", blocks=[markup.paragraph(text) for text in told if text])
    return [Group(kind="pair", blocks=[Plot(name="", figure=figure, described=described), words])]
