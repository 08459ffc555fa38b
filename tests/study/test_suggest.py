from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import optuna
import pytest
from optuna.distributions import (
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FixedTrial, TrialState

from dse.architecture import Architecture, cost
from dse.errors import UserError
from dse.space import Budget, DesignSpace, Sampler
from dse.space.language.parameters import Parameter
from dse.study.inverse import point_of
from dse.study.sampling import make_sampler
from dse.study.suggest import distributions, slot_values, suggest, to_params
from tests.spaces import CONVNEXT, changed
from tests.study.searched import CONDITIONS, ORDERED, OTHER_PRIORS, SPACES, sampler


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(verbosity)


def search(sampler: Sampler, trials: int = 40) -> tuple[optuna.Study, dict[int, Architecture]]:
    """A search for few activations, and the networks of the trials that were not refused."""
    found = {}

    def activations(trial: optuna.Trial) -> float:
        sample = suggest(trial, sampler)
        found[sample.index] = sample.architecture
        return sample.cost.activations

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
    study.optimize(activations, n_trials=trials)
    return study, found


def require_in_space(network: Architecture, space: DesignSpace) -> None:
    """Fail unless the choices that are no continuum have one of their values."""
    for name, prior in space.slots.items():
        base, _, stage = name.partition(".")
        parameter = getattr(space.parameters, base)
        if base in ("dims", "stem_ratio", "stem_width") or prior.values is None:
            continue
        value = getattr(network, base)
        if isinstance(parameter, Parameter):
            assert value in (space.parameters.possible(base) or ())
        elif parameter.any_of is not None:
            assert value in parameter.any_of
        else:
            stages = value if isinstance(value, tuple) else (value,) * space.stages
            given = stages[int(stage) - 1] if stage else stages[0]
            otherwise = (space.parameters.otherwise(base),) if parameter.when else ()
            assert given in (*prior.values, *otherwise)


@pytest.mark.parametrize("name", SPACES)
def test_every_network_of_a_search_is_in_the_space_and_in_the_budget(name: str) -> None:
    drawn = sampler(name)
    study, networks = search(drawn)
    completed = [trial for trial in study.trials if trial.state is TrialState.COMPLETE]
    assert len(completed) >= 5
    assert {trial.number for trial in completed} == networks.keys()
    known = distributions(drawn.space)
    for trial in study.trials:
        assert trial.params.keys() <= known.keys()
        assert (trial.state is TrialState.PRUNED) is ("refused" in trial.user_attrs)
        assert trial.constraints == {"budget": float("refused" in trial.user_attrs)}
    for trial in completed:
        network = networks[trial.number]
        assert drawn.budget.contains(cost(network, resolution=224).flops)
        require_in_space(network, drawn.space)
        assert suggest(trial, drawn).architecture == network
    assert suggest(study.best_trial, drawn).cost.activations == study.best_value


@pytest.mark.parametrize("name", SPACES)
def test_a_surveyed_network_comes_out_of_a_search_again(name: str) -> None:
    drawn = sampler(name)
    batch = drawn.batch(np.arange(30))
    known = distributions(drawn.space)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for row in range(len(batch)):
        params = to_params(drawn.space, slot_values(drawn.drawer, batch.draft.draws, row))
        for key, value in params.items():
            assert known[key]._contains(known[key].to_internal_repr(value))
        study.enqueue_trial(params)
        assert suggest(FixedTrial(params), drawn).architecture == batch.architecture(row)
    for row in range(len(batch)):
        sample = suggest(study.ask(), drawn)
        assert sample.architecture == batch.architecture(row)
        assert sample.cost == batch.sample(row).cost


@pytest.mark.parametrize("name", SPACES)
def test_values_lead_back_to_a_point_that_gives_them(name: str) -> None:
    drawer = sampler(name).drawer
    rng = np.random.default_rng(0)
    points = rng.random((60, len(drawer.columns)))
    points[0], points[1] = 0, 1 - 2**-53
    draws, _ = drawer.draw(points)
    back = [point_of(drawer, slot_values(drawer, draws, row)) for row in range(len(points))]
    again, _ = drawer.draw(np.array(back))
    for key, values in draws.items():
        np.testing.assert_allclose(again[key].astype(float), values.astype(float), rtol=1e-12)


def test_distributions_are_optunas_where_it_has_them() -> None:
    found = distributions(CONVNEXT)
    assert found["depths.3"] == IntDistribution(2, 18, log=True)
    assert found["dims.growth.1"] == FloatDistribution(1.25, 2.75, log=True)
    assert found["kernel_sizes.4"] == CategoricalDistribution((3, 5, 7, 9))
    assert found["expansion_ratio"] == FloatDistribution(1, 6, step=0.5)
    assert found["ls_init_value"] == CategoricalDistribution((None, 1e-6, 0.1))
    assert not {"groups", "grn", "dims.first"} & found.keys()

    found = distributions(OTHER_PRIORS)
    assert found["depths"] == CategoricalDistribution(("3-3-9-3", "2-2-6-2"))
    assert found["dims.1"] == IntDistribution(16, 1024, step=8)
    assert found["kernel_sizes"] == IntDistribution(3, 9, step=2)
    assert found["expansion_ratio"] == FloatDistribution(1, 6, log=True)
    assert found["drop_path_rate"] == FloatDistribution(0, 0.3)
    assert found["stem_ratio"] == FloatDistribution(0.1, 0.7, step=0.1)

    found = distributions(ORDERED)
    assert found["kernel_sizes.1.rank"] == IntDistribution(0, 2)
    assert found["expansion_ratio.3.rank"] == IntDistribution(0, 2)
    assert found["expansion_ratio.2"] == FloatDistribution(1, 6, step=0.1)
    assert "expansion_ratio.1" not in found

    uneven = changed(expansion_ratio={"uniform": [1, 2], "step": 1 / 3})
    values = uneven.slots["expansion_ratio"].values
    assert values is not None
    assert distributions(uneven)["expansion_ratio"] == CategoricalDistribution(values)
    powers = changed(group_width={"power_of_two": [4, 16]})
    assert distributions(powers)["group_width"] == CategoricalDistribution((4, 8, 16))


def test_a_lattice_has_exactly_the_numbers_that_are_written() -> None:
    space = changed(expansion_ratio={"uniform": [1, 6], "step": 0.1})
    drawn = make_sampler(space, budget="4.5GFLOPs")
    written = {k / 10 for k in range(10, 61)}
    _, networks = search(drawn)
    assert {network.expansion_ratio for network in networks.values()} <= written
    study = optuna.create_study()
    study.enqueue_trial({"expansion_ratio": math.nextafter(1.3, 2)})
    study.optimize(lambda trial: suggest(trial, drawn).architecture.expansion_ratio, n_trials=1)
    assert study.best_value == 1.3


def test_a_choice_is_suggested_only_where_its_condition_holds() -> None:
    study, networks = search(sampler("conditions"))
    seen: set[str] = set()
    for trial in study.trials:
        params = trial.params
        assert ("drop_path_rate" in params) is (params["norm_layer"] == "batch_norm")
        assert ("ls_init_value" in params) is (params["stem"] != "resnet")
        assert ("kernel_sizes.2" in params) is (params.get("ls_init_value") == 0.1)
        seen |= params.keys()
    assert {"drop_path_rate", "ls_init_value", "kernel_sizes.2"} <= seen
    plain = next(n for n in networks.values() if n.norm_layer != "batch_norm")
    assert plain.drop_path_rate == CONDITIONS.parameters.otherwise("drop_path_rate") == 0


def test_stages_in_order_are_never_suggested_out_of_order() -> None:
    study, networks = search(sampler("ordered"))
    reasons = {trial.user_attrs.get("refused", "") for trial in study.trials}
    assert not any("may not" in reason or "leave no" in reason for reason in reasons)
    for network in networks.values():
        assert list(network.depths) == sorted(network.depths)
        assert list(network.kernel_sizes) == sorted(network.kernel_sizes, reverse=True)
        ratios = network.expansion_ratio
        assert isinstance(ratios, tuple)
        assert list(ratios) == sorted(ratios)


def test_what_cannot_meet_the_budget_is_refused_with_the_reason() -> None:
    study, networks = search(make_sampler(CONVNEXT, budget="1MFLOPs"), trials=5)
    assert not networks
    for trial in study.trials:
        assert trial.state is TrialState.PRUNED
        assert "too dear" in trial.user_attrs["refused"]
        assert trial.constraints == {"budget": 1.0}


def test_a_predicate_refuses() -> None:
    data = CONVNEXT.definition() | {"require": ["depths[3] >= max(depths)"]}
    drawn = make_sampler(DesignSpace.model_validate(data), budget="4.5GFLOPs")
    study, networks = search(drawn)
    assert networks
    assert all(network.depths[2] == max(network.depths) for network in networks.values())
    reasons = {trial.user_attrs.get("refused", "") for trial in study.trials}
    assert any(reason.startswith("require") for reason in reasons)


def test_a_measured_limit_refuses() -> None:
    drawn = Sampler(
        space=CONVNEXT,
        budget=Budget.parse(["4.5GFLOPs", "latency<=5ms"]),
        measure=lambda network: {"latency": 0.001 * network.depths[2]},
    )
    study, networks = search(drawn)
    assert networks
    assert max(network.depths[2] for network in networks.values()) <= 5
    reasons = {trial.user_attrs.get("refused") for trial in study.trials}
    assert "above the limit on latency" in reasons


@pytest.mark.filterwarnings("ignore:Fixed parameter")
@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"depths.1": 7}, "depths.1"),
        ({"depths.1": 5, "depths.2": 2}, "depths"),
        ({"kernel_sizes.1.rank": 9}, "kernel_sizes.1.rank"),
        ({"dims.growth.1": 9.0}, "dims.growth"),
        ({"expansion_ratio.2": 5.95}, "expansion_ratio.2"),
    ],
)
def test_what_is_enqueued_from_outside_the_space_is_refused(
    params: dict[str, float], told: str
) -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.enqueue_trial(params)
    study.optimize(lambda trial: suggest(trial, sampler("ordered")).cost.flops, n_trials=1)
    assert study.trials[0].state is TrialState.PRUNED
    assert told in study.trials[0].user_attrs["refused"]


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [
        ("convnext", {"depths.1": 7}, "depths.1: 7 is none of its values"),
        ("convnext", {"depths.1": True}, "depths.1: True is none of its values"),
        ("convnext", {"dims.growth.1": 3.0}, "dims.growth.1: 3.0 is not from 1.25 to 2.75"),
        ("convnext", {"dims.growth.1": None}, "dims.growth.1: None is no number"),
        ("convnext", {"grn": True}, "grn: nothing of that name is drawn"),
        ("ordered", {"depths.1": 2}, "depths: depths.2, depths.3, depths.4: is missing"),
        (
            "ordered",
            {f"depths.{k}": 5 - k for k in range(1, 5)},
            "depths: 4, 3, 2, 1: may not fall",
        ),
        ("ordered", {f"dims.growth.{k}": 1 + k / 2 for k in (1, 2, 3)}, "may not rise"),
    ],
)
def test_values_outside_the_space_have_no_point(
    name: str, values: dict[str, float], told: str
) -> None:
    with pytest.raises(UserError, match=told):
        point_of(sampler(name).drawer, values)


def test_networks_of_a_conditioned_population_come_out_again() -> None:
    space, _ = SPACES["anynetx"]
    drawn = make_sampler(space, budget="360-400MFLOPs", population="conditioned")
    batch = drawn.batch(np.arange(20))
    for row in range(len(batch)):
        params = to_params(space, slot_values(drawn.drawer, batch.draft.draws, row))
        assert suggest(FixedTrial(params), drawn).architecture == batch.architecture(row)
