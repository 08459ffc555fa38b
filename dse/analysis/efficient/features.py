"""Networks on paper as numbers, for the models behind control variates.

The rule is fixed before any error is seen: first the costs, as they say most of an error, then
their squares, then every parameter in the order of its column. How much each counts is left to the
ridge penalty of the fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dse.analysis.estimate import FloatArray
from dse.analysis.factors.effects import MAX_LEVELS, column_values, varied_columns

COSTS = ("flops", "params", "activations")


@dataclass(frozen=True, kw_only=True)
class Features:
    """`names` (p,) and, for each table that was given, `values` (n, p) of its networks."""

    names: tuple[str, ...]
    values: tuple[FloatArray, ...]


def paper_features(tables: Sequence[pd.DataFrame]) -> Features:
    """The same features of the networks of several tables, one row a network.

    A table has costs (`flops`, `params`, `activations`, as far as all networks have them) and
    parameters (`arch.` columns). Over all tables together, with what varies alone:

    - a cost: its logarithm less the mean of it, in standard deviations, and the square of that;
    - a parameter that is a number: likewise, without the logarithm, the square where it has more
      than two values; missing ones at the mean, with a column of their own that says so;
    - any other: 0 or 1 for each of its eight most frequent values but the first.
    """
    table = pd.concat(tables, ignore_index=True)
    columns: dict[str, FloatArray] = {}
    costs = [c for c in COSTS if c in table and table[c].notna().all() and table[c].nunique() > 1]
    for cost in costs:
        columns[f"log {cost}"] = _standard(np.log(table[cost].to_numpy(dtype=np.float64)))
    for cost in costs:
        columns[f"log {cost} squared"] = columns[f"log {cost}"] ** 2
    for column in varied_columns(table):
        values = column_values(table, column)
        if pd.api.types.is_numeric_dtype(values):
            columns |= _number(column, values)
        else:
            columns |= _category(column, values)
    stacked = np.column_stack(list(columns.values())) if columns else np.empty((len(table), 0))
    ends = np.cumsum([len(t) for t in tables])[:-1]
    return Features(names=tuple(columns), values=tuple(np.split(stacked, ends)))


def _number(column: str, values: pd.Series) -> dict[str, FloatArray]:
    plain = values.to_numpy(dtype=np.float64, na_value=np.nan)
    missing = np.isnan(plain)
    plain = _standard(np.where(missing, np.nanmean(plain), plain))
    found = {column: plain}
    if len(np.unique(plain)) > 2:
        found[f"{column} squared"] = plain**2
    if missing.any():
        found[f"{column} missing"] = missing.astype(np.float64)
    return found


def _category(column: str, values: pd.Series) -> dict[str, FloatArray]:
    counts = values.value_counts()
    order = sorted(counts.index, key=lambda value: (-counts[value], str(value)))
    return {
        f"{column} = {value}": (values == value).to_numpy(dtype=np.float64)
        for value in order[1:MAX_LEVELS]
    }


def _standard(values: FloatArray) -> FloatArray:
    return np.asarray((values - values.mean()) / values.std())
