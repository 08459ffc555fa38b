"""Error against each parameter, one parameter at a time.

These are marginal associations over the population as it was sampled: under a budget the
parameters trade off against each other, so none of them is a causal effect by itself.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from dse.analysis.estimate import Estimate, FloatArray
from dse.analysis.intervals import mean_interval
from dse.analysis.population import first_seeds, outcomes

PREFIX = "arch."
MISSING = "none"
MAX_LEVELS = 8


@dataclass(frozen=True, kw_only=True)
class Level:
    """The networks that share one value: `n` in all, of these `bad` without an error.

    `mean` is over the errors of the others [fraction]; None where no network has one, its bounds
    infinite where only one has, or all of them the same.
    """

    value: Hashable
    n: int
    bad: int
    mean: Estimate | None


@dataclass(frozen=True, kw_only=True)
class Effect:
    """How the error goes with one column.

    `levels` in rising order, empty for a column of more than eight values; `rho` is Spearman's
    rank correlation, None for categories and below four networks.
    """

    column: str
    n: int
    levels: tuple[Level, ...]
    rho: Estimate | None


def varied_columns(population: pd.DataFrame) -> tuple[str, ...]:
    """The parameter columns (`arch.` prefix) that take more than one value, in their order."""
    columns = [column for column in population.columns if str(column).startswith(PREFIX)]
    return tuple(c for c in columns if _plain(population[c]).nunique() > 1)


def effects(population: pd.DataFrame, confidence: float = 0.95) -> tuple[Effect, ...]:
    """One `Effect` for each parameter that varies among the first trainings that have ended."""
    rows = first_seeds(population)
    return tuple(effect(rows, column, confidence) for column in varied_columns(rows))


def effect(rows: pd.DataFrame, column: str, confidence: float = 0.95) -> Effect:
    """The error of `rows` (one a network) against one `column`.

    In the rank correlation a training that ended badly is worse than every error; a level's mean
    can only be over errors, so the level also says how many had none. A number that is missing
    for some networks (a stage they lack) leaves them out of the correlation and out of `n`.
    """
    values = column_values(rows, column)
    result = outcomes(rows)
    if pd.api.types.is_numeric_dtype(values):
        known = values.notna().to_numpy()
        values, result = values[known], result[known]
        rho = spearman(values.to_numpy(dtype=np.float64), result, confidence)
    else:
        rho = None
    codes, distinct = pd.factorize(values, sort=True)
    few = rho is None or len(distinct) <= MAX_LEVELS
    levels = tuple(
        _level(value, result[codes == code], confidence)
        for code, value in enumerate(distinct if few else ())
    )
    return Effect(column=column, n=len(result), levels=levels, rho=rho)


def column_values(rows: pd.DataFrame, column: str) -> pd.Series:
    """The column as numbers where it holds numbers, otherwise as text.

    A missing value among few others is a choice of its own (no layer scale) and makes the column
    text; among many it stays missing.
    """
    numbers = _numbers(rows[column])
    is_text = (numbers.isna() & rows[column].notna()).any() or rows[column].dtype == bool
    if not is_text and not rows[column].isna().any():
        return numbers
    texts = _plain(rows[column])
    return texts if is_text or texts.nunique() <= MAX_LEVELS else numbers


def _numbers(values: pd.Series) -> pd.Series:
    """Each value as a number, NaN where it is none; of texts each distinct one is read once."""
    if values.dtype == object or pd.api.types.is_numeric_dtype(values):
        return pd.to_numeric(values, errors="coerce")
    codes, distinct = pd.factorize(values, use_na_sentinel=False)
    found = pd.to_numeric(pd.Series(distinct), errors="coerce").to_numpy()
    return pd.Series(found[codes], index=values.index, name=values.name)


def spearman(values: FloatArray, result: FloatArray, confidence: float = 0.95) -> Estimate | None:
    """Spearman's rho with Fisher's z interval, standard error of Bonett & Wright (2000).

    sqrt((1 + rho^2/2) / (n - 3)); infinite outcomes are tied for the worst rank. A perfect order
    has no such error: its interval is that of the next order to it, with two neighbours swapped.
    None below four networks or where one side does not vary.
    """
    n = len(values)
    if n < 4 or np.ptp(values) == 0 or np.all(result == result[0]):
        return None
    rho = float(np.corrcoef(stats.rankdata(values), stats.rankdata(result))[0, 1])
    nearly = 1 - 12 / (n * (n**2 - 1))
    inner = float(np.clip(rho, -nearly, nearly))
    spread = float(stats.norm.ppf((1 + confidence) / 2)) * np.sqrt((1 + inner**2 / 2) / (n - 3))
    return Estimate(
        value=rho,
        lower=min(rho, float(np.tanh(np.arctanh(inner) - spread))),
        upper=max(rho, float(np.tanh(np.arctanh(inner) + spread))),
        n=n,
        confidence=confidence,
    )


def _level(value: Hashable, result: FloatArray, confidence: float) -> Level:
    errors = result[np.isfinite(result)]
    plain = value.item() if isinstance(value, np.generic) else value
    return Level(
        value=plain,
        n=len(result),
        bad=len(result) - len(errors),
        mean=mean_interval(errors, confidence) if len(errors) else None,
    )


def _plain(values: pd.Series) -> pd.Series:
    """Each value as text, so that lists, None and numbers of a column can be told apart."""
    if values.dtype != object:
        codes, distinct = pd.factorize(values, use_na_sentinel=False)
        texts = np.array([MISSING if _is_missing(v) else _text(v) for v in distinct], dtype=object)
        return pd.Series(texts[codes], index=values.index, name=values.name, dtype=object)
    return values.map(lambda v: MISSING if _is_missing(v) else _text(v)).astype(object)


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _is_missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value))
