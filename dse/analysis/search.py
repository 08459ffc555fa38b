"""The conclusion of an adaptive search: about the networks it found, never about their space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from dse.analysis.estimate import Estimate
from dse.analysis.intervals import mean_interval
from dse.analysis.pareto import pareto_front
from dse.analysis.ranking import Ranked, rank
from dse.analysis.summary import EMBEDDED_SENTENCE, device_sentences, percent
from dse.units import format_quantity

NO_SAMPLE_SENTENCE: Final = (
    "The networks of a search are no sample of the space: they are in no statistic of a survey, "
    "and do not tell how many networks of the space are good."
)
_WORDS: Final = {
    "complete": "trained to the end",
    "stopped": "stopped early",
    "out_of_memory": "out of memory",
}
TABLE_NOTE: Final = (
    "Networks with a fresh seed come first, by the mean over their seeds. The first error chose "
    "them, so it is too good; ± is what the held-out images alone leave open."
)


@dataclass(frozen=True, kw_only=True)
class SearchSummary:
    """What a search found.

    Attributes:
        study: its name.
        objectives: what it minimised; the error first.
        states: networks by the state of their first training.
        ranked: the networks that were trained to the end, the best first.
        front: numbers of the networks that no other one beats in all objectives, by first-seed
            error; of one objective those with the least first error.
        optimism: by how much the first errors of the networks with a fresh seed were too good on
            average [error fraction]; None if none has one.
        rows: each network of `ranked` as plain values, for tables and JSON.
        sentences: all of it in plain words.
    """

    study: str
    objectives: tuple[str, ...]
    states: dict[str, int]
    ranked: tuple[Ranked, ...]
    front: tuple[int, ...]
    optimism: Estimate | None
    rows: tuple[dict[str, Any], ...]
    sentences: tuple[str, ...]

    @property
    def networks(self) -> int:
        """How many networks the search asked for."""
        return sum(self.states.values())


def summarise_search(
    population: pd.DataFrame,
    *,
    objectives: Sequence[str],
    finalists: int,
    algorithm: str,
    embedded: bool,
    notes: Sequence[str] = (),
) -> SearchSummary:
    """Conclude from a search's population (one row a training).

    Args:
        population: with a column for each objective.
        objectives: what was minimised, the error first.
        finalists: so many of the best were to be given a fresh seed.
        algorithm: what it is called.
        embedded: the data set is the embedded one.
        notes: further sentences.
    """
    first = population[population["replicate"] == 0]
    whole = first[first["state"] == "complete"]
    ranked = rank(population[population["state"] != "stopped"], finalists=finalists, seed_std=None)
    front = whole[pareto_front(whole[list(objectives)])].sort_values(["error", "index"])
    states = first["state"].value_counts()
    summary = SearchSummary(
        study=str(population["study"].iloc[0]) if len(population) else "",
        objectives=tuple(objectives),
        states={str(state): int(n) for state, n in states.items()},
        ranked=tuple(place for place in ranked if place.ended_well),
        front=tuple(int(index) for index in front["index"]),
        optimism=_optimism(population),
        rows=(),
        sentences=(),
    )
    sentences = [_count_sentence(summary), *_best_sentences(summary, whole, algorithm)]
    sentences += [NO_SAMPLE_SENTENCE, *notes, *_copies_sentences(first)]
    sentences += device_sentences(population)
    sentences += [EMBEDDED_SENTENCE] if embedded else []
    return replace(summary, rows=tuple(_rows(summary, whole)), sentences=tuple(sentences))


def _optimism(population: pd.DataFrame) -> Estimate | None:
    """The mean of fresh less first errors, with Student's t interval over networks."""
    errors = population.pivot(index="index", columns="replicate", values="error")
    if 1 not in errors:
        return None
    gaps = (errors[1] - errors[0]).dropna().to_numpy()
    return mean_interval(gaps) if len(gaps) else None


