from __future__ import annotations

import time
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
        ({"uniform": (1, 1_000_000), "step": 1}, "too fine .* 10,000 values are allowed"),
        ({"uniform": (0, 1), "step": float("nan")}, "step must be positive"),
        ({"uniform": (-1e308, 1e308)}, "too wide"),
        ({"log_uniform": (1e-300, 1e300)}, "too wide"),
        ({"choice": (1, float("nan"))}, "finite numbers, not nan"),
        ({"choice": (float("inf"),)}, "finite numbers, not inf"),
        ({"choice": (1, True)}, "may not be true or false"),
        ({"uniform": (False, 2)}, "may not be true or false"),
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


@pytest.mark.parametrize(
    ("prior", "values"),
    [
        (Prior(uniform=(1e-10, 9e-10), step=1e-10), [k * 1e-10 for k in range(1, 10)]),
        (Prior(uniform=(-0.3, 0.3), step=0.1), [-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3]),
        (Prior(uniform=(1e9, 1e9 + 1), step=0.5), [1e9, 1e9 + 0.5, 1e9 + 1]),
        (Prior(uniform=(0, 2), step=0.66666666667), [0, 0.66666666667, 1.33333333334, 2]),
    ],
)
def test_a_lattice_holds_the_decimals_that_are_written(prior: Prior, values: list[float]) -> None:
    assert prior.values == tuple(float(f"{value:.12g}") for value in values)


def test_the_largest_lattice_is_drawn_from_in_no_time() -> None:
    prior = Prior(uniform=(1, 10_000), step=1)
    rng = np.random.default_rng(0)
    assert prior.draw(rng) in range(1, 10_001)
    begin = time.perf_counter()
    for _ in range(1000):
        prior.draw(rng)
    assert time.perf_counter() - begin < 1  # it took 4 s to make the values anew at each draw


def test_a_prior_stays_a_value_after_drawing() -> None:
    drawn, fresh = (Prior(uniform=(1, 3), step=1) for _ in range(2))
    drawn.draw(np.random.default_rng(0))
    other = Prior(uniform=(1, 3), step=1)
    other.draw(np.random.default_rng(1))
    assert drawn == fresh == other
    assert drawn.model_dump() == fresh.model_dump()
