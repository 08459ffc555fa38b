from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from dse.space.language.priors import Prior
from dse.space.sampling.chains import Chain

STEPS = Prior(log_uniform=(1, 5), step=1)
PAIRS = [
    (STEPS, STEPS, STEPS),
    (Prior(choice=(3, 1)), Prior(uniform=(1, 4), step=1), Prior(choice=(2, 4))),
]


@pytest.mark.parametrize("priors", PAIRS)
@pytest.mark.parametrize("falling", [False, True])
def test_a_chain_is_the_prior_conditioned_on_the_order(
    priors: tuple[Prior, ...], falling: bool
) -> None:
    expected: dict[tuple[float, ...], float] = {}
    for combination in itertools.product(
        *(zip(p.values or (), p.probabilities.tolist(), strict=True) for p in priors)  # type: ignore[union-attr]
    ):
        values = tuple(float(value) for value, _ in combination)  # type: ignore[arg-type]
        if list(values) == sorted(values, reverse=falling):
            expected[values] = float(np.prod([p for _, p in combination]))
    total = sum(expected.values())
    uniforms = np.random.default_rng(0).random((40_000, len(priors)))
    found = Counter(map(tuple, Chain(priors, falling=falling).quantile(uniforms).tolist()))
    assert set(found) <= set(expected)
    observed = [found[values] for values in expected]
    wanted = [40_000 * p / total for p in expected.values()]
    assert stats.chisquare(observed, wanted).pvalue > 1e-3


@pytest.mark.parametrize("falling", [False, True])
def test_a_continuum_is_sorted(falling: bool) -> None:
    priors = (Prior(uniform=(1, 2)),) * 3
    drawn = Chain(priors, falling=falling).quantile(np.random.default_rng(0).random((5000, 3)))
    steps = np.diff(drawn, axis=1)
    assert (steps <= 0).all() if falling else (steps >= 0).all()
    assert stats.kstest(drawn.max(axis=1), lambda x: (x - 1) ** 3).pvalue > 1e-3
