from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from dse.space.language.priors import Prior
from tests.space.language.strategies import continua, finite_priors

GRID = (np.arange(100_000) + 0.5) / 100_000
"""Uniform numbers as even as they can be: shares among them are probabilities to 1e-5."""


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "exactly one of choice, .* and power_of_two"),
        ({"choice": (1,), "uniform": (0, 1)}, "exactly one of"),
        ({"choice": ()}, "at least one value"),
        ({"choice": (1, 1)}, "each value once"),
        ({"choice": (1, 1.0)}, "each value once"),
        ({"choice": 3}, "must be a list of numbers, names"),
        ({"choice": {1, 2}}, "must be a list of numbers, names"),
        ({"choice": ([1],)}, "must be a list of numbers, names"),
        ({"choice": (1, 2), "step": 1}, "step goes with uniform, .*, not with choice"),
        ({"power_of_two": (1, 2), "step": 1}, "step goes with uniform, .*, not with power_of_two"),
        ({"uniform": (2, 1)}, r"\[lowest, highest\], not \[2, 1\]"),
        ({"uniform": (1, 2, 3)}, r"\[lowest, highest\]"),
        ({"uniform": "12"}, r"\[lowest, highest\]"),
        ({"uniform": ("1", 2)}, "two finite numbers"),
        ({"uniform": (0, float("inf"))}, "two finite numbers"),
        ({"uniform": (0, 10**400)}, "two finite numbers"),
        ({"log_uniform": (0, 1)}, "above 0"),
        ({"log_normal": (-1, 1)}, "above 0"),
        ({"power_of_two": (0, 1)}, "above 0"),
        ({"power_of_two": (1, 6)}, "from a power of two to another, not 6"),
        ({"uniform": (0, 1), "step": 0}, "step must be positive"),
        ({"uniform": (0, 1), "step": 1e-9}, "too fine"),
        ({"uniform": (1, 1_000_000), "step": 1}, "too fine .* 10,000 values are allowed"),
        ({"uniform": (1e17, 1e17 + 100), "step": 1}, "too fine for numbers of the size of 1e"),
        ({"uniform": (0, 1), "step": float("nan")}, "step must be positive"),
        ({"uniform": (-1e308, 1e308)}, "too wide"),
        ({"log_uniform": (1e-300, 1e300)}, "too wide"),
        ({"choice": (1, float("nan"))}, "finite numbers"),
        ({"choice": (float("inf"),)}, "finite numbers"),
        ({"choice": (10**400,)}, "finite numbers"),
        ({"uniform": (False, 2)}, "may not be true or false"),
        ({"uniform": (1, 2), "round": "up"}, "round goes with log_uniform and a step"),
        ({"log_uniform": (1, 2), "round": "up"}, "round goes with log_uniform and a step"),
        ({"log_uniform": (1, 2), "step": 1, "round": "down"}, "should be 'up'"),
    ],
)
def test_what_is_no_prior_is_refused(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        Prior(**fields)


@pytest.mark.parametrize("value", [None, True, 3, 0.25, "layer_norm"])
def test_a_bare_value_is_a_fixed_one(value: Any) -> None:
    assert Prior.model_validate(value) == Prior(choice=(value,))
    assert Prior.model_validate(value).definition() == value
    assert Prior.model_validate(value).is_fixed


@given(
    low=st.integers(1, 50),
    count=st.integers(0, 30),
    step=st.sampled_from((0.5, 1, 2, 8)),
    kind=st.sampled_from(("uniform", "log_uniform", "normal", "log_normal")),
)
def test_a_lattice_holds_all_its_values(low: int, count: int, step: float, kind: str) -> None:
    prior = Prior(**{kind: (low, low + count * step), "step": step})  # type: ignore[arg-type]
    assert prior.values == tuple(low + k * step for k in range(count + 1))


@given(finite_priors())
def test_values_come_out_as_often_as_their_probability_says(prior: Prior) -> None:
    assert prior.values is not None
    assert prior.probabilities is not None
    assert prior.probabilities.sum() == pytest.approx(1)
    found = prior.indices(GRID)
    assert found.dtype == np.int64
    shares = np.bincount(found, minlength=len(prior.values)) / len(GRID)
    assert np.abs(shares - prior.probabilities).max() <= 1.01e-5


@given(finite_priors(), st.floats(0, 1, exclude_max=True))
def test_every_number_in_the_unit_interval_gives_a_value(prior: Prior, u: float) -> None:
    assert prior.values is not None
    assert 0 <= prior.indices(np.array([u, 0, 1 - 2**-53])).max() < len(prior.values)


@pytest.mark.parametrize(
    ("prior", "distribution"),
    [
        (Prior(uniform=(2, 5)), stats.uniform(2, 3)),
        (Prior(log_uniform=(1.25, 2.75)), stats.loguniform(1.25, 2.75)),
        (Prior(normal=(2, 5)), stats.truncnorm(-3, 3, loc=3.5, scale=0.5)),
    ],
)
def test_a_continuum_follows_its_distribution(prior: Prior, distribution: Any) -> None:
    assert prior.quantile(GRID) == pytest.approx(distribution.ppf(GRID))


def test_the_logarithm_of_a_log_normal_number_is_normal() -> None:
    logarithms = np.log(Prior(log_normal=(1, 64)).quantile(GRID))
    span = math.log(64)
    expected = stats.truncnorm(-3, 3, loc=span / 2, scale=span / 6).ppf(GRID)
    assert logarithms == pytest.approx(expected)


@given(continua())
def test_a_continuum_rises_within_its_limits(prior: Prior) -> None:
    low, high = prior.limits
    drawn = prior.quantile(GRID)
    assert drawn.dtype == np.float64
    assert (np.diff(drawn) >= 0).all()
    assert low <= prior.quantile(np.array([0.0]))[0]
    assert prior.quantile(np.array([1 - 2**-53]))[0] <= high


def test_lattices_have_the_densities_of_their_kinds() -> None:
    values = np.arange(2, 11)
    for kind, density in (
        ("uniform", np.ones(9)),
        ("log_uniform", 1 / values),
        ("normal", stats.norm(6, 8 / 6).pdf(values)),
        ("log_normal", stats.norm(np.log(20) / 2, np.log(5) / 6).pdf(np.log(values)) / values),
    ):
        prior = Prior(**{kind: (2, 10), "step": 1})  # type: ignore[arg-type]
        assert prior.probabilities == pytest.approx(density / density.sum())


@pytest.mark.parametrize(("low", "high", "step"), [(8, 256, 8), (2, 3, 0.001), (8, 250, 8)])
def test_rounding_up_is_what_a_log_uniform_number_does(
    low: float, high: float, step: float
) -> None:
    prior = Prior(log_uniform=(low, high), step=step, round="up")
    assert prior.values is not None
    values = np.array(prior.values, dtype=np.float64)
    start = low - min(step, low / 2)
    drawn = start * (values[-1] / start) ** GRID
    lattice = np.ceil((drawn - low) / step - 1e-9).clip(0).astype(int)
    shares = np.bincount(lattice, minlength=len(values)) / len(GRID)
    assert prior.probabilities == pytest.approx(shares, abs=1.5e-5)


def test_powers_of_two_are_equally_likely() -> None:
    prior = Prior(power_of_two=(0.25, 4))
    assert prior.values == (0.25, 0.5, 1, 2, 4)
    assert prior.probabilities == pytest.approx([0.2] * 5)
    assert prior.limits == (0.25, 4)


def test_whole_numbers_stay_whole() -> None:
    assert Prior(uniform=(1, 2), step=0.5).values == (1, 1.5, 2)
    assert [type(v) for v in Prior(uniform=(1, 2), step=0.5).values or ()] == [int, float, int]
    assert [type(v) for v in Prior(choice=(1.0, 1.5, True)).values or ()] == [int, float, bool]


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
    assert prior.indices(np.array([0.99999])).tolist() == [9999]
    begin = time.perf_counter()
    for _ in range(100):
        prior.indices(GRID[:10])
    assert time.perf_counter() - begin < 1


@given(finite_priors())
def test_a_prior_stays_a_value_after_drawing(prior: Prior) -> None:
    fresh = Prior.model_validate(prior.definition())
    prior.indices(GRID[:10])
    again = Prior.model_validate(prior.definition())
    again.indices(GRID[5:])
    assert again == fresh
    assert hash(again) == hash(fresh)
    assert again.model_dump() == fresh.model_dump()


@given(st.one_of(finite_priors(), continua()))
def test_a_definition_gives_the_same_prior_again(prior: Prior) -> None:
    again = Prior.model_validate(prior.definition())
    assert again.values == prior.values
    assert again.definition() == prior.definition()
    if prior.probabilities is not None:
        assert again.probabilities == pytest.approx(prior.probabilities)
