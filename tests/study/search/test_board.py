from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState
from sqlalchemy import create_engine, event, text

from dse.store.target import Target, parse_target
from dse.study.search.algorithms import quiet
from dse.study.search.board import OptunaBoard, study_name
from dse.study.search.loop import run
from dse.study.search.plan import Search
from dse.study.search.records import Found
from tests.study.search.fake import EPOCHS, FakeTrainings, NoBoard, make_search

STATES = {"complete": TrialState.COMPLETE, "stopped": TrialState.PRUNED}


@pytest.fixture
def target(place: str) -> Target:
    return parse_target(place)


@pytest.fixture
def told() -> list[str]:
    """What a board warned of."""
    return []


def make_board(target: Target, search: Search, told: list[str], **options: Any) -> OptunaBoard:
    return OptunaBoard(target.url, search, study="mine", warn=told.append, **options)


def seen(target: Target) -> optuna.Study:
    with quiet():
        url = target.url.render_as_string(hide_password=False)
        return optuna.load_study(study_name="mine (search)", storage=url)


def by_number(target: Target) -> dict[int, optuna.trial.FrozenTrial]:
    """The trials of the networks that were not given up, by network."""
    return {
        trial.user_attrs["index"]: trial
        for trial in seen(target).trials
        if "warm" not in trial.user_attrs and "state" in trial.user_attrs
    }


def require_shown(target: Target, found: list[Found]) -> None:
    """Fail unless Optuna's study says of every network what the search found."""
    trials = by_number(target)
    assert sorted(trials) == list(range(len(found)))
    for each in found:
        trial = trials[each.asked.number]
        assert trial.state is STATES.get(each.told.state, TrialState.FAIL)
        assert trial.params == each.asked.params
        assert trial.user_attrs["state"] == each.told.state
        assert trial.user_attrs["flops"] == each.asked.cost.flops
        assert trial.user_attrs["dims.1"] == each.asked.architecture.dims[0]
        if not each.told.ended_badly:
            assert trial.values is not None
            assert trial.values[0] == each.told.curve[max(each.told.curve)]


@pytest.mark.parametrize("pruner", ["none", "hyperband"])
def test_optuna_sees_every_network_of_a_search(
    target: Target, told: list[str], pruner: str
) -> None:
    search = make_search(networks=20, pruner=pruner)
    with closing(make_board(target, search, told)) as board:
        found = run(search, FakeTrainings(bad={3: "diverged"}), board)
    assert told == []
    require_shown(target, found)
    assert (
        seen(target).best_trial.user_attrs["index"]
        == min(
            (each.told.error, each.asked.number) for each in found if each.told.error is not None
        )[1]
    )
    for number, trial in by_number(target).items():
        assert trial.intermediate_values == found[number].told.curve
    assert by_number(target)[3].user_attrs["reason"] == "made to"


def test_optuna_sees_all_objectives(target: Target, told: list[str]) -> None:
    search = make_search(algorithm="nsga2", networks=12, objectives=("error", "params"))
    with closing(make_board(target, search, told)) as board:
        found = run(search, FakeTrainings(), board)
    assert told == []
    require_shown(target, found)
    study = seen(target)
    assert study.metric_names == ["error", "params"]
    assert {trial.user_attrs["params"] for trial in study.trials} == {
        trial.values[1] for trial in study.trials
    }


def test_trials_run_and_are_alive_while_they_are_trained(target: Target, told: list[str]) -> None:
    search = make_search(networks=4, generation=4)
    trainings = FakeTrainings()
    whole = run(search, trainings, NoBoard())
    asked = [each.asked for each in whole]
    with closing(make_board(target, search, told, heartbeat=1)) as board:
        with board.begin(asked):
            assert {trial.state for trial in seen(target).trials} == {TrialState.RUNNING}
            first = heartbeats(target)
            deadline = time.monotonic() + 20
            while heartbeats(target) <= first and time.monotonic() < deadline:
                time.sleep(0.1)
        assert len(first) == 4
        assert heartbeats(target) > first
        still = heartbeats(target)
        time.sleep(1.2)
        assert heartbeats(target) == still
    assert told == []


def heartbeats(target: Target) -> list[Any]:
    """The times of the signs of life, in order."""
    engine = create_engine(target.url)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT heartbeat FROM trial_heartbeats ORDER BY trial_id"))
        found = [row[0] for row in rows]
    engine.dispose()
    return found


