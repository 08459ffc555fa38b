from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from dse.proxy.recipe import load_proxy
from dse.space import Budget, Sampler
from dse.store.records import TrialResult
from dse.store.store import Store
from dse.study.mirror import mirror
from dse.study.plan import Survey, candidate_record
from tests.spaces import CONVNEXT, changed


@pytest.mark.parametrize(
    "space",
    [
        CONVNEXT,
        changed(
            kernel_sizes={"shared": {"choice": [3, 5]}},
            expansion_ratio={"log_uniform": [1, 6]},
            depths={"shared": {"log_uniform": [1, 5], "step": 2}},
        ),
    ],
    ids=["as shipped", "other priors"],
)
def test_optuna_sees_every_finished_training_once(tmp_path: Path, space) -> None:  # type: ignore[no-untyped-def]
    survey = Survey(
        space=space,
        budget=Budget.parse("4.5GFLOPs"),
        proxy=load_proxy("embedded"),
        models=12,
        repeat=0.0,
    )
    path = tmp_path / "s.db"
    with Store.open(path, create=True) as store:
        store.create_study(survey.record())
        sampler = Sampler(space=space, budget=survey.budget)
        store.add_candidates(candidate_record(sample) for sample in sampler.samples(12))
        store.add_trials(survey.first_trials())
        for number in range(11):
            claim = store.claim("w")
            assert claim is not None
            result = TrialResult(state="complete", error=0.3 + number / 100, test_images=10)
            bad = TrialResult(state="diverged", reason="the loss became nan")
            assert store.complete(claim, bad if number == 3 else result)
        study, population = store.study(), store.population()
    assert study is not None
    assert mirror(path, study, population) == 11
    assert mirror(path, study, population) == 0
    seen = optuna.load_study(study_name=f"{survey.name} (survey)", storage=f"sqlite:///{path}")
    states = [trial.state for trial in seen.trials]
    assert states.count(optuna.trial.TrialState.COMPLETE) == 10
    assert states.count(optuna.trial.TrialState.FAIL) == 1
    assert seen.best_value == pytest.approx(0.3)
    first = seen.trials[0]
    assert first.params["dims.1"] == population["architecture"].iloc[0]["dims"][0]
    assert optuna.importance.get_param_importances(seen)
    with Store.open(path) as store:  # the store does not mind Optuna's tables beside its own
        assert store.counts().finished == 11
