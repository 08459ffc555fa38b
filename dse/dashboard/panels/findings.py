"""What was found, in key numbers and sentences."""

from __future__ import annotations

from dse.analysis.population import BAD_STATES
from dse.analysis.search import SearchSummary
from dse.analysis.summary import Summary, interval, percent
from dse.dashboard import markup
from dse.dashboard.panels.base import Block, Options, Section, each_study
from dse.dashboard.view import StudyData, View


def conclusion(view: View, options: Options) -> Section | None:
    """The key numbers and the sentences of every study."""
    blocks = each_study(view, _of_study, samples=False)
    return Section(title="Conclusion", blocks=blocks) if blocks else None


def _of_study(study: StudyData) -> list[Block]:
    if study.summary is not None:
        return _of_survey(study.summary)
    if study.search is not None:
        return _of_search(study.search)
    return []


def _of_survey(summary: Summary) -> list[Block]:
    return [markup.tiles(tiles_of(summary)), markup.bullets(summary.sentences, "conclusion")]


def tiles_of(summary: Summary) -> list[tuple[str, str, str]]:
    """The key numbers of a survey: name, value, and the small print that makes it honest."""
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
    return tiles


def _of_search(search: SearchSummary) -> list[Block]:
    return [markup.bullets(search.sentences, "conclusion")]


def _count(summary: Summary) -> str:
    bad = sum(summary.states[state] for state in BAD_STATES)
    left = summary.states["running"] + summary.states["waiting"]
    parts = [f"{bad} without an error" if bad else "all trained to the end"]
    return ", ".join(parts + ([f"{left} to come"] if left else []))
