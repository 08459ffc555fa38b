from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from dse.dashboard.panels.base import Options
from dse.dashboard.panels.marginals import marginals, realised
from dse.dashboard.view import View
from dse.space import Budget, Sampler
from dse.space.describe.description import describe
from dse.study.slots import slot_columns
from tests.dashboard.conftest import make_study
from tests.dashboard.panels.test_factors import plots
from tests.population import make_population
from tests.spaces import CONVNEXT

N = 60


@pytest.fixture(scope="module")
def sampler():
    return Sampler(space=CONVNEXT, budget=Budget.parse("4.5GFLOPs"))


@pytest.fixture(scope="module")
def choices(sampler):
    batch = sampler.batch(np.arange(N))
    frame = pd.DataFrame(slot_columns(batch.drawer, batch.draft.draws), dtype=object)
    return frame.loc[:, frame.notna().any()]


@pytest.fixture(scope="module")
def study(sampler, choices):
    found = make_study(make_population(N))
    return dataclasses.replace(found, space=sampler.space, choices=choices)


def test_shares_are_those_that_the_description_of_the_space_has(sampler, choices):
    for row in describe(sampler.space, sampler, draws=N).parameters:
        if row["free"]:
            found = realised(sampler.space, row["slot"], choices[row["slot"]])
            assert found["n"] == row["n"]
            for mine, its in zip(found["cells"], row["cells"], strict=True):
                assert (mine["n"], mine["share"]) == (its["n"], its["share"])
                assert mine["prior"] == pytest.approx(its["prior"])


def test_null_counts_as_a_value_and_what_was_not_drawn_does_not(sampler):
    drawn = pd.Series([None, 1e-6, np.nan, None], dtype=object)
    found = realised(sampler.space, "ls_init_value", drawn)
    assert found["n"] == 3
    assert {cell["label"]: cell["n"] for cell in found["cells"]}["none"] == 2


def test_every_free_slot_has_a_panel_or_those_asked_for(study):
    every = plots(marginals(View(studies=(study,)), Options()).blocks)
    assert len(every) == study.choices.shape[1]
    asked = marginals(View(studies=(study,)), Options(columns=("arch.stem",)))
    assert [plot.name for plot in plots(asked.blocks)] == ["stem"]


def test_a_box_selects_values_of_columns_of_the_table(study):
    by_name = {p.name: p.figure for p in plots(marginals(View(studies=(study,)), Options()).blocks)}
    stem = by_name["stem"].layout.meta["brush"]["x"]
    assert stem["column"] == "arch.stem"
    assert set(stem["levels"]) == set(CONVNEXT.slots["stem"].values)
    assert by_name["dims.growth.1"].layout.meta is None


def test_without_the_space_or_the_draws_there_is_none(study):
    for missing in ("space", "choices"):
        lacking = dataclasses.replace(study, **{missing: None})
        assert marginals(View(studies=(lacking,)), Options()) is None
