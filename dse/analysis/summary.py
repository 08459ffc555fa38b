"""The conclusion of a study: its numbers, and the sentences that say them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dse.analysis.chance import at_chance
from dse.analysis.distributions import quartiles, share_beyond_best
from dse.analysis.estimate import Estimate, jsonable
from dse.analysis.population import STATES, first_seeds, outcomes
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
    fraction] are empty and `beyond_best` is None while there is none. `at_chance` and `diverged`
    are network indices. `sentences` say it all in plain words.
    """

    study: str
    networks: int
    states: dict[str, int]
    retrained: dict[str, int]
    quartiles: tuple[Estimate, ...]
    beyond_best: float | None
    best: tuple[Ranked, ...]
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
) -> Summary:
    """Conclude from one study's population (one row a training).

    `random_subset`: the networks with a smaller index were given a second seed whatever their
    first error was; only they tell the seed noise. `embedded`: the data set is the embedded one.
    `top`: how many of the best networks to keep. `top_share`: the share that was retrained
    because its first error was good.
    """
    assert population["study"].nunique() <= 1, "a summary is of one study"
    first = first_seeds(population)
    result = outcomes(first)
    seeds = reliability(population, random_subset, confidence=confidence)
    chance = at_chance(first["error"], first["test_images"], first["classes"])
    states = _counts(population[population["replicate"] == 0])
    summary = Summary(
        study=str(population["study"].iloc[0]) if len(population) else "",
        networks=len(first),
        states=states,
        retrained=_counts(population[population["replicate"] > 0]),
        quartiles=quartiles(result, confidence) if len(first) else (),
        beyond_best=share_beyond_best(len(first), confidence) if len(first) else None,
        best=rank(population, seed_std=seeds.seed_std, top_share=top_share)[:top],
        reliability=seeds,
        at_chance=tuple(int(i) for i in first["index"][chance]),
        embedded=embedded,
        confidence=confidence,
        sentences=(),
    )
    return dataclasses.replace(summary, sentences=_sentences(summary, first))


def _counts(rows: pd.DataFrame) -> dict[str, int]:
    found = rows["state"].value_counts()
    return {state: int(found.get(state, 0)) for state in STATES}


def _sentences(summary: Summary, first: pd.DataFrame) -> tuple[str, ...]:
    lines = [count_sentence(summary.states)]
    if summary.networks:
        lines += [quartile_sentence(summary), *best_sentences(summary)]
        lines += [reliability_sentence(summary.reliability)]
        lines += chance_sentences(summary, first)
    return (*lines, EMBEDDED_SENTENCE) if summary.embedded else tuple(lines)


def count_sentence(states: dict[str, int]) -> str:
    """How many networks there are, and what became of them."""
    words = {"complete": "trained to the end", "out_of_memory": "out of memory"}
    parts = [f"{n} {words.get(state, state)}" for state, n in states.items() if n]
    total = sum(states.values())
    return f"{total} {'network' if total == 1 else 'networks'}: {', '.join(parts) or 'none yet'}."


def quartile_sentence(summary: Summary) -> str:
    """The quartiles with their intervals, and how bad ends are counted."""
    low, median, high = summary.quartiles
    counted = ", those that ended badly counted as worse than every error" if _bad(summary) else ""
    return (
        f"Median error {percent(median.value)} ({interval(median)}), lower quartile "
        f"{percent(low.value)} ({interval(low)}), upper quartile {percent(high.value)} "
        f"({interval(high)}); {100 * summary.confidence:g} % intervals, n = {summary.networks}"
        f"{counted}."
    )


def best_sentences(summary: Summary) -> list[str]:
    """The best network, by the seed that did not choose it where there is one."""
    best, share = summary.best[0], summary.beyond_best
    if not np.isfinite(best.mean_error) or share is None:
        return ["No network was trained to the end, so there is no best one."]
    lines = [f"Best: network {best.index} with {percent(best.first_error)} error (one seed)."]
    if best.fresh_error is not None:
        noise = f" ({interval(best.fresh_interval)} by seed noise)" if best.fresh_interval else ""
        lines = [
            f"Best: network {best.index} with {percent(best.fresh_error)} error by a fresh seed"
            f"{noise}, {percent(best.first_error)} by the first seed, which helped to choose it."
        ]
    return [
        *lines,
        f"At most {percent(share)} of the design space would do better in one training than the "
        f"best of these {summary.networks} first trainings (with {100 * summary.confidence:g} % "
        "confidence).",
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


def percent(error: float) -> str:
    """An error in per cent, or in words where there is none."""
    return f"{100 * error:.1f} %" if np.isfinite(error) else "no finite error"


def interval(estimate: Estimate) -> str:
    """The bounds in per cent."""
    if not np.isfinite(estimate.upper):
        return f"{100 * estimate.lower:.1f} % or more"
    return f"{100 * estimate.lower:.1f} to {100 * estimate.upper:.1f} %"


def _bad(summary: Summary) -> int:
    return summary.networks - summary.states["complete"]
