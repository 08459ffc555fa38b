from __future__ import annotations

from typing import Any

import pytest

from dse.errors import UserError
from dse.study.plan import Survey
from dse.study.sampling import make_sampler
from dse.study.search.objectives import parse_objectives
from dse.study.search.plan import Search
from tests.spaces import CONVNEXT
from tests.study.search.fake import make_search


@pytest.mark.parametrize(
    "change",
    [
        {"algorithm": "gp"},
        {"generation": 4},
        {"objectives": ("error", "params")},
        {"pruner": "halving"},
        {"repeat": 0.5},
        {"seed": 1},
    ],
)
def test_every_setting_is_in_the_name_and_in_the_record(change: dict[str, Any]) -> None:
    one, other = make_search(), make_search(**change)
    assert one.name != other.name
    (told,) = one.record().differences(other.record())
    assert next(iter(change)) in told


def test_the_number_of_networks_may_change() -> None:
    one, other = make_search(networks=8), make_search(networks=16)
    assert one.name == other.name == "convnext-4.5GFLOPs-tpe"
    assert one.record().differences(other.record()) == []


def test_a_search_is_no_survey() -> None:
    search = make_search()
    survey = Survey(sampler=search.sampler, proxy=search.proxy)
    assert search.record().kind == "search"
    assert any("search" in told for told in survey.record().differences(search.record()))
    seeds = {search.trial(number, 0, None).seed for number in range(50)}
    assert seeds.isdisjoint(survey.trial(number, 0).seed for number in range(50))


def test_seeds_of_trainings_generations_and_draws_are_all_different() -> None:
    search = make_search()
    seeds = [search.trial(number, copy, None).seed for number in range(9) for copy in (0, 1)]
    seeds += [search.asking_seed(k) for k in range(9)] + [search.drawing_seed(k) for k in range(9)]
    assert len(set(seeds)) == len(seeds)
    assert search.trial(3, 1, 2) == make_search(algorithm="gp").trial(3, 1, 2)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"pruner": "median"}, "--pruner 'median': write none, halving, hyperband"),
        ({"pruner": "halving", "objectives": ("error", "params")}, "by their error alone"),
        ({"algorithm": "grid"}, "--search 'grid'"),
    ],
)
def test_what_does_not_go_together_is_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError, match=told):
        make_search(**options)


@pytest.mark.parametrize("option", [{"design": "sobol"}, {"stratify": ["norm_layer"]}])
def test_ways_to_spread_a_survey_are_refused(option: dict[str, Any]) -> None:
    sampler = make_sampler(CONVNEXT, budget="4.5GFLOPs", **option)
    with pytest.raises(UserError, match=f"--{next(iter(option))}: spreads the networks"):
        Search(sampler=sampler, proxy=make_search().proxy)


def test_the_error_is_always_the_first_objective() -> None:
    assert parse_objectives([]) == parse_objectives(["error"]) == ("error",)
    assert parse_objectives(["params", "error"]) == ("error", "params")


@pytest.mark.parametrize(
    ("names", "told"), [(["size"], "'size': write"), (["params"] * 2, "twice")]
)
def test_unknown_objectives_are_refused(names: list[str], told: str) -> None:
    with pytest.raises(UserError, match=told):
        parse_objectives(names)
