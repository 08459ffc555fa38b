"""Optuna's own tools work on a store as it is, with a survey and a search in it."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna import visualization

from tests.searching import NETWORKS, Searched
from tests.services import require

DASHBOARD = Path(sys.executable).with_name("optuna-dashboard")
FIGURES = (
    visualization.plot_optimization_history,
    visualization.plot_intermediate_values,
    visualization.plot_parallel_coordinate,
    visualization.plot_param_importances,
    visualization.plot_slice,
    visualization.plot_edf,
    visualization.plot_timeline,
)


@pytest.fixture(scope="module")
def copy(searched: Searched, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of its own, as the tools may write."""
    return Path(shutil.copy(searched.store, tmp_path_factory.mktemp("copy")))


@pytest.fixture(params=["survey", "search"])
def shown(request: pytest.FixtureRequest, searched: Searched, copy: Path) -> optuna.Study:
    study = getattr(searched, request.param).study
    return optuna.load_study(
        study_name=f"{study.name} ({request.param})", storage=f"sqlite:///{copy}"
    )


def test_the_importance_of_parameters_can_be_had(shown: optuna.Study) -> None:
    importances = optuna.importance.get_param_importances(shown)
    assert importances
    assert sum(importances.values()) == pytest.approx(1)
    assert importances.keys() <= {name for trial in shown.trials for name in trial.params}


@pytest.mark.parametrize("draw", FIGURES, ids=lambda draw: draw.__name__)
def test_figures_can_be_drawn(draw: Any, shown: optuna.Study) -> None:
    figure = draw(shown)
    assert figure.data or draw is visualization.plot_intermediate_values


def test_the_trials_of_a_search_are_told_from_those_it_began_with(
    searched: Searched, copy: Path
) -> None:
    study = optuna.load_study(
        study_name=f"{searched.search.study.name} (search)", storage=f"sqlite:///{copy}"
    )
    warm = [trial for trial in study.trials if trial.user_attrs.get("warm")]
    own = [trial for trial in study.trials if not trial.user_attrs.get("warm")]
    assert [trial.user_attrs["index"] for trial in own] == list(range(NETWORKS))
    assert {trial.user_attrs["survey"] for trial in warm} == {searched.survey.study.name}
    assert len(warm) == 5


@pytest.fixture(scope="module")
def dashboard(copy: Path) -> Iterator[str]:
    """The address of optuna-dashboard, running on the store."""
    require(DASHBOARD.exists(), "optuna-dashboard")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(DASHBOARD), f"sqlite:///{copy}", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)


def get(address: str, seconds: float = 60) -> Any:
    """What the dashboard answers, as soon as it does."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(address, timeout=seconds) as answer:
                return json.loads(answer.read())
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def test_optuna_dashboard_shows_the_trials_of_both(dashboard: str, searched: Searched) -> None:
    summaries = get(f"{dashboard}/api/studies")["study_summaries"]
    ids = {summary["study_name"]: summary["study_id"] for summary in summaries}
    survey, search = searched.survey.study.name, searched.search.study.name
    assert sorted(ids) == sorted([f"{survey} (survey)", f"{search} (search)"])
    counts = {}
    for name, number in ids.items():
        trials = get(f"{dashboard}/api/studies/{number}?after=0")["trials"]
        assert {trial["state"] for trial in trials} == {"Complete"}
        assert all(trial["params"] for trial in trials)
        counts[name] = len(trials)
    assert counts[f"{survey} (survey)"] == len(searched.survey.population)
    assert counts[f"{search} (search)"] == NETWORKS + 5
