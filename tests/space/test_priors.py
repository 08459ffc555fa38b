from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from dse.space.priors import Prior


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "exactly one of"),
        ({"choice": (1,), "uniform": (0, 1)}, "exactly one of"),
        ({"choice": ()}, "at least one value"),
        ({"choice": (1, 1)}, "each once"),
        ({"choice": (1, 2), "step": 1}, "step goes with"),
        ({"uniform": (2, 1)}, r"\[lowest, highest\]"),
        ({"uniform": (0, float("inf"))}, r"\[lowest, highest\]"),
        ({"log_uniform": (0, 1)}, "above 0"),
        ({"uniform": (0, 1), "step": 0}, "step must be positive"),
        ({"uniform": (0, 1), "step": 1e-9}, "too fine"),
    ],
)
def test_what_is_no_prior_is_refused(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        Prior(**fields)


@given(
    low=st.integers(1, 50),
    count=st.integers(0, 30),
    step=st.sampled_from((0.5, 1, 2, 8)),
    kind=st.sampled_from(("uniform", "log_uniform")),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_lattice_draws_only_its_values(
    low: int, count: int, step: float, kind: str, seed: int
) -> None:
    prior = Prior(**{kind: (low, low + count * step), "step": step})  # type: ignore[arg-type]
    values = prior.values
    assert values is not None
    assert len(values) == count + 1
    rng = np.random.default_rng(seed)
    assert {prior.draw(rng) for _ in range(20)} <= set(values)


@pytest.mark.parametrize(
    "prior",
    [
        Prior(choice=(3, 5, 7, 9)),
        Prior(choice=(None, "a", 0.5)),
        Prior(uniform=(1, 6), step=0.5),
        Prior(log_uniform=(1, 18), step=1),
    ],
)
def test_draws_follow_the_stated_probabilities(prior: Prior) -> None:
    rng = np.random.default_rng(0)
    draws = [prior.draw(rng) for _ in range(20_000)]
    values, probabilities = prior.values, prior.probabilities
    assert values is not None
    assert probabilities is not None
    observed = [draws.count(value) for value in values]
    assert stats.chisquare(observed, 20_000 * probabilities).pvalue > 1e-3


@pytest.mark.parametrize(
    ("prior", "cdf"),
    [
        (Prior(uniform=(2, 5)), stats.uniform(2, 3).cdf),
        (Prior(log_uniform=(1.25, 2.75)), stats.loguniform(1.25, 2.75).cdf),
    ],
)
def test_a_continuum_follows_its_distribution(prior: Prior, cdf: Any) -> None:
    rng = np.random.default_rng(0)
    assert stats.kstest([prior.draw(rng) for _ in range(20_000)], cdf).pvalue > 1e-3


def test_whole_numbers_stay_whole() -> None:
    assert Prior(uniform=(1, 2), step=0.5).values == (1, 1.5, 2)
    assert [type(v) for v in Prior(uniform=(1, 2), step=0.5).values or ()] == [int, float, int]
