"""Control variates, parts of overlapping spaces, prediction-powered estimates, finalists."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from coverage_cases.case import Case, FloatArray, Sample, Space
from dse.analysis.efficient.control import (
    Adjusted,
    Measured,
    Overlap,
    adjusted_mean,
    overlapping_difference,
)
from dse.analysis.efficient.features import paper_features
from dse.analysis.efficient.finalists import confirm_finalists
from dse.analysis.efficient.predicted import predicted_mean, predicted_quantile
from dse.analysis.estimate import Estimate

Outcome = Callable[[FloatArray], FloatArray]
GOOD = 0.08  # an error that about half of the networks are below
_features: dict[int, FloatArray] = {}


def features(space: Space) -> FloatArray:
    """Of every network (N, p), made once."""
    if id(space) not in _features:
        table = pd.DataFrame({"flops": space.flops, "params": space.params})
        for number, column in enumerate(space.layers.T, start=1):
            table[f"arch.layers.{number}"] = np.array(["none", "k3", "k5"])[column]
        _features[id(space)] = paper_features([table]).values[0]
    return _features[id(space)]


def holds(found: Estimate, truth: float) -> bool:
    """Whether the interval covers."""
    return bool(found.lower <= truth <= found.upper)


def good(errors: FloatArray) -> FloatArray:
    """1 where the error is below `GOOD`."""
    return (errors < GOOD).astype(np.float64)


def adjusted(name: str, outcome: Outcome) -> Case:
    """The mean of an outcome, adjusted for what is known on paper."""

    def covers(sample: Sample, truth: float) -> bool:
        x = features(sample.space)
        measured = Measured(
            features=x[sample.rows], outcomes=outcome(sample.errors), space_means=x.mean(axis=0)
        )
        return holds(adjusted_mean(measured).difference, truth)

    return Case(
        name=f"adjusted mean, {name}",
        kind="interval",
        truth=lambda space: float(outcome(space.errors).mean()),
        covers=covers,
    )


def parts(sample: Sample, logs: FloatArray, layer: int) -> Adjusted:
    """All networks against those without identity in `layer`: half of n in each part."""
    x, without = features(sample.space), sample.space.layers[:, layer] != 0

    def drawn(mask: FloatArray) -> Measured:
        rows = sample.rng.choice(np.flatnonzero(mask), len(sample.rows) // 2)
        return Measured(
            features=x[rows],
            outcomes=logs[rows, sample.rng.integers(0, logs.shape[1], len(rows))],
            space_means=x[mask].mean(axis=0),
        )

    return overlapping_difference(
        Overlap(
            share_a=float((~without).mean()),
            share_b=0.0,
            only_a=drawn(~without),
            only_b=None,
            both=drawn(without),
        )
    )


def gap(space: Space, layer: int) -> float:
    """Mean log error of all networks less that of those without identity in `layer`."""
    logs, without = np.log(space.errors), space.layers[:, layer] != 0
    return float(logs.mean() - logs[without].mean())


def rejects(sample: Sample, layer: int) -> bool:
    """A true null: networks with identity in `layer` are shifted to the mean of the others."""
    logs, without = np.log(sample.space.errors), sample.space.layers[:, layer] != 0
    logs[~without] += logs[without].mean() - logs[~without].mean()
    return parts(sample, logs, layer).p_value < 0.05


def cheap_and_dear(sample: Sample) -> tuple[FloatArray, FloatArray]:
    """Log errors: a biased, noisy, cheap one of 4 n networks; dear ones of the first n."""
    space, rng, n = sample.space, sample.rng, len(sample.rows)
    more = rng.integers(0, len(space.errors), 3 * n)
    seeds = rng.integers(0, space.errors.shape[1], 4 * n)
    cheap = 0.5 + 0.7 * np.log(space.errors[np.concatenate([sample.rows, more]), seeds])
    return cheap + 0.1 * rng.standard_normal(4 * n), np.log(sample.errors)


def predicted_covers(sample: Sample, truth: float) -> bool:
    """Of the dear mean."""
    cheap, dear = cheap_and_dear(sample)
    return holds(predicted_mean(dear, cheap, np.arange(len(dear))).difference, truth)


def predicted_at(p: float) -> Case:
    """Of a dear quantile."""

    def covers(sample: Sample, truth: float) -> bool:
        cheap, dear = cheap_and_dear(sample)
        return holds(predicted_quantile(dear, cheap, np.arange(len(dear)), p), truth)

    return Case(
        name=f"prediction-powered quantile, {p:g}",
        kind="interval",
        truth=lambda space: float(np.quantile(np.log(space.errors), p, method="inverted_cdf")),
        covers=covers,
    )


def finalists_cover(sample: Sample, truth: FloatArray) -> bool:
    """The intervals of the 6 best by one error, with 3 fresh seeds each, all at once.

    Three seeds do not tell a network's true error, so that their mean is taken for it, and the
    noise is drawn: normal, of the space's pooled standard deviation.
    """
    noise = float(np.sqrt(sample.space.errors.var(axis=1, ddof=1).mean()))
    errors = truth[sample.rows]
    first = errors + noise * sample.rng.standard_normal(len(errors))
    best = np.argsort(first, kind="stable")[:6]
    fresh = errors[best, None] + noise * sample.rng.standard_normal((len(best), 3))
    found = confirm_finalists(first[best], fresh, [str(i) for i in best])
    return all(
        row.fresh is not None and holds(row.fresh, errors[int(row.name)]) for row in found.finalists
    )


CASES: tuple[Case, ...] = (
    adjusted("log error", np.log),
    adjusted("error", lambda errors: errors),
    adjusted(f"share of errors below {GOOD:g}", good),
    *(
        Case(
            name=f"adjusted difference from parts, layer {layer + 1}",
            kind="interval",
            truth=lambda space, layer=layer: gap(space, layer),  # type: ignore[misc]
            covers=lambda sample, truth, layer=layer: holds(  # type: ignore[misc]
                parts(sample, np.log(sample.space.errors), layer).difference, truth
            ),
        )
        for layer in (0, 7)
    ),
    *(
        Case(
            name=f"adjusted difference of nothing from parts, layer {layer + 1}",
            kind="test",
            truth=lambda space: None,
            covers=lambda sample, truth, layer=layer: rejects(sample, layer),  # type: ignore[misc]
        )
        for layer in (0, 7)
    ),
    Case(
        name="prediction-powered mean",
        kind="interval",
        truth=lambda space: float(np.log(space.errors).mean()),
        covers=predicted_covers,
    ),
    predicted_at(0.25),
    predicted_at(0.5),
    Case(
        name="confirmed finalists, all intervals at once",
        kind="band",
        truth=lambda space: space.errors.mean(axis=1),
        covers=finalists_cover,
    ),
)
