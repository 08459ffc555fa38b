"""The order of the networks, and what each one's error really is.

The networks with the best first errors are partly good and partly lucky (winner's curse). So the
finalists, the best by their first seed, are trained again with a fresh seed, and

- finalists come first, ranked by the mean over their seeds;
- a network with two seeds that is no finalist (it got the second one at random) stands among them
  if its mean is better than the last finalist's: two means over as many seeds are alike, however
  the networks were chosen;
- the other networks follow, by the mean of what they have;
- a network that ended badly with any of its seeds comes last.

By simulation (benchmarks/rank_bias.py, 24 networks, 6 finalists) this order's first network is, on
the mean, 0.15 seed standard deviations worse than the truly best one at ICC 0.9 and 0.36 at ICC
0.5; ranking the finalists by their first error alone it would be 0.30 and 0.57.

What it costs is that no error of the first network is unbiased any more. The fresh errors of the
finalists together are: luck of the first seed chose them, and is no part of the fresh one. But
rank 1 was picked by a mean that holds its fresh error, so that this is too good on average as
well, by 0.1 seed standard deviations at ICC 0.99, 0.3 at 0.9 and 0.75 at 0.5, and its 95 % interval
by seed noise covers in 95, 94 and 90 % of studies.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy import stats

from dse.analysis.estimate import Estimate, FloatArray
from dse.analysis.population import ENDED_STATES, first_seeds, outcomes

_COSTS: Final = ("flops", "params", "activations")
_TOLD: Final = ("index", *_COSTS, "architecture")


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """One network's place. Errors are fractions, infinite where a training ended badly.

    `finalist`: it was among the best by its first error and has a fresh one. `fresh_error` is the
    mean over the seeds after the first, `mean_error` over all `seeds`. `fresh_interval` is that of
    the fresh error by seed noise alone, None where the noise or the error is not known. Costs are
    None where a network was measured elsewhere and they are not told.
    """

    rank: int
    index: int
    finalist: bool
    seeds: int
    first_error: float
    fresh_error: float | None
    fresh_interval: Estimate | None
    mean_error: float
    flops: int | None
    params: int | None
    activations: int | None
    architecture: dict[str, Any]

    @property
    def called(self) -> str:
        """Its number, or the name that it has elsewhere."""
        return str(self.architecture.get("network", f"network {self.index}"))

    @property
    def ended_well(self) -> bool:
        """Whether every training of it that has ended has an error."""
        return bool(np.isfinite(self.mean_error))


def rank(
    population: pd.DataFrame, *, finalists: int, seed_std: Estimate | None, seeds: int = 2
) -> tuple[Ranked, ...]:
    """Every network whose first training has ended, best first; the rule is the module's.

    `finalists` of the networks were to be trained again for their good first error; where that is
    all of them, none was chosen. `seed_std` is the noise of one training over `seed_std.n`
    networks with `seeds` seeds each (`reliability`); a fresh error's interval is Student's t with
    its n (seeds - 1) degrees of freedom.
    """
    first = first_seeds(population)
    result = outcomes(first)
    everyone = finalists >= population["index"].nunique()
    best = set() if everyone else set(np.argsort(result, kind="stable")[:finalists])
    fresh = _fresh(population)
    entries: list[dict[str, Any]] = []
    for position, row in enumerate(first[[*_TOLD]].to_dict("records")):
        again = fresh.get(row["index"], np.array([]))
        errors = np.concatenate([result[[position]], again])
        ended_well = bool(np.isfinite(errors).all())
        entries.append(
            {
                "index": int(row["index"]),
                "finalist": position in best and len(again) > 0 and ended_well,
                "seeds": len(errors),
                "first_error": float(errors[0]),
                "fresh_error": float(again.mean()) if len(again) else None,
                "fresh_interval": _noise_interval(again, seed_std, seeds),
                "mean_error": float(errors.mean()),
                **{cost: _count(row[cost]) for cost in _COSTS},
                "architecture": dict(row["architecture"]),
            }
        )
    last = max((e["mean_error"] for e in entries if e["finalist"]), default=-np.inf)

    def place(entry: dict[str, Any]) -> tuple[bool, bool, float, int]:
        mean = entry["mean_error"]
        among_finalists = entry["finalist"] or (entry["seeds"] > 1 and mean < last)
        return not np.isfinite(mean), not among_finalists, mean, entry["index"]

    entries.sort(key=place)
    return tuple(Ranked(rank=number, **entry) for number, entry in enumerate(entries, start=1))


def ranking_note(share: float) -> str:
    """How the order was made and what its errors are worth, where `share` was trained again."""
    if share <= 0:
        return (
            "Ranked by the error with the one seed, which is therefore too good on average for "
            "the best ranks."
        )
    interval = "The interval is that of the fresh error, by seed noise alone."
    if share >= 1:
        return (
            "Ranked by the mean over the seeds; both errors enter it, so both are too good on "
            f"average for the best ranks. {interval}"
        )
    return (
        "Ranked by the mean over the seeds. The first error chose the finalists, so it is too "
        "good; the fresh errors of all finalists together are unbiased, but the best ranks were "
        "chosen by a mean that holds their fresh error, so that theirs are too good on average as "
        f"well. {interval}"
    )


def _fresh(population: pd.DataFrame) -> dict[int, FloatArray]:
    """The outcomes of the seeds after the first, by seed, of each network that has any."""
    is_later = (population["replicate"] > 0) & population["state"].isin(ENDED_STATES)
    later = population[is_later].sort_values(["index", "replicate"])
    indices, starts = np.unique(later["index"].to_numpy(dtype=np.int64), return_index=True)
    parts = np.split(outcomes(later), starts[1:])
    return dict(zip(indices.tolist(), parts, strict=False))


@cache
def _spread(confidence: float, degrees: int) -> float:
    """Student's t."""
    return float(stats.t.ppf((1 + confidence) / 2, degrees))


def _count(value: float) -> int | None:
    return None if np.isnan(value) else int(value)


def _noise_interval(errors: FloatArray, seed_std: Estimate | None, seeds: int) -> Estimate | None:
    if seed_std is None or len(errors) == 0 or not np.isfinite(errors).all():
        return None
    degrees = seed_std.n * (seeds - 1)
    spread = _spread(seed_std.confidence, degrees)
    mean, half = float(errors.mean()), spread * seed_std.value / float(np.sqrt(len(errors)))
    return Estimate(
        value=mean,
        lower=max(mean - half, 0.0),
        upper=min(mean + half, 1.0),
        n=len(errors),
        confidence=seed_std.confidence,
    )
