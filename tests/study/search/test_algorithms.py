from __future__ import annotations

import importlib.util
from typing import Any

import optuna
import pytest
import torch

from dse.errors import UserError
from dse.study.search.algorithms import (
    ALGORITHMS,
    make_algorithm,
    numbers,
    quiet,
    require_algorithm,
)
from tests.study.searched import CONDITIONS, OTHER_PRIORS, SPACES

CONVNEXT, _ = SPACES["convnext"]
ROADMAP, _ = SPACES["roadmap"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("generation", [1, 2, 8, 40])
def test_every_algorithm_works_with_generations_of_every_size(
    algorithm: str, generation: int
) -> None:
    sampler = make_algorithm(algorithm, CONVNEXT, seed=2**32 - 1, generation=generation)
    with quiet():
        study = optuna.create_study(sampler=sampler)
        trials = [study.ask(numbers(CONVNEXT)) for _ in range(3)]
    assert len({str(trial.params) for trial in trials}) == 3


@pytest.mark.parametrize(
    ("algorithm", "space", "objectives", "told"),
    [
        ("cma", CONVNEXT, ("error",), "--search 'cma': write tpe, gp, cmaes, nsga2"),
        ("cmaes", CONVNEXT, ("error", "latency"), "minimises the error alone, not latency"),
        ("cmaes", ROADMAP, ("error",), "needs two parameters that are numbers.* has 0"),
    ],
)
def test_what_an_algorithm_cannot_do_is_refused(
    algorithm: str, space: Any, objectives: tuple[str, ...], told: str
) -> None:
    with pytest.raises(UserError, match=told):
        require_algorithm(algorithm, space, objectives)


def test_an_algorithm_whose_package_is_missing_is_refused_with_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'dse\[search\]'"):
        require_algorithm("cmaes", CONVNEXT, ("error",))
    require_algorithm("tpe", CONVNEXT, ("error",))


def test_numbers_are_those_that_every_network_has() -> None:
    growths = [f"dims.growth.{k}" for k in (1, 2, 3)]
    depths = [f"depths.{k}" for k in (1, 2, 3, 4)]
    assert list(numbers(CONVNEXT)) == [*depths, *growths, "expansion_ratio"]
    assert "drop_path_rate" not in numbers(CONDITIONS)
    assert "drop_path_rate" in numbers(OTHER_PRIORS)


def test_a_gaussian_process_is_fitted_in_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(
        optuna.samplers.GPSampler,
        "sample_relative",
        lambda *arguments: seen.append(torch.get_num_threads()) or {},
    )
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        sampler = make_algorithm("gp", CONVNEXT, seed=0, generation=4)
        with quiet():
            optuna.create_study(sampler=sampler).ask(numbers(CONVNEXT))
        assert (seen, torch.get_num_threads()) == ([1], 2)
    finally:
        torch.set_num_threads(threads)
