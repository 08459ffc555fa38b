"""Networks from elsewhere under the same proxy: lines to compare with, in no statistic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dse.analysis.population import ENDED_STATES, first_seeds, outcomes


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A network from outside the space.

    `error` is its mean final-epoch error [fraction] over `seeds`, infinite if a training ended
    badly. `better` of `networks` surveyed ones have a lower first-seed error. Costs are those of
    the reference as it is, at the study's resolution.
    """

    name: str
    error: float
    seeds: int
    better: int
    networks: int
    flops: int
    params: int


def compare_references(rows: pd.DataFrame, population: pd.DataFrame) -> tuple[Reference, ...]:
    """Each reference whose trainings have ended, in the order of their numbers.

    `rows` are trainings of references, with the columns of a population; the name is in their
    `architecture`, under `reference`.
    """
    surveyed = outcomes(first_seeds(population))
    found = []
    ended = rows[rows["state"].isin(ENDED_STATES)]
    for _, group in ended.groupby("index", sort=True):
        errors = outcomes(group)
        error, first = float(errors.mean()), group.iloc[0]
        found.append(
            Reference(
                name=str(first["architecture"]["reference"]),
                error=error,
                seeds=len(errors),
                better=int(np.sum(surveyed < error)),
                networks=len(surveyed),
                flops=int(first["flops"]),
                params=int(first["params"]),
            )
        )
    return tuple(reversed(found))


def reference_sentence(reference: Reference, *, channels: float) -> str:
    """What one reference came to, beside the networks of the study."""
    seeds = "1 seed" if reference.seeds == 1 else f"{reference.seeds} seeds"
    cost = f"{reference.flops / 1e9:.3f} GFLOPs, {reference.params / 1e6:.1f} M parameters"
    if not np.isfinite(reference.error):
        return f"Reference {reference.name} ({cost}) was not trained to the end."
    width = (
        ""
        if channels == 1
        else f" It was trained at its full width, they with {channels:g} of their channels."
    )
    return (
        f"Reference {reference.name} ({cost}): {100 * reference.error:.1f} % error ({seeds}); "
        f"{reference.better} of {reference.networks} networks have a lower one by their first seed."
        f"{width}"
    )
