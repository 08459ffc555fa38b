from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from dse.analysis.order.conclusion import conclude
from dse.analysis.summary import summarise
from dse.architecture.roadmap import FROM_RESNET50
from dse.dashboard.steps import walked
from dse.dashboard.view import StudyData
from tests.dashboard.conftest import make_study
from tests.roadmaps import FEW, as_printed, every_set


def study_of(population) -> StudyData:
    found = make_study(population)
    networks = int(population["index"].nunique())
    summary = summarise(population, random_subset=networks, embedded=True, top_share=1.0)
    return dataclasses.replace(found, summary=summary)


def test_a_study_of_a_space_is_no_walk(population):
    assert walked(make_study(population)) is None


def test_one_network_that_is_none_of_the_walk_makes_it_none():
    population = as_printed()
    network = {**population["architecture"].iloc[0], "grn": True}
    population.at[0, "architecture"] = network
    assert walked(study_of(population)) is None


def test_the_papers_networks_are_told_with_its_numbers_beside():
    found = walked(study_of(as_printed(noise=0.0)))
    assert found is not None
    assert found.at_own_widths
    rows = found.path()
    assert rows["number"].tolist() == [*range(1, 17)]
    assert rows["is_side"].sum() == 2
    assert rows["n"].eq(2).all()
    assert (rows["error"] - rows["printed_error"]).to_numpy() == pytest.approx(0.3)
    by_number = {step.number: step for step in FROM_RESNET50}
    last = rows.iloc[-1]
    assert last["printed_gflops"] == by_number[16].printed_gflops
    assert last["flops"] == 4_455_531_264
    assert np.isnan(last["lower"])  # seeds are equal, so that their noise is not known


def test_seed_noise_makes_intervals_that_hold_the_means():
    rows = walked(study_of(as_printed())).path()
    assert (rows["lower"] < rows["error"]).all()
    assert (rows["upper"] - rows["error"]).to_numpy() == pytest.approx(
        (rows["error"] - rows["lower"]).to_numpy()
    )


def test_at_other_widths_only_steps_that_vary_are_of_the_walk():
    found = walked(study_of(every_set()))
    assert found is not None
    assert not found.at_own_widths
    assert found.steps == FEW
    rows = found.path()
    assert rows["number"].tolist() == [1, 2, 4, 9, 15]
    assert rows["error"].tolist() == pytest.approx([0.5, 0.49, 0.51, 0.48, 0.48])


def test_steps_that_add_up_have_their_gains_as_shapley_values():
    steps = conclude(walked(study_of(every_set())).game).steps
    assert [step.shapley.value for step in steps] == pytest.approx([-0.01, 0.02, -0.03, 0.0])


def test_where_only_some_networks_have_a_second_seed_the_first_alone_counts():
    population = every_set()
    only_best = population[(population["replicate"] == 0) | (population["index"] < 3)]
    rows = walked(study_of(only_best)).path()
    assert rows["n"].eq(1).all()


def test_a_training_that_ended_badly_counts_as_guessing():
    population = every_set()
    bad = population["index"] == 0
    population.loc[bad, ["state", "error"]] = ["diverged", np.nan]
    first = walked(study_of(population)).path().iloc[0]
    assert first["error"] == pytest.approx(0.95)