def _rows(summary: SearchSummary, whole: pd.DataFrame) -> list[dict[str, Any]]:
    rows = []
    known = {row["index"]: row for row in whole.to_dict("records")}
    for place in summary.ranked:
        row = known[place.index]
        rows.append(
            {
                "study": summary.study,
                "kind": "search",
                "rank": place.rank,
                "network": place.index,
                "error": place.first_error,
                "standard_error": _standard_error(place.first_error, int(row["test_images"])),
                "fresh_error": place.fresh_error,
                **{name: _plain(row[name]) for name in summary.objectives[1:]},
                "front": place.index in summary.front if len(summary.objectives) > 1 else None,
                "best_of": len(whole),
                "architecture": place.architecture,
            }
        )
    return rows


def table_row(row: Mapping[str, Any], objectives: Sequence[str]) -> dict[str, Any]:
    """A row of a summary for a table."""
    spread, fresh = row["standard_error"], row["fresh_error"]
    shape = (row["architecture"][name] for name in ("depths", "dims", "kernel_sizes"))
    return {
        "rank": row["rank"],
        "network": row["network"],
        "first seed": percent(row["error"]) + ("" if spread is None else f" ± {percent(spread)}"),
        "fresh seed": "–" if fresh is None else percent(fresh),
        **{name: format_quantity(row[name], name) for name in objectives[1:]},
        **({"front": "yes" if row["front"] else ""} if len(objectives) > 1 else {}),
        "depths  widths  kernels": "  ".join("-".join(map(str, values)) for values in shape),
    }


def _plain(value: Any) -> float | int:
    return int(value) if float(value).is_integer() else float(value)


def _standard_error(error: float, images: int) -> float | None:
    """What the number of held-out images alone leaves open; seed noise is not in it."""
    return float(np.sqrt(error * (1 - error) / images)) if images else None


def _count_sentence(summary: SearchSummary) -> str:
    parts = [f"{n} {_WORDS.get(state, state)}" for state, n in summary.states.items()]
    total = summary.networks
    return f"{total} {'network' if total == 1 else 'networks'}: {', '.join(parts) or 'none yet'}."


def _best_sentences(summary: SearchSummary, whole: pd.DataFrame, algorithm: str) -> list[str]:
    if not summary.ranked:
        return ["No network was trained to the end with all its seeds, so there is no best one."]
    best, n = summary.ranked[0], len(whole)
    images = int(whole.loc[whole["index"] == best.index, "test_images"].sum())
    error = _standard_error(best.first_error, images)
    spread = f" (± {percent(error)} by its {images:,} held-out images)" if error else ""
    fresh = (
        "" if best.fresh_error is None else f", and {percent(best.fresh_error)} from a fresh one"
    )
    sentences = [
        f"Best of n = {n}, each asked for by {algorithm} after the errors of those before: network "
        f"{best.index}, with {percent(best.first_error)} error{spread} from its first seed{fresh}. "
        "It was selected as the best of n, so its first error is too good on average."
    ]
    if summary.optimism is not None:
        gap = summary.optimism
        width = ""
        if np.isfinite(gap.lower):
            width = f", 95 % interval {100 * gap.lower:+.1f} to {100 * gap.upper:+.1f}"
        sentences.append(
            "Errors from fresh seeds, which had no part in choosing, differ from those of the "
            f"first seeds by {100 * gap.value:+.1f} percentage points on average over the best "
            f"networks (n = {gap.n}{width})."
        )
    if len(summary.objectives) > 1:
        others = " and ".join(summary.objectives[1:])
        sentences.append(
            f"{len(summary.front)} of n = {n} networks are on the Pareto front of first-seed error "
            f"against {others}: no other one found is at least as good in all and better in one. "
            "Their errors are selected too, and too good on average."
        )
    return sentences


def _copies_sentences(first: pd.DataFrame) -> list[str]:
    hashes = first["architecture"].map(lambda network: repr(sorted(network.items())))
    copies = len(hashes) - hashes.nunique()
    if not copies:
        return []
    what = "network equals" if copies == 1 else "networks equal"
    return [f"{copies} {what} an earlier one, and had another seed."]
