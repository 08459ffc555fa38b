"""Whatever a space says, its networks are in it, in the budget, and the same alone as in bulk."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings

from dse.architecture import cost
from dse.errors import UserError
from dse.space import Budget, Sampler
from dse.space.language.design_space import space_from_definition
from dse.space.sampling.feasible import feasible_range
from dse.space.sampling.shapes import Drawer
from tests.space.language.strategies import spaces

TOO_SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)


@settings(max_examples=60, deadline=None, suppress_health_check=TOO_SLOW)
@given(data=spaces())
def test_networks_of_any_space_are_in_it_and_in_the_budget(data: dict[str, Any]) -> None:
    space = space_from_definition(data)
    drawer = Drawer(space)
    try:
        low, high = feasible_range(drawer, Budget(target=1e9), key=(0,), draws=64)
    except UserError:
        return  # no budget suits it, which was told in a sentence
    budget = Budget(target=float(np.sqrt(max(low, 1) * high)), tolerance=0.2)
    sampler = Sampler(space=space, budget=budget, seed=3)
    try:
        batch = sampler.batch(np.arange(5))
    except UserError:
        return
    for row in range(5):
        sample = batch.sample(row)
        assert sampler.sample(row) == sample
        assert sample.cost == cost(sample.architecture)
        assert budget.contains(sample.cost.flops)
        widths, a = space.parameters.dims, sample.architecture
        assert all(widths.minimum <= dim <= widths.maximum for dim in a.dims)
        assert all(dim % widths.multiple_of == 0 for dim in a.dims)
        if widths.tie in ("shared", "non_decreasing"):
            assert list(a.dims) == sorted(a.dims)
        if widths.tie in ("shared", "non_increasing"):
            assert list(a.dims) == sorted(a.dims, reverse=True)
        for name in drawer.columns:
            values = space.parameters.given.get(name) and drawer.values.get(name)
            if values:
                assert drawer.slot(name, batch.draft.draws)[row] in values
