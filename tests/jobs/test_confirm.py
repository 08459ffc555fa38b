"""Finalists trained again: never twice, never in their study's statistics, in each database."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from dse.analysis.population import own_trainings
from dse.analysis.reliability import reliability
from dse.cli import main
from dse.errors import UserError
from dse.jobs.conclude import load_conclusion
from dse.jobs.conclude_search import load_search
from dse.jobs.confirm import Confirmed, confirm_job
from dse.store.store import Store
from dse.store.target import parse_target
from dse.study.asked import make_survey
from dse.study.launching import Launching
from dse.study.plan import Survey, candidate_record, random_repeats
from tests import tiny
from tests.searching import Searched
from tests.spaces import CONVNEXT_FILE
from tests.store.records import result
from tests.study.scorers import error_of

MODELS = 8
OPTIONS = {"budget": "0.3GFLOPs", "tolerance": "1%", "resolution": 224, "seed": 0}


def planned(folder: Path) -> Survey:
    return make_survey(
        space=str(CONVNEXT_FILE),
        models=MODELS,
        proxy=str(tiny.write_proxy(folder)),
        repeat="40%",
        options=OPTIONS,
    )


def drain(store: Store) -> None:
    while claim := store.claim("worker"):
        store.complete(claim, result(error_of(claim)))


def finish(place: str, survey: Survey, *, starts: Path | None = None) -> None:
    """The whole survey, with made-up errors."""
    record = survey.record()
    if starts is not None:
        record = replace(record, provenance=record.provenance | {"folder": str(starts)})
    with Store.open(place, create=True) as store:
        store.create_study(record)
        store.add_candidates(map(candidate_record, survey.sampler.samples(MODELS)))
        store.add_trials(survey.first_trials())
        drain(store)
        store.add_trials(survey.best_repeats(store.population()))
        drain(store)


def confirm(place: str, scorer: str = "quick", **changes: Any) -> Confirmed:
    launching = Launching(workers=1, device="cpu", scorer=f"tests.study.scorers:{scorer}")
    return confirm_job(store=place, launching=launching, **{"top": 3, "seeds": 2, **changes})


def fresh(place: str, study: str | None = None) -> pd.DataFrame:
    with Store.open(parse_target(place, study=study), read_only=True) as store:
        table = store.population()
    return table[table["replicate"] >= 2].reset_index(drop=True)


def attempts(place: str) -> list[int]:
    with Store.open(place, read_only=True) as store:
        query = "SELECT attempts FROM dse_trials"
        return list(store._read(lambda c: c.exec_driver_sql(query).scalars().all()))


def test_finalists_get_fresh_seeds_that_no_statistic_of_the_survey_counts(
    tmp_path: Path, place: str
) -> None:
    survey = planned(tmp_path)
    finish(place, survey)
    before = load_conclusion(place)
    found = confirm(place)
    best = [network.index for network in before.summary.best[:3]]
    assert [network.index for network in found.finalists] == best
    table = fresh(place)
    assert sorted(zip(table["index"], table["replicate"], strict=True)) == sorted(
        (index, replicate) for index in best for replicate in (2, 3)
    )
    for finalist in found.found.finalists:
        index = int(finalist.name.removeprefix("network "))
        assert finalist.mean == pytest.approx(table[table["index"] == index]["error"].mean())
        assert finalist.seeds == 2
    after = load_conclusion(place)
    assert after.summary == before.summary
    pd.testing.assert_frame_equal(after.population, before.population, check_exact=True)
    assert attempts(place) == [1] * len(attempts(place))


def test_more_seeds_add_to_those_there_and_the_finalists_stay(tmp_path: Path, place: str) -> None:
    finish(place, planned(tmp_path))
    first = confirm(place, seeds=1)
    before = fresh(place)
    more = confirm(place, seeds=2, top=4)
    assert more.finalists[:3] == first.finalists
    table = fresh(place)
    assert len(table) == 8
    kept = table[(table["replicate"] == 2) & table["index"].isin(before["index"])]
    assert kept["error"].tolist() == before["error"].tolist()
    assert set(attempts(place)) == {1}
    again = confirm(place, "endless", seeds=1)  # no worker is started: nothing is left to do
    assert again.found == first.found
    assert len(fresh(place)) == 8


def test_a_training_that_a_dead_worker_left_is_taken_over(tmp_path: Path, place: str) -> None:
    survey = planned(tmp_path)
    finish(place, survey)
    (best, *_) = load_conclusion(place).summary.best
    with Store.open(place) as store:
        store.add_trials([survey.trial(best.index, 2)])
        claim = store.claim("dead", run="dead", lease_seconds=0.01)
        assert claim is not None
    time.sleep(0.05)
    found = confirm(place, top=2)
    assert sorted(attempts(place))[-2:] == [1, 2]
    assert {finalist.seeds for finalist in found.found.finalists} == {2}


def test_a_finalist_that_ends_badly_with_a_fresh_seed_is_told(tmp_path: Path) -> None:
    """The scorer lets network 3 diverge."""
    place = str(tmp_path / "s.db")
    finish(place, planned(tmp_path))
    found = confirm(place, "instant", top=MODELS)
    (bad,) = [row for row in found.rows() if row["network"] == 3]
    assert (bad["bad"], bad["mean"], bad["fresh"]) == (2, "inf", None)
    assert "2 of 2 fresh seeds ended badly" in bad["sentence"]
    assert json.loads(json.dumps(found.rows())) == found.rows()


def test_a_study_that_is_not_finished_has_no_finalists_yet(tmp_path: Path, place: str) -> None:
    survey = planned(tmp_path)
    with Store.open(place, create=True) as store:
        store.create_study(survey.record())
        store.add_candidates(map(candidate_record, survey.sampler.samples(MODELS)))
        store.add_trials(survey.first_trials())
        left = MODELS + survey.random_repeats
        with pytest.raises(UserError, match=rf"is not finished \({left} trainings"):
            confirm(place)
        drain(store)
    with pytest.raises(UserError, match=r"is not finished \(\d trainings are to come\)"):
        confirm(place)
    assert fresh(place).empty


def test_a_search_is_confirmed_and_stays_as_it_was(searched: Searched, tmp_path: Path) -> None:
    place = str(tmp_path / "study.db")
    shutil.copy(searched.store, place)
    name = searched.search.study.name
    before, survey = load_search(place), load_conclusion(place)
    found = confirm(place, study=name, top=2)
    assert found.study.kind == "search"
    ranked = before.summary.ranked
    assert [network.index for network in found.finalists] == [best.index for best in ranked[:2]]
    assert len(fresh(place, name)) == 4
    after = load_search(place)
    assert after.summary == before.summary
    assert load_conclusion(place).summary == survey.summary
    with Store.open(parse_target(place, study=name), read_only=True) as store:
        query = "SELECT seed FROM dse_trials"
        seeds = store._read(lambda c: c.exec_driver_sql(query).scalars().all())
    assert len(set(seeds)) == len(seeds)  # of the survey's, too


def test_fresh_seeds_are_in_neither_reliability_nor_own_trainings() -> None:
    rows = [
        {"index": k, "replicate": r, "state": "complete", "error": 0.5 + 0.01 * k * (-1) ** r}
        | {"test_images": 1000, "classes": 10}
        for k in range(6)
        for r in (0, 1)
    ]
    own = pd.DataFrame(rows)
    extra = [row | {"replicate": r, "error": 0.1} for row in rows[:4:2] for r in (2, 3, 4)]
    both = pd.DataFrame(rows + extra).sort_values(["index", "replicate"], ignore_index=True)
    assert reliability(both, 6) == reliability(own, 6)
    pd.testing.assert_frame_equal(own_trainings(both), own)
    assert random_repeats(0.4, MODELS) == 4


def test_a_killed_confirmation_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    """Killed with SIGKILL in the middle, workers and all."""
    survey, stores = planned(tmp_path), [str(tmp_path / name) for name in ("killed.db", "calm.db")]
    for store in stores:
        finish(store, survey, starts=tmp_path)
    calm = confirm(stores[1], "slow", seeds=4)
    before = len(attempts(stores[0]))
    options = "--top 3 --seeds 4 --workers 1 --device cpu --scorer tests.study.scorers:slow"
    process = subprocess.Popen(
        [sys.executable, "-m", "dse", "confirm", stores[0], *options.split()],
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if len(fresh(stores[0]).dropna(subset="error")) >= 4:
            break
        time.sleep(0.05)
    assert process.poll() is None, "it was to be killed before its end"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    killed = confirm(stores[0], "slow", seeds=4)
    assert killed.found == calm.found
    assert len(attempts(stores[0])) == before + 12
    assert sum(attempts(stores[0])) <= before + 12 + 1


def test_the_verb_shows_a_table_a_sentence_each_and_a_conclusion(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = str(tmp_path / "s.db")
    finish(place, planned(tmp_path))
    options = ["--workers", "1", "--device", "cpu", "--scorer", "tests.study.scorers:quick"]

    def run(*extra: str) -> tuple[str, str]:
        with pytest.raises(SystemExit) as caught:
            main(["confirm", place, "--top", "2", "--seeds", "2", *options, *extra])
        assert caught.value.code == 0
        captured = capsys.readouterr()
        return captured.out, captured.err

    out, _ = run()
    assert "4 trainings left to do, 4 of them new" in out
    assert "finalists by fresh seeds" in out
    assert "has the lowest mean over fresh seeds" in out
    assert out.count("over 2 fresh seeds (95 % interval") == 2
    assert "no evidence about ImageNet" in out
    out, err = run("--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert "All are trained already" in err
    assert [row["kind"] for row in rows] == ["survey"] * 2
    assert rows[0]["mean"] <= rows[1]["mean"]
    assert rows[0]["conclusion"] == rows[1]["conclusion"]
    assert {row["rank_before"] for row in rows} == {1, 2}
    assert rows[0]["fresh"]["lower"] < rows[0]["mean"] < rows[0]["fresh"]["upper"]
