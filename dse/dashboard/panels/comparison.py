"""Which of several spaces is better, and where along the errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from dse.analysis.distributions import QUARTILES
from dse.analysis.population import outcomes
from dse.analysis.spaces.comparison import FEWEST, Pair, Side, compare
from dse.analysis.spaces.differences import quantile_difference
from dse.analysis.spaces.sentences import (
    NOTE,
    bad_sentences,
    conclusion,
    pair_rows,
    space_rows,
)
from dse.dashboard import markup
from dse.dashboard.figures.comparison import gap_figure, quantiles_figure
from dse.dashboard.panels.base import Block, Group, Options, Plot, Section
from dse.dashboard.view import StudyData, View

OUTER: Final = (0.1, 0.9)
"""Quantiles shown beside the quartiles."""
ALL_PAIRS_OF: Final = 4
"""Of more studies, the first is compared with each other one."""


def comparison(view: View, options: Options) -> Section | None:
    """Every pair of samples: tables, sentences, and where along the errors they differ."""
    studies = [study for study in view.samples if _can_compare(study)]
    if len(studies) < 2:
        return None
    sides = [_side(study) for study in studies]
    found = compare(sides, baseline=len(studies) > ALL_PAIRS_OF)
    said = [conclusion(pair, len(found.pairs), found.confidence) for pair in found.pairs]
    blocks: list[Block] = [
        markup.bullets([*said, *bad_sentences(found)], "conclusion"),
        _table("Spaces", space_rows(found), ("space",)),
        _table("Pairs of spaces", pair_rows(found), ()),
    ]
    by_name = {study.name: study for study in studies}
    for number, pair in enumerate(found.pairs):
        blocks += _figures(view, by_name, pair, number)
    return Section(title="Which space is better?", blocks=blocks, note=f"{NOTE} {_HOW}")


_HOW = (
    "The curve: how many more of the first's networks are below each error; coloured ground is "
    "where the band, which holds the whole curve at once, leaves out zero. Dots: differences of "
    "quantiles, each with its own 95 % interval."
)


def _can_compare(study: StudyData) -> bool:
    """Enough networks, and what guessing is worth is known where some ended badly."""
    rows = study.networks
    ended_badly = (rows["state"] != "complete").to_numpy()
    return len(rows) >= FEWEST and not (ended_badly & ~(rows["classes"] > 0).to_numpy()).any()


def _side(study: StudyData) -> Side:
    assert study.summary is not None
    again = study.summary.reliability
    return Side(
        name=study.name,
        population=study.population,
        random_subset=again.networks + again.incomplete,
    )


def _table(name: str, rows: Sequence[Mapping[str, Any]], words: tuple[str, ...]) -> str:
    columns = {key: "text" if key in ("", *words) else "" for key in rows[0]}
    return markup.table(name, columns, [tuple(row.values()) for row in rows])


def _figures(view: View, studies: Mapping[str, StudyData], pair: Pair, number: int) -> list[Block]:
    a, b = studies[pair.a], studies[pair.b]
    colours = view.colour(a), view.colour(b)
    errors = [outcomes(study.networks) for study in (a, b)]
    quantiles = dict(zip(QUARTILES, pair.quartiles, strict=True))
    quantiles |= {p: quantile_difference(errors[0], errors[1], p) for p in OUTER}
    plots = [
        Plot(
            name=f"gap-{number + 1}",
            figure=gap_figure(pair.gap, (pair.a, pair.b), colours),
            described=f"Share of networks below each error, {pair.a} less {pair.b}, with its 95 % "
            f"simultaneous band; n = {pair.n[0]} and {pair.n[1]}.",
        ),
        Plot(
            name=f"quantiles-{number + 1}",
            figure=quantiles_figure(dict(sorted(quantiles.items())), colours),
            described=f"Quantiles of the error of {pair.a} less those of {pair.b}, with 95 % "
            f"intervals; n = {pair.n[0]} and {pair.n[1]}.",
        ),
    ]
    return [markup.subheading(f"{pair.a} against {pair.b}"), Group(kind="pair", blocks=plots)]
