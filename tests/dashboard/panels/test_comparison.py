from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from dse.dashboard.panels.base import Options
from dse.dashboard.panels.comparison import ALL_PAIRS_OF, comparison
from dse.dashboard.view import View
from tests.dashboard.conftest import make_study
from tests.dashboard.panels.test_factors import plots
from tests.population import make_population


def study(name, seed, shift=0.0, n=40):
    population = make_population(n, seed=seed, study=name)
    population["error"] += shift
    return make_study(population)


@pytest.fixture(scope="module")
def two():
    return study("first", 0), study("second <b>", 1, shift=0.1)


def draw(*studies):
    return comparison(View(studies=studies), Options())


def test_it_says_which_is_better_and_where(two):
    said, spaces, pairs, heading, figures = draw(*two).blocks
    assert "first is better than second &lt;b&gt;" in said
    assert "ended badly" in said
    assert spaces.count("<tr>") == 3
    assert pairs.count("<tr>") == 2
    assert "second &lt;b&gt;" in heading
    assert [plot.name for plot in plots([figures])] == ["gap-1", "quantiles-1"]


def test_quantiles_are_the_quartiles_and_one_on_either_side(two):
    dots = plots(draw(*two).blocks)[1].figure.data[0]
    assert list(dots.x) == [10, 25, 50, 75, 90][: len(dots.x)]
    assert (np.asarray(dots.y) < 0).all()


def test_one_sample_is_compared_with_nothing(two):
    assert draw(two[0]) is None
    search = dataclasses.replace(two[1], kind="search", summary=None)
    assert draw(two[0], search) is None


def test_many_spaces_are_compared_with_the_first_alone():
    many = [study(f"space {k}", k, n=12) for k in range(ALL_PAIRS_OF + 1)]
    figures = plots(draw(*many).blocks)
    assert len(figures) == 2 * ALL_PAIRS_OF
    few = plots(draw(*many[:3]).blocks)
    assert len(few) == 2 * 3


def test_a_study_that_cannot_say_what_guessing_is_worth_is_left_out(two):
    population = two[1].population.assign(classes=0)
    assert draw(two[0], dataclasses.replace(two[1], population=population)) is None
