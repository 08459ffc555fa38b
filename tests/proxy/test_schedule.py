from __future__ import annotations

import pytest

from dse.proxy.recipe import Recipe
from dse.proxy.schedule import learning_rate


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_the_learning_rate_warms_up_to_its_peak_and_falls_to_the_end(schedule: str) -> None:
    recipe = Recipe.model_validate(
        {"learning_rate": 1.0, "final_learning_rate": 0.01, "schedule": schedule}
    )
    rates = [learning_rate(recipe, 1.0, step, 50) for step in range(50)]
    peak = rates.index(max(rates))
    assert peak == 10
    assert max(rates) == pytest.approx(1)
    assert 0 < rates[0] < 0.1
    assert rates[:11] == sorted(rates[:11])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert 0.01 < rates[-1] < 0.04


def test_a_constant_rate_stays_after_the_warm_up() -> None:
    recipe = Recipe(schedule="constant")
    rates = [learning_rate(recipe, 0.5, step, 50) for step in range(50)]
    assert rates[:11] == sorted(rates[:11])
    assert set(rates[10:]) == {0.5}


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("warmup", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("schedule", ["cosine", "linear", "constant"])
def test_even_the_shortest_schedules_have_a_rate(steps: int, warmup: float, schedule: str) -> None:
    recipe = Recipe.model_validate({"warmup": warmup, "schedule": schedule})
    rates = [learning_rate(recipe, 2e-3, step, steps) for step in range(steps)]
    assert all(0 < rate <= 2e-3 for rate in rates)
