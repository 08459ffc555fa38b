"""Which rows of a population a statistic counts.

A training that ended badly (diverged, out of memory, failed) has an outcome, worse than every
error; one that has not ended yet (running, waiting) has none and is not counted.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from dse.analysis.estimate import FloatArray

BAD_STATES = ("diverged", "out_of_memory", "failed")
ENDED_STATES = ("complete", *BAD_STATES)
OWN_SEEDS = 2
"""Replicates from this one on are fresh seeds that `dse confirm` gave to the finalists."""
STATES = (*ENDED_STATES, "running", "waiting")


def first_seeds(population: pd.DataFrame) -> pd.DataFrame:
    """The first training of each network, if it has ended; one row a network, by index.

    Later seeds are given to chosen networks (the best by the first seed), so a statistic of the
    whole space must leave them out.
    """
    ended = population["state"].isin(ENDED_STATES)
    rows = population[(population["replicate"] == 0) & ended]
    return rows.sort_values("index", ignore_index=True)


def own_trainings(population: pd.DataFrame) -> pd.DataFrame:
    """The trainings of a survey or a search itself, without those that confirmed its finalists.

    They were asked for after the ranking was known, which must not change by them.
    """
    return population[population["replicate"] < OWN_SEEDS].reset_index(drop=True)


def outcomes(rows: pd.DataFrame) -> FloatArray:
    """Final-epoch error [fraction] of each row, `inf` where the training ended badly."""
    complete = (rows["state"] == "complete").to_numpy()
    errors = rows["error"].to_numpy(dtype=np.float64, na_value=np.nan)
    assert np.isfinite(errors[complete]).all(), "a complete training has an error"
    return np.where(complete, errors, np.inf)


def capped(rows: pd.DataFrame) -> FloatArray:
    """Final-epoch error [fraction] of each row; one that ended badly counts as one that guesses.

    That is the error 1 - 1/classes. For means, which need finite numbers: say so wherever it is
    used.
    """
    classes = rows["classes"].to_numpy(dtype=np.float64)
    known = outcomes(rows)
    return np.where(np.isfinite(known), known, 1 - 1 / classes)


def chosen(share: float, networks: int) -> int:
    """How many of `networks` a share of them is: rounded up, whatever 0.07 * 100 is in binary."""
    return math.ceil(share * networks - 1e-9)