def test_a_search_that_was_killed_goes_on_with_the_trials_that_ran(
    target: Target, told: list[str]
) -> None:
    search, trainings = make_search(networks=8, generation=4), FakeTrainings()
    asked = [
        each.asked for each in run(make_search(networks=4, generation=4), trainings, NoBoard())
    ]
    board = make_board(target, search, told)
    board.begin(asked).__enter__()
    board.close()
    with closing(make_board(target, search, told)) as board:
        found = run(search, trainings, board)
    require_shown(target, found)
    assert len(seen(target).trials) == 8


def test_a_trial_that_another_tool_gave_up_is_shown_anew(target: Target, told: list[str]) -> None:
    search, trainings = make_search(networks=4, generation=4), FakeTrainings()
    asked = [each.asked for each in run(search, trainings, NoBoard())]
    board = make_board(target, search, told)
    with board.begin(asked):
        pass
    board.close()
    with quiet():
        study = seen(target)
        study.tell(study.trials[2].number, state=TrialState.FAIL)
    with closing(make_board(target, search, told)) as board:
        found = run(search, trainings, board)
    require_shown(target, found)
    assert len(seen(target).trials) == 5


def test_a_study_that_was_deleted_comes_back(target: Target, told: list[str]) -> None:
    search, trainings = make_search(networks=8, pruner="halving"), FakeTrainings()
    for _ in range(3):
        with closing(make_board(target, search, told)) as board:
            found = run(search, trainings, board)
        require_shown(target, found)
        assert len(seen(target).trials) == 8
        url = target.url.render_as_string(hide_password=False)
        with quiet():
            optuna.delete_study(study_name="mine (search)", storage=url)
    assert told == []


def test_the_trainings_of_a_survey_are_marked(target: Target, told: list[str]) -> None:
    note = {"store": None, "study": "a survey", "networks": "0-5", "digest": ""}
    search = make_search(networks=8, generation=4, warm=note)
    other = make_search(networks=6, seed=7)
    warm = run(other, FakeTrainings(bad={2: "diverged"}), NoBoard())
    trainings = FakeTrainings()
    for _ in range(2):
        with closing(make_board(target, search, told, warm=warm)) as board:
            found = run(search, trainings, board, warm=warm)
    require_shown(target, found)
    shown = [trial for trial in seen(target).trials if trial.user_attrs.get("warm")]
    assert [trial.user_attrs["index"] for trial in shown] == list(range(6))
    assert {trial.user_attrs["survey"] for trial in shown} == {"a survey"}
    assert [trial.state.name for trial in shown] == ["COMPLETE"] * 2 + ["FAIL"] + ["COMPLETE"] * 3
    assert [trial.value for trial in shown if trial.value] == [
        each.told.error for each in warm if each.told.error is not None
    ]


def test_a_search_goes_on_when_the_database_cannot_be_written(
    tmp_path: Path, told: list[str]
) -> None:
    search = make_search(networks=8, generation=4)
    place = parse_target(str(tmp_path / "no such folder" / "study.db"))
    with closing(make_board(place, search, told)) as board:
        found = run(search, FakeTrainings(), board)
    assert len(found) == 8
    (warning,) = told
    assert "is not shown to Optuna's tools" in warning


def test_a_search_goes_on_when_its_study_is_deleted_meanwhile(
    target: Target, told: list[str]
) -> None:
    search = make_search(networks=8, generation=4)

    def delete(found: Any) -> None:
        if len(found) == 4:
            url = target.url.render_as_string(hide_password=False)
            with quiet():
                optuna.delete_study(study_name="mine (search)", storage=url)

    with closing(make_board(target, search, told)) as board:
        found = run(search, FakeTrainings(), board, on_generation=delete)
    assert len(found) == 8
    assert len(told) == 1


def test_a_network_takes_few_transactions(tmp_path: Path, told: list[str]) -> None:
    """Workers write to the same file, and wait for each commit."""
    commits = 0
    search, trainings = make_search(networks=16), FakeTrainings()
    with closing(make_board(parse_target(str(tmp_path / "s.db")), search, told)) as board:
        storage = board._storage
        assert storage is not None

        @event.listens_for(storage.engine, "commit")
        def count(connection: object) -> None:
            nonlocal commits
            commits += 1

        run(search, trainings, board)
    assert commits / 16 < 12 + EPOCHS


def test_a_searchs_study_has_another_name_than_a_surveys() -> None:
    assert study_name("x") == "x (search)"
