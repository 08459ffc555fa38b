"""What matters in a population: every table of `dse explain`, one sentence a row."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Any

from dse.analysis.estimate import jsonable
from dse.analysis.factors.contrasts import FactorEffect, level_effects
from dse.analysis.factors.good_values import GoodValues, good_values
from dse.analysis.factors.importance import Importance, importances
from dse.analysis.factors.interactions import Interaction, interactions
from dse.analysis.factors.levels import Networks
from dse.analysis.factors.narrowing import Narrowing, narrowing
from dse.analysis.factors.sentences import (
    effect_sentence,
    good_sentence,
    importance_sentence,
    interaction_sentence,
    kept_sentence,
    narrowing_sentence,
)

NOTES = {
    "importance": (
        "Share of the order: of the variance of ranks, with an interval; the p-value is of Kruskal "
        "and Wallis, corrected by Holm. PED-ANOVA and fANOVA are shares of their own sums, without "
        "intervals, and answer other questions."
    ),
    "effects": (
        "Errors relative to the other levels of the parameter, by geometric means; a training that "
        "ended badly counts as guessing. Intervals are 95 % each, so that one in twenty misses."
    ),
    "interactions": (
        "What two parameters do to a network's place in the order beyond the sum of both. All "
        "pairs are tested and corrected; the table shows the first."
    ),
    "good_values": (
        "RegNet's empirical bootstrap in closed form. It says where the few best networks lie and "
        "is no confidence interval; see the effective number."
    ),
    "ranges": (
        "Chosen on one half of the networks at random, judged on the other. Of parameters that are "
        "shown to matter, a value is left out where its networks are shown to be worse than the "
        "others (rank tests at 5 %, corrected by Holm)."
    ),
}
"""What a reader of each table must know."""


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """What the population says about its parameters; `networks` counts, `bad` of these ended badly.

    `narrowing` speaks of the parameters that a narrower space can set.
    """

    networks: int
    bad: int
    importances: tuple[Importance, ...]
    effects: tuple[FactorEffect, ...]
    interactions: tuple[Interaction, ...]
    good_values: tuple[GoodValues, ...]
    narrowing: Narrowing

    def rows(self) -> list[dict[str, Any]]:
        """Every row of every table as plain JSON values: `table`, its own keys, `sentence`."""
        effects = {effect.name: effect for effect in self.effects}
        rows: list[dict[str, Any]] = []
        for row in self.importances:
            about = effects[row.name]
            tests = {"p_value": about.p_value, "corrected": about.corrected}
            rows.append(_row("importance", asdict(row) | tests, importance_sentence(row, about)))
        for effect in self.effects:
            for level in effect.levels:
                sentence = effect_sentence(effect.name, level)
                rows.append(_row("effects", {"name": effect.name} | asdict(level), sentence))
        rows += [
            _row("interactions", asdict(pair), interaction_sentence(pair))
            for pair in self.interactions
        ]
        rows += [
            _row("good_values", asdict(good), good_sentence(good)) for good in self.good_values
        ]
        found = self.narrowing
        rows += [_row("ranges", asdict(kept), kept_sentence(kept)) for kept in found.kept]
        whole = {key: value for key, value in asdict(found).items() if key != "kept"}
        rows.append(_row("narrowing", whole, narrowing_sentence(found)))
        return rows


def explanation(
    found: Networks,
    *,
    settable: Collection[str] | None = None,
    fanova: dict[str, float] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Explanation:
    """Explain a population.

    Args:
        found: its networks.
        settable: the parameters that a narrower space may restrict; all by default.
        fanova: importances by another's fANOVA, to stand beside.
        confidence: of every interval.
        seed: divides the networks into the half that chooses and the half that judges.
    """
    names = {factor.name for factor in found.factors} if settable is None else set(settable)
    free = tuple(factor for factor in found.factors if factor.name in names)
    return Explanation(
        networks=len(found),
        bad=int(found.bad.sum()),
        importances=importances(found, confidence, fanova),
        effects=level_effects(found, confidence),
        interactions=interactions(found, confidence),
        good_values=good_values(found),
        narrowing=narrowing(replace(found, factors=free), confidence=confidence, seed=seed),
    )


def _row(table: str, values: dict[str, Any], sentence: str) -> dict[str, Any]:
    plain = jsonable(values)
    assert isinstance(plain, dict)
    return {"table": table, **plain, "sentence": sentence}
