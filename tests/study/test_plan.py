from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from dse.proxy.load import load_proxy
from dse.space import Budget, Sampler
from dse.space.sampling.streams import Design
from dse.study.plan import Survey, random_repeats
from tests.spaces import CONVNEXT


def survey(budget: str = "4.5GFLOPs", tolerance: str = "1%", **changes: Any) -> Survey:
    window = Budget.parse(budget, tolerance=tolerance)
    named = ("seed", "population", "design", "stratify")
    sampling = {name: changes.pop(name) for name in named if name in changes}
    sampler = Sampler(space=CONVNEXT, budget=window, **sampling)
    return Survey(sampler=sampler, proxy=load_proxy("embedded"), **changes)


def population(states: list[str]) -> pd.DataFrame:
    """First seeds in these states; the later, the worse."""
    errors = [k / 10 if state == "complete" else None for k, state in enumerate(states)]
    columns = {"index": range(len(states)), "replicate": 0, "state": states}
    return pd.DataFrame(columns | {"error": pd.Series(errors, dtype=float)})


def test_the_name_says_whatever_is_not_the_default() -> None:
    assert survey().name == "convnext-4.5GFLOPs"
    named = survey("600MFLOPs", "0.5%", proxy_name="mine", repeat=0.5, seed=3)
    assert named.name == "convnext-0.6GFLOPs-0.5pct-mine-repeat50pct-seed3"
    spread = survey(design=Design(kind="sobol"), stratify=("stem", "norm_layer"))
    assert spread.name == "convnext-4.5GFLOPs-sobol-by-stem-by-norm_layer"


def test_budgets_that_differ_a_little_have_different_names() -> None:
    assert len({survey(f"{text}GFLOPs").name for text in ("4.5", "4.5000001", "4.50000011")}) == 3


@pytest.mark.parametrize(
    ("repeat", "models", "expected"),
    [(0.07, 100, 7), (0.25, 24, 6), (0.25, 25, 7), (0.0, 9, 0), (1.0, 9, 9), (0.55, 100, 55)],
)
def test_a_share_of_the_networks_is_rounded_up_but_not_by_arithmetic(
    repeat: float, models: int, expected: int
) -> None:
    assert random_repeats(repeat, models) == expected


@pytest.mark.parametrize("bad", ["complete", "diverged", "failed", "out_of_memory"])
def test_nothing_is_left_once_all_first_seeds_have_ended_and_the_best_are_repeated(
    bad: str,
) -> None:
    plan = survey(models=4)
    first = population(["complete", "complete", "complete", bad])
    second = first.head(1).assign(replicate=1)
    assert plan.unknown_repeats(first) == 1
    assert plan.unknown_repeats(pd.concat([first, second])) == 0


@pytest.mark.parametrize("state", ["waiting", "running"])
def test_repeats_are_unknown_while_a_first_seed_is_unfinished(state: str) -> None:
    plan = survey(models=8)
    assert plan.unknown_repeats(population(["complete"] * 7 + [state])) == 2
