"""Which rows of a population a statistic counts.

A training that ended badly (diverged, out of memory, failed) has an outcome, worse than every
error; one that has not ended yet (running, waiting) has none and is not counted.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from dse.analysis.estimate import FloatArray

BAD_STATES = ("diverged", "out_of_memory", "failed")
ENDED_STATES = ("complete", *BAD_STATES)
OWN_SEEDS = 2
"""Replicates from this one on are fresh seeds that `dse confirm` gave to the finalists."""
STATES = (*ENDED_STATES, "running", "waiting")
LEAST = 1e-4
"""The smallest error whose logarithm is taken where the number of held-out images is not known."""


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


def capped(outcomes: ArrayLike, classes: ArrayLike) -> FloatArray:
    """`outcomes` [error fraction] with every bad end (`inf`) counted as a network that guesses.

    That is the error 1 - 1/classes; 1, the largest there is, where the classes are not known (0 or
    NaN). For means, which need finite numbers: say so wherever it is used. The number depends on no
    other outcome, so that a mean is one of the space and not of the sample: the worst error seen,
    where that is above guessing, would rise with n, and differ between spaces that are compared.
    """
    found, kinds = np.broadcast_arrays(
        np.asarray(outcomes, dtype=np.float64), np.asarray(classes, dtype=np.float64)
    )
    guess = 1 - np.divide(1.0, kinds, where=kinds > 0, out=np.zeros(kinds.shape))
    return np.where(np.isinf(found), guess, found)


def least_error(rows: pd.DataFrame) -> float:
    """What an error of none counts as where logarithms are taken: half a held-out image."""
    images = float(rows["test_images"].max()) if "test_images" in rows and len(rows) else 0.0
    return 0.5 / images if images > 0 else LEAST


def chosen(share: float, networks: int) -> int:
    """How many of `networks` a share of them is: rounded up, whatever 0.07 * 100 is in binary."""
    return math.ceil(share * networks - 1e-9)
