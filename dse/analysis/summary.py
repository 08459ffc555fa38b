"""The conclusion of a study: its numbers, and the sentences that say them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dse.analysis.chance import at_chance
from dse.analysis.distributions import quartiles, share_beyond_best
from dse.analysis.estimate import Estimate, jsonable
from dse.analysis.population import STATES, chosen, first_seeds, outcomes
from dse.analysis.ranking import Ranked, rank
from dse.analysis.reliability import Reliability, reliability, reliability_sentence

EMBEDDED_SENTENCE = (
    "The embedded data set is drawn from formulas: this study shows the tool at work and is no "
    "evidence about ImageNet."
)


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a survey found.

    `states` counts networks by the state of their first training, `retrained` the later seeds.
    The statistics are over the `networks` whose first training has ended; `quartiles` [error
    fraction] are empty and `beyond_best` is None while there is none. `best` holds the best
    networks, none that ended badly with any seed; `finalist_share` of all were to be trained again
    for their good first error. `at_chance` are network indices. `sentences` say it all in plain
    words.
    """

    study: str
    networks: int
    states: dict[str, int]
    retrained: dict[str, int]
    quartiles: tuple[Estimate, ...]
    beyond_best: float | None
    best: tuple[Ranked, ...]
    finalist_share: float
    reliability: Reliability
    at_chance: tuple[int, ...]
    embedded: bool
    confidence: float
    sentences: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values; an infinite error or bound is the text "inf"."""
        plain = jsonable(dataclasses.asdict(self))
        assert isinstance(plain, dict)
        return plain


def summarise(
    population: pd.DataFrame,
    *,
    random_subset: int,
    embedded: bool,
    top: int = 5,
    top_share: float = 0.25,
    confidence: float = 0.95,
    notes: Sequence[str] = (),
) -> Summary:
    """Conclude from one study's population (one row a training).

    `random_subset`: the networks with a smaller index were given a second seed whatever their
    first error was; only they tell the seed noise. `embedded`: the data set is the embedded one.
    `top`: how many of the best networks to keep. `top_share`: the share that was retrained
    because its first error was good. `notes`: further sentences, to stand after the
    one on signal and noise.
    """
    assert population["study"].nunique() <= 1, "a summary is of one study"
    first = first_seeds(population)
    result = outcomes(first)
    seeds = reliability(population, random_subset, confidence=confidence)
    chance = at_chance(first["error"], first["test_images"], first["classes"])
    states = _counts(population[population["replicate"] == 0])
    ranked = rank(
        population,
        finalists=chosen(top_share, int(population["index"].nunique())),
        seed_std=seeds.seed_std,
    )
    summary = Summary(
        study=str(population["study"].iloc[0]) if len(population) else "",
        networks=len(first),
        states=states,
        retrained=_counts(population[population["replicate"] > 0]),
        quartiles=quartiles(result, confidence) if len(first) else (),
        beyond_best=share_beyond_best(len(first), confidence) if len(first) else None,
        best=tuple(network for network in ranked if network.ended_well)[:top],
        finalist_share=top_share,
        reliability=seeds,
        at_chance=tuple(int(i) for i in first["index"][chance]),
        embedded=embedded,
        confidence=confidence,
        sentences=(),
    )
    lines = [count_sentence(states)]
    if summary.networks:
        lines += [quartile_sentence(summary), *best_sentences(summary)]
        lines += [reliability_sentence(seeds), *notes]
        lines += chance_sentences(summary, first)
    lines += device_sentences(population)
    lines += [EMBEDDED_SENTENCE] if embedded else []
    return dataclasses.replace(summary, sentences=tuple(lines))


def _counts(rows: pd.DataFrame) -> dict[str, int]:
    found = rows["state"].value_counts()
    return {state: int(found.get(state, 0)) for state in STATES}


def count_sentence(states: dict[str, int]) -> str:
    """How many networks there are, and what became of them."""
    words = {"complete": "trained to the end", "out_of_memory": "out of memory"}
    parts = [f"{n} {words.get(state, state)}" for state, n in states.items() if n]
    total = sum(states.values())
    return f"{total} {'network' if total == 1 else 'networks'}: {', '.join(parts) or 'none yet'}."


def quartile_sentence(summary: Summary) -> str:
    """The quartiles with their intervals, and how bad ends are counted."""
    low, median, high = map(_quartile, summary.quartiles)
    counted = ", those that ended badly counted as worse than every error" if _bad(summary) else ""
    return (
        f"Median error {median}, lower quartile {low}, upper quartile {high}; "
        f"{100 * summary.confidence:g} % intervals, n = {summary.networks}{counted}."
    )


def best_sentences(summary: Summary) -> list[str]:
    """The best network, which errors chose it, and how much better the space may hold."""
    if not summary.best or summary.beyond_best is None:
        return ["No network was trained to the end with all its seeds, so there is no best one."]
    best = summary.best[0]
    found = (
        f"Best: {best.called} with {percent(best.first_error)} error by its one seed, which "
        "chose it, so that this is too good on average."
    )
    if best.fresh_error is not None:
        noise = f" ({interval(best.fresh_interval)} by seed noise)" if best.fresh_interval else ""
        found = (
            f"Best: {best.called} with {percent(best.mean_error)} error, the mean of "
            f"{percent(best.first_error)} by the first seed and {percent(best.fresh_error)} by a "
            f"fresh one{noise}; both helped to choose it, so both are too good on average."
        )
    return [
        found,
        f"At most {percent(summary.beyond_best)} of further networks, drawn from this space as "
        f"these {summary.networks} were, would do better in one training than the best of their "
        f"first trainings (with {100 * summary.confidence:g} % confidence).",
    ]


def chance_sentences(summary: Summary, first: pd.DataFrame) -> list[str]:
    """The warning about networks that only guess; nothing where none does."""
    guessing = len(summary.at_chance)
    if not guessing:
        return []
    chance = 1 - 1 / int(first["classes"].max())
    names = ", ".join(str(i) for i in summary.at_chance[:8]) + (", ..." if guessing > 8 else "")
    are = "network is" if guessing == 1 else "networks are"
    return [
        f"{guessing} {are} still at chance ({percent(chance)} error; exact binomial test at 1 %): "
        f"{names}. The proxy is too short or too hard for them, and their order says nothing."
    ]


def device_sentences(population: pd.DataFrame) -> list[str]:
    """That the trainings were not all done alike; nothing where they were."""
    complete = population[population["state"] == "complete"]
    places = complete["device"].astype(str) + " in " + complete["dtype"].astype(str)
    counts = places.value_counts()
    if len(counts) < 2:
        return []
    parts = [f"{n} on {place}" for place, n in counts.items()]
    return [
        f"The trainings were done on more than one device or in more than one arithmetic "
        f"({', '.join(parts)}), which may be part of the differences between networks."
    ]


def percent(error: float) -> str:
    """An error in per cent, or in words where there is none."""
    return f"{100 * error:.1f} %" if np.isfinite(error) else "no finite error"


def interval(estimate: Estimate) -> str:
    """The bounds in per cent, or in words where they are infinite."""
    if not np.isfinite(estimate.lower):
        return "no finite bound"
    if not np.isfinite(estimate.upper):
        return f"{100 * estimate.lower:.1f} % or more"
    return f"{100 * estimate.lower:.1f} to {100 * estimate.upper:.1f} %"


def _quartile(estimate: Estimate) -> str:
    if not np.isfinite(estimate.lower):
        return "infinite"
    value = percent(estimate.value) if np.isfinite(estimate.value) else "infinite"
    return f"{value} ({interval(estimate)})"


def _bad(summary: Summary) -> int:
    return summary.networks - summary.states["complete"]
