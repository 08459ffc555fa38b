"""What matters in a space: which parameters, which of their values, and which two together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Final

from dse.analysis.factors.cells import FEW, cells
from dse.analysis.factors.contrasts import FactorEffect, level_effects
from dse.analysis.factors.effects import PREFIX
from dse.analysis.factors.explanation import NOTES
from dse.analysis.factors.importance import Importance, importances
from dse.analysis.factors.interactions import Interaction, interactions
from dse.analysis.factors.levels import Networks
from dse.analysis.factors.narrowing import LEVEL
from dse.analysis.factors.sentences import (
    importance_sentence,
    interaction_sentence,
    p_text,
    percent,
)
from dse.dashboard import markup
from dse.dashboard.figures.effects import is_held, means_figure, ratios_figure
from dse.dashboard.figures.heat_map import heat_map, shown_limits
from dse.dashboard.figures.importance import importance_figure
from dse.dashboard.figures.levels import factor_name
from dse.dashboard.panels.base import Block, Group, Options, Plot, Section, each_study
from dse.dashboard.view import StudyData, View

PAIRS_SHOWN: Final = 6
EFFECTS_SHOWN: Final = 12
FEWEST: Final = 2


def importance(view: View, options: Options) -> Section | None:
    """How much each parameter matters."""
    blocks = each_study(view, _importance)
    if not blocks:
        return None
    return Section(
        title="Which parameters matter?",
        blocks=blocks,
        note=f"{NOTES['importance']} {_ASSOCIATIONS}",
    )


def effects(view: View, options: Options) -> Section | None:
    """What each value of the parameters that matter most, or of those asked for, does."""
    blocks = each_study(view, lambda study: _effects(study, options.columns))
    if not blocks:
        return None
    return Section(
        title="What does each value do?",
        blocks=blocks,
        note="Left: the mean error at each value; dashed is that of all networks. Right: "
        f"{NOTES['effects'][0].lower()}{NOTES['effects'][1:]} Filled dots are apart from the "
        f"dashed line by their own interval. {_ASSOCIATIONS}",
    )


def heat_maps(view: View, options: Options) -> Section | None:
    """The mean error over two parameters: the strongest interactions, or the columns asked for."""
    blocks = each_study(view, lambda study: _heat_maps(study, options.columns))
    if not blocks:
        return None
    return Section(
        title="What matters together?",
        blocks=blocks,
        note="Mean error [%] and number of networks at each pair of values, blue the least and "
        "orange the largest of the page's cells; a training that ended badly counts as guessing. "
        f"A dotted frame marks fewer than {FEW} networks. The size of an interaction is what the "
        "two do to a network's place in the order beyond the sum of both, with its 95 % interval. "
        f"{_ASSOCIATIONS}",
    )


_ASSOCIATIONS = "These are associations over first trainings with one recipe."


def of_columns(found: Networks, asked: Sequence[str]) -> list[str]:
    """The names of those parameters among the columns asked for, in their order."""
    names = {factor.name for factor in found.factors}
    wanted = [column.removeprefix(PREFIX) for column in asked]
    return [name for name in wanted if name in names]


def _importance(study: StudyData) -> list[Block]:
    found = study.levels
    if len(found) < FEWEST or not found.factors:
        return []
    rows = importances(found, fanova=dict(study.fanova))
    tested = {effect.name: effect for effect in level_effects(found)}
    shown = {name for name, effect in tested.items() if effect.corrected <= LEVEL}
    first = rows[0]
    described = (
        f"Share of the order that goes with each of {len(rows)} parameters, n = {len(found)}. "
        f"{importance_sentence(first, tested[first.name])}"
    )
    plot = Plot(name="", figure=importance_figure(rows, shown), described=described)
    return [plot, _importance_table(rows, tested)]


def _importance_table(rows: Sequence[Importance], tested: dict[str, FactorEffect]) -> str:
    with_fanova = any(row.fanova is not None for row in rows)
    columns = {"Parameter": "text", "n": "", "Share of the order [%]": "", "p, corrected": ""}
    columns |= {"PED-ANOVA [%]": ""} | ({"fANOVA [%]": ""} if with_fanova else {})
    cells = []
    for row in rows:
        share = row.variance_share
        bounds = f" [{percent(share.lower)}, {percent(share.upper)}]" if share else ""
        corrected = tested[row.name].corrected
        cell = [
            factor_name(row.name),
            f"{row.n:,}",
            f"{percent(share.value)}{bounds}" if share else "–",
            p_text(corrected).removeprefix("p ").removeprefix("= ") if corrected >= 0 else "–",
            percent(row.ped_anova),
        ]
        if with_fanova:
            cell.append("–" if row.fanova is None else percent(row.fanova))
        cells.append(cell)
    return markup.table("How much each parameter matters", columns, cells)


def _effects(study: StudyData, asked: Sequence[str]) -> list[Block]:
    found = study.levels
    if len(found) < FEWEST or not found.factors:
        return []
    names = of_columns(found, asked) or [row.name for row in importances(found)]
    by_name = {effect.name: effect for effect in level_effects(found)}
    chosen = [by_name[name] for name in names][:EFFECTS_SHOWN]
    overall = float(found.capped.mean())
    words = f"of {len(chosen)} parameters, n = {len(found)}"
    plots: list[Block] = [
        Plot(
            name="means",
            figure=means_figure(chosen, found.factors, overall),
            described=f"Mean error at each value {words}, with 95 % intervals.",
        ),
        Plot(
            name="ratios",
            figure=ratios_figure(chosen, found.factors),
            described=f"Error at each value relative to the other values {words}, "
            f"{'other choices held' if is_held(chosen) else 'as sampled'}, with 95 % intervals.",
        ),
    ]
    blocks: list[Block] = [Group(kind="pair", blocks=plots)]
    if len(chosen) < len(names):
        said = f"The {len(chosen)} parameters that matter most of {len(names)}."
        blocks.append(markup.paragraph(said))
    return blocks


def _heat_maps(study: StudyData, asked: Sequence[str]) -> list[Block]:
    found = study.levels
    tested = interactions(found) if len(found) else ()
    by_names = {frozenset(pair.names): pair for pair in tested}
    named = of_columns(found, asked)
    pairs = list(combinations(named, 2)) if asked else [pair.names for pair in tested[:PAIRS_SHOWN]]
    if not pairs:
        return []
    tables = [cells(found, pair) for pair in pairs]
    limits = shown_limits(tables)
    plots = []
    for pair, table in zip(pairs, tables, strict=True):
        row = by_names.get(frozenset(pair))
        figure = heat_map(table, limits, _print(row, len(found)), study.networks.columns)
        names = " and ".join(factor_name(name) for name in pair)
        told = interaction_sentence(row) if row else ""
        described = f"Mean error over {names}, n = {len(found)}. {told}"
        plots.append(Plot(name="-".join(pair), figure=figure, described=described))
    blocks: list[Block] = [Group(kind="pair", blocks=plots)]
    if not asked and len(tested) > len(pairs):
        said = (
            f"The {len(pairs)} pairs with the smallest p-values of {len(tested)}; all were tested, "
            "and p-values are corrected for their number (Holm)."
        )
        blocks.append(markup.paragraph(said))
    return blocks


def _print(row: Interaction | None, n: int) -> str:
    if row is None:
        return f"n = {n:,}; interaction not estimable"
    size = row.size
    return (
        f"interaction {percent(size.value)} % [{percent(size.lower)}, {percent(size.upper)}], "
        f"{p_text(row.corrected)}, n = {n:,}"
    )
