"""Pairs: the same network under two arms, which differ in one choice."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dse.analysis.estimate import FloatArray
from dse.analysis.factors.effects import PREFIX
from dse.analysis.population import ENDED_STATES, capped, outcomes


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """n pairs, each of the same network under the two `arms`.

    `outcomes` (n, 2) are errors [fraction], means over a pair's seeds, `inf` where a training of
    that arm ended badly. `capped` (n, 2) are the same of `population.capped` outcomes, for means.
    `costs` (n,) are multiply-adds, the mean of both arms, NaN where they are not known.
    """

    arms: tuple[str, str]
    outcomes: FloatArray
    capped: FloatArray
    costs: FloatArray

    def __len__(self) -> int:
        return len(self.outcomes)

    @property
    def differences(self) -> FloatArray:
        """Capped error of the first arm less that of the second (n,)."""
        return np.asarray(self.capped[:, 0] - self.capped[:, 1])

    @property
    def bad(self) -> NDArray[np.bool_]:
        """Whether each arm of each pair ended badly (n, 2)."""
        return np.isinf(self.outcomes)


def pairs_of(frame: pd.DataFrame, arms: tuple[str, str]) -> Pairs:
    """The pairs of a table with a row a training: `pair`, `arm`, `outcome` [error, `inf` = bad].

    Also read where there: `replicate` (several seeds of a pair: means over those that both arms
    have), `classes` (needed where a training ended badly), `flops`. Pairs come in rising order of
    `pair`; one that lacks an arm is no pair.
    """
    assert arms[0] != arms[1], "two arms differ"
    rows = frame[frame["arm"].isin(arms)]
    rows = rows if "replicate" in rows else rows.assign(replicate=0)
    assert rows["outcome"].notna().all(), "a training that has not ended has no outcome"
    assert "classes" in rows or np.isfinite(rows["outcome"]).all(), "a bad end needs `classes`"
    rows = rows.assign(
        capped=capped(rows["outcome"], rows.get("classes", 0)),
        flops=rows["flops"].astype(np.float64) if "flops" in rows else np.nan,
    )
    keys = ["pair", "replicate"]
    first, second = (rows[rows["arm"] == arm].set_index(keys) for arm in arms)
    unique = first.index.is_unique and second.index.is_unique
    assert unique, "one training a pair, arm and seed"
    both = first.merge(second, left_index=True, right_index=True, suffixes=("_a", "_b"))
    means = both.groupby(level="pair", sort=True)
    columns = {name: _two(means, name) for name in ("outcome", "capped", "flops")}
    return Pairs(
        arms=arms,
        outcomes=columns["outcome"],
        capped=columns["capped"],
        costs=columns["flops"].mean(axis=1),
    )


def find_pairs(
    population: pd.DataFrame, column: str, arms: tuple[Any, Any], *, free: Sequence[str] = ()
) -> pd.DataFrame:
    """The trainings of networks that differ in `column` alone, as a table for `pairs_of`.

    Args:
        population: a row a training; of one study, or of several.
        column: what differs, `arch.norm_layer` say, or `study`.
        arms: its two values (None is a missing one).
        free: `arch.` columns that may differ too, such as widths that the budget solves for.

    Networks are equal in all other `arch.` columns, and their trainings in `replicate` and, where
    the population has it, in `seed`. Of networks that coincide, the first by index is paired with
    the first, the second with the second. A training that has not ended is in no pair. Two networks
    of one study have different seeds; those of two studies with one seed, the same.
    """
    rows = population[population["state"].isin(ENDED_STATES)]
    rows = rows.assign(outcome=outcomes(rows), arm=_arm(rows[column], arms)).dropna(subset="arm")
    network = [name for name in ("study", "index") if name in rows]
    rows = rows.sort_values([*network, "replicate"])
    ignored = {column, *free}
    same = [name for name in rows if str(name).startswith(PREFIX) and name not in ignored]
    rows["same"] = _groups(rows, same)
    each = rows.drop_duplicates(network)
    place = each.groupby(["same", "arm"]).cumcount()
    rows = rows.merge(each[network].assign(place=place), on=network)
    rows["pair"] = rows.groupby(["same", "place"], sort=False).ngroup()
    trainings = ["pair", "replicate", *(["seed"] if "seed" in rows else [])]
    whole = rows.groupby(trainings)["arm"].transform("nunique") == 2
    wanted = [*trainings, *network, "arm", "outcome", "flops", "classes"]
    found = rows.loc[whole, [name for name in wanted if name in rows]]
    return found.sort_values(["pair", "replicate", "arm"], ignore_index=True)


def _two(means: Any, name: str) -> FloatArray:
    columns = [f"{name}_a", f"{name}_b"]
    return np.asarray(means[columns].mean().to_numpy(dtype=np.float64))


def _arm(values: pd.Series, arms: tuple[Any, Any]) -> pd.Series:
    """Each row's arm as text, missing for those of neither."""
    found = pd.Series(None, index=values.index, dtype=object)
    for arm in arms:
        found[values.isna() if arm is None else values == arm] = str(arm)
    return found


def _groups(rows: pd.DataFrame, columns: Sequence[Hashable]) -> NDArray[np.int64]:
    """A number for each row, equal for rows that are equal in all `columns`."""
    group = np.zeros(len(rows), dtype=np.int64)
    for column in columns:
        values = rows[column]
        try:
            codes, distinct = pd.factorize(values, use_na_sentinel=False)
        except TypeError:  # lists
            codes, distinct = pd.factorize(values.map(str))
        group = pd.factorize(group * len(distinct) + codes)[0].astype(np.int64)
    return group
