from __future__ import annotations

import re

from dse.dashboard.page import Page
from dse.dashboard.panels import PANELS
from dse.dashboard.panels.base import Options
from dse.dashboard.view import View
from tests.dashboard.panels.studies import STATUS, make_search, make_survey


def said(view: View, name: str) -> str:
    section = PANELS[name].draw(view, Options())
    assert section is not None
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", Page().section(name, section)))


def test_progress_says_what_is_done_what_is_left_and_from_how_many_that_is_known() -> None:
    text = said(View(studies=(make_survey(30),)), "progress")
    assert "30 of 44 3 diverged, 1 failed" in text
    assert "10 2 under way, 8 waiting" in text
    assert "120 an hour n = 34 in 17 min 00 s" in text
    assert "about 4 min 45 s at that throughput" in text


def test_a_study_that_is_done_has_neither_throughput_nor_time_left() -> None:
    done = STATUS | {"running": 0, "waiting": 0, "eta_seconds": 0.0}
    text = said(View(studies=(make_survey(30, status=done),)), "progress")
    assert "Time left" not in text
    assert "Throughput" not in text


def test_a_study_in_which_nothing_ended_lately_does_not_know_its_time() -> None:
    still = STATUS | {"throughput_per_hour": None, "throughput_n": 0, "eta_seconds": None}
    text = said(View(studies=(make_survey(30, status=still),)), "progress")
    assert "not known none ended in the last hour" in text
    assert "an hour n" not in text


def test_workers_are_told_with_their_trainings_and_the_lost_ones_apart() -> None:
    text = said(View(studies=(make_survey(30),)), "workers")
    assert "1 worker at work; 1 is not heard of any more" in text
    assert "one network 12, seed 2 1 min 05 s 1,200 of 4,500 1.250 at work" in text
    assert "two reference 1, seed 1 15 min 00 s – – not heard of any more" in text


def test_failures_have_their_reasons_and_are_of_all_that_ended() -> None:
    text = said(View(studies=(make_survey(30),)), "workers")
    assert "4 of 34 trainings ended badly." in text
    assert "3 diverged the loss became NaN" in text
    assert "1 failed not told" in text


def test_the_rest_of_many_reasons_is_counted() -> None:
    many = [{"state": "failed", "reason": f"reason {i}", "n": 1} for i in range(30)]
    status = STATUS | {"failures": many, "failed": 30}
    text = said(View(studies=(make_survey(30, status=status),)), "workers")
    assert "The 20 most frequent reasons of 30." in text
    assert "reason 19" in text
    assert "reason 20" not in text


def test_a_search_is_told_apart_by_its_heading() -> None:
    view = View(studies=(make_survey(30), make_search(20)))
    for name in ("progress", "workers"):
        assert "found (search, no sample)" in said(view, name)


def test_a_study_of_which_no_status_is_known_has_its_landings_alone() -> None:
    study = make_survey(30, status={})
    assert "Trained to the end" not in said(View(studies=(study,)), "progress")
    assert PANELS["workers"].draw(View(studies=(study,)), Options()) is None


def test_nothing_is_shown_of_a_study_of_which_nothing_is_known() -> None:
    study = make_survey(30, status={}, landings=make_survey(30).landings.head(0))
    assert PANELS["progress"].draw(View(studies=(study,)), Options()) is None
