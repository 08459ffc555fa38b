"""Pairs: the outcomes of the trials as one arm, shifted ones as the other."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dse.analysis.paired.comparison import compare
from dse.analysis.paired.pairs import Pairs, find_pairs, pairs_of
from dse.analysis.paired.sequential import decide
from speed_cases.trials import Speed, Trials


def found(trials: Trials) -> object:
    """The pairs of a population of which every second network is its neighbour changed."""
    table = trials.population.copy()
    columns = [str(column) for column in table if str(column).startswith("arch.")]
    values = table[columns].to_numpy()[table["index"] // 2]
    table[columns] = values
    table["arch.norm"] = np.where(table["index"] % 2, "ln", "bn")
    return pairs_of(find_pairs(table, "arch.norm", ("bn", "ln")), ("bn", "ln"))


def compared(trials: Trials) -> object:
    """Every estimator and test of pairs."""
    shifted = trials.errors + 0.01 * np.cos(np.arange(len(trials.errors)))
    bad = np.isinf(trials.outcomes)
    outcomes = np.column_stack([trials.outcomes, np.where(bad, np.inf, shifted)])
    capped = np.column_stack([trials.errors, shifted])
    return compare(Pairs(arms=("a", "b"), outcomes=outcomes, capped=capped, costs=trials.flops))


def looked(trials: Trials) -> object:
    """A look after every pair."""
    return decide(np.log(trials.errors) - np.log(trials.errors).mean())


def tested(trials: Trials) -> object:
    """The comparison that draws the most signs."""
    part = pd.Series(trials.errors[:2000])
    both = np.column_stack([part, part.shift(1, fill_value=0.2)])
    costs = trials.flops[:2000]
    return compare(Pairs(arms=("a", "b"), outcomes=both, capped=both, costs=costs))


CASES = (
    Speed(name="pairs of a population", run=found),
    Speed(name="paired comparison", run=compared),
    Speed(name="paired comparison, 2,000 pairs", run=tested),
    Speed(name="a look after every pair", run=looked),
)
