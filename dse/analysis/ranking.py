"""The order of the networks, and what each one's error really is.

The networks with the best first errors are partly good and partly lucky (winner's curse). So the
finalists, the best `top_share` of the networks by their first seed, are trained again with a
fresh seed, and

- finalists come first, ranked by the mean over their seeds: the least noisy order there is, and
  a fair one, as each of them was chosen by the same rule;
- the other networks follow, by the mean of what they have;
- a network that ended badly with any of its seeds comes last.

The fresh error alone is an unbiased estimate of a finalist's error: luck of the first seed chose
the network but is no part of it. The mean still holds half of that luck.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from dse.analysis.estimate import Estimate, FloatArray
from dse.analysis.population import ENDED_STATES, first_seeds, outcomes


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """One network's place. Errors are fractions, infinite where a training ended badly.

    `fresh_error` is the mean over the seeds after the first, `mean_error` over all `seeds`; their
    intervals are those of seed noise alone, None where the noise or the error is not known.
    """

    rank: int
    index: int
    finalist: bool
    seeds: int
    first_error: float
    fresh_error: float | None
    fresh_interval: Estimate | None
    mean_error: float
    mean_interval: Estimate | None
    flops: int
    params: int
    activations: int
    architecture: dict[str, Any]


def rank(
    population: pd.DataFrame, *, seed_std: Estimate | None, seeds: int = 2, top_share: float = 0.25
) -> tuple[Ranked, ...]:
    """Every network whose first training has ended, best first; the rule is the module's.

    `seed_std` is the noise of one training over `seed_std.n` networks with `seeds` seeds each
    (`reliability`); an error's interval is Student's t with its n (seeds - 1) degrees of freedom.
    """
    first = first_seeds(population)
    result = outcomes(first)
    count = int(np.ceil(top_share * len(first)))
    best = set(np.argsort(result, kind="stable")[:count])
    later = population[
        (population["replicate"] > 0) & population["state"].isin(ENDED_STATES)
    ].sort_values("replicate")
    fresh = {index: outcomes(rows) for index, rows in later.groupby("index")}
    entries: list[tuple[tuple[int, float, int], dict[str, Any]]] = []
    for position, row in enumerate(first.to_dict("records")):
        again = fresh.get(row["index"], np.array([]))
        errors = np.concatenate([result[[position]], again])
        finalist = position in best and len(again) > 0 and bool(np.isfinite(errors).all())
        tier = 0 if finalist else 1 if np.isfinite(errors).all() else 2
        entry = {
            "index": int(row["index"]),
            "finalist": finalist,
            "seeds": len(errors),
            "first_error": float(errors[0]),
            "fresh_error": float(again.mean()) if len(again) else None,
            "fresh_interval": _noise_interval(again, seed_std, seeds),
            "mean_error": float(errors.mean()),
            "mean_interval": _noise_interval(errors, seed_std, seeds),
            **{cost: int(row[cost]) for cost in ("flops", "params", "activations")},
            "architecture": dict(row["architecture"]),
        }
        entries.append(((tier, float(errors.mean()), int(row["index"])), entry))
    entries.sort(key=lambda item: item[0])
    return tuple(Ranked(rank=place + 1, **entry) for place, (_, entry) in enumerate(entries))


def _noise_interval(errors: FloatArray, seed_std: Estimate | None, seeds: int) -> Estimate | None:
    if seed_std is None or len(errors) == 0 or not np.isfinite(errors).all():
        return None
    degrees = seed_std.n * (seeds - 1)
    spread = float(stats.t.ppf((1 + seed_std.confidence) / 2, degrees))
    mean, half = float(errors.mean()), spread * seed_std.value / float(np.sqrt(len(errors)))
    return Estimate(
        value=mean,
        lower=max(mean - half, 0.0),
        upper=min(mean + half, 1.0),
        n=len(errors),
        confidence=seed_std.confidence,
    )
