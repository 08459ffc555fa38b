from __future__ import annotations

import numpy as np
import pytest

from dse.analysis.spaces.components import components, spread
from tests.population import RANDOM_SUBSET, make_population


def drawn(n: int, network: float, seed: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    errors = 0.4 + network * rng.standard_normal((n, 1)) + seed * rng.standard_normal((n, 2))
    return errors[:, 0].copy(), errors[: n // 2]


def test_the_parts_of_a_normal_population_are_found() -> None:
    found = components(*drawn(4000, 0.04, 0.03))
    for part, truth in ((found.network, 0.04), (found.seed, 0.03), (found.one_seed, 0.05)):
        assert part.value == pytest.approx(truth, rel=0.06)
        assert part.lower < truth < part.upper
    assert found.seed.n == 2000


def test_where_all_is_noise_the_networks_may_be_equal() -> None:
    found = components(*drawn(40, 0.0, 0.03))
    assert found.network.lower == 0
    assert found.network.upper > 0


def test_few_bad_networks_do_not_rule_the_spread() -> None:
    first, repeated = drawn(200, 0.04, 0.01)
    clean = components(first, repeated)
    first[:4] = np.inf
    found = components(first, repeated)
    assert found.one_seed.value == pytest.approx(clean.one_seed.value, rel=0.1)


def test_a_study_has_a_spread_where_some_were_trained_twice() -> None:
    population = make_population()
    found = spread(population, RANDOM_SUBSET)
    assert found is not None
    assert found.seed.value < found.network.value <= found.one_seed.value
    assert found == spread(population.sample(frac=1, random_state=1), RANDOM_SUBSET)
    assert spread(population, 0) is None
    assert spread(make_population(diverged=tuple(range(8))), RANDOM_SUBSET) is None


def test_seeds_that_never_differ_are_no_spread_of_zero() -> None:
    population = make_population()
    first = population[population["replicate"] == 0].set_index("index")["error"]
    population["error"] = population["index"].map(first)
    assert spread(population, RANDOM_SUBSET) is None
