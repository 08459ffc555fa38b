from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pytest
from optuna.trial import FixedTrial, TrialState

from dse.architecture import Architecture
from dse.errors import UserError
from dse.proxy.load import load_proxy
from dse.store.records import StudyRecord, TrialResult
from dse.store.store import Store
from dse.study.mirror import mirror
from dse.study.plan import Survey, candidate_record
from dse.study.suggest import distributions, suggest
from tests.study.searched import SPACES, sampler

NETWORKS = 12


def surveyed(path: Path, survey: Survey) -> tuple[StudyRecord, pd.DataFrame]:
    """A survey whose trainings are finished but for the last; number 3 diverged."""
    with Store.open(path, create=True) as store:
        store.create_study(survey.record())
        samples = survey.sampler.samples(survey.models)
        store.add_candidates(candidate_record(sample) for sample in samples)
        store.add_trials(survey.first_trials())
        for number in range(survey.models - 1):
            claim = store.claim("w")
            assert claim is not None
            result = TrialResult(state="complete", error=0.3 + number / 100, test_images=10)
            bad = TrialResult(state="diverged", reason="the loss became nan")
            assert store.complete(claim, bad if number == 3 else result)
        study, population = store.study(), store.population()
    assert study is not None
    return study, population


def make_survey(name: str) -> Survey:
    proxy = load_proxy("embedded")
    return Survey(sampler=sampler(name), proxy=proxy, models=NETWORKS, repeat=0.0)


def seen_by_optuna(path: Path, study: StudyRecord) -> optuna.Study:
    name = f"{study.name} (survey)"
    return optuna.load_study(study_name=name, storage=f"sqlite:///{path}")


@pytest.mark.filterwarnings("ignore:Some regimes")
@pytest.mark.parametrize("name", SPACES)
def test_optuna_sees_every_finished_training_once(tmp_path: Path, name: str) -> None:
    path, survey = tmp_path / "s.db", make_survey(name)
    study, population = surveyed(path, survey)
    assert mirror(path, study, population) == NETWORKS - 1
    assert mirror(path, study, population) == 0
    seen = seen_by_optuna(path, study)
    states = [trial.state for trial in seen.trials]
    assert states.count(TrialState.COMPLETE) == NETWORKS - 2
    assert states.count(TrialState.FAIL) == 1
    assert seen.best_value == pytest.approx(0.3)
    assert optuna.importance.get_param_importances(seen)
    with Store.open(path) as store:  # the store does not mind Optuna's tables beside its own
        assert store.counts().finished == NETWORKS - 1


@pytest.mark.parametrize("name", SPACES)
def test_a_trial_says_what_its_network_was_drawn_with(tmp_path: Path, name: str) -> None:
    path, survey = tmp_path / "s.db", make_survey(name)
    study, population = surveyed(path, survey)
    mirror(path, study, population)
    known = distributions(survey.space)
    for trial in seen_by_optuna(path, study).trials:
        network = Architecture.from_dict(population["architecture"][trial.number])
        assert suggest(FixedTrial(trial.params), survey.sampler).architecture == network
        assert trial.distributions == {key: known[key] for key in trial.params}
        attributes = trial.user_attrs
        assert attributes["flops"] == population["flops"][trial.number]
        widths = [attributes[f"dims.{stage + 1}"] for stage in range(survey.space.stages)]
        assert widths == list(network.dims)


def test_choices_whose_condition_does_not_hold_are_no_parameters(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    study, population = surveyed(path, make_survey("conditions"))
    mirror(path, study, population)
    seen = seen_by_optuna(path, study)
    for trial in seen.trials:
        is_batch_norm = trial.params["norm_layer"] == "batch_norm"
        assert ("drop_path_rate" in trial.params) is is_batch_norm
    found = {"drop_path_rate" in trial.params for trial in seen.trials}
    assert found == {True, False}


def test_networks_that_come_out_otherwise_are_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    study, population = surveyed(path, make_survey("convnext"))
    other = population["architecture"][5] | {"dims": [8, 16, 24, 32]}
    population.at[5, "architecture"] = other
    with pytest.raises(UserError, match=r"1 of 11 trainings are not shown"):
        mirror(path, study, population)
    indices = [trial.user_attrs["index"] for trial in seen_by_optuna(path, study).trials]
    assert indices == [i for i in range(NETWORKS - 1) if i != 5]


@pytest.mark.parametrize("sampling", [{}, {"sampling": {"version": 0}}])
def test_a_study_of_another_version_is_not_mirrored(
    tmp_path: Path, sampling: dict[str, Any]
) -> None:
    path = tmp_path / "s.db"
    study, population = surveyed(path, make_survey("convnext"))
    design = {key: value for key, value in study.design.items() if key != "sampling"} | sampling
    with pytest.raises(UserError, match=r"11 of 11 trainings .* an earlier version drew them"):
        mirror(path, dataclasses.replace(study, design=design), population)
    assert not seen_by_optuna(path, study).trials


def test_a_mirrored_survey_warms_a_search_up(tmp_path: Path) -> None:
    path, survey = tmp_path / "s.db", make_survey("ordered")
    study, population = surveyed(path, survey)
    mirror(path, study, population)
    search = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
    search.add_trials(seen_by_optuna(path, study).trials)
    search.optimize(lambda trial: suggest(trial, survey.sampler).cost.params / 1e8, n_trials=10)
    new = search.trials[NETWORKS - 1 :]
    assert len(new) == 10
    assert any(trial.state is TrialState.COMPLETE for trial in new)
