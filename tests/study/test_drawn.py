from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest

from dse.space import Budget, Sampler, load_space
from dse.space.sampling.sampler import VERSION
from dse.store.records import StudyRecord
from dse.study.drawn import drawn_choices
from dse.study.sampling import sampling
from dse.study.slots import slot_columns, slot_values
from tests.spaces import SPACES

BUDGET = Budget.parse("4.5GFLOPs")
NAMES = [path.stem for path in sorted(SPACES.glob("*.yaml"))]
N = 12


def sampler_of(name: str) -> Sampler:
    return Sampler(space=load_space(SPACES / f"{name}.yaml"), budget=BUDGET)


def survey(sampler: Sampler) -> tuple[StudyRecord, pd.DataFrame]:
    space = sampler.space
    study = StudyRecord(
        name="survey",
        space_name=space.name,
        space_hash=space.hash,
        space=space.definition(),
        budget=BUDGET.to_dict(),
        seed=0,
        proxy={},
        design={"sampling": sampling(sampler) | {"version": VERSION}},
        provenance={},
    )
    shapes = [sample.architecture.to_dict() for sample in sampler.samples(N)]
    rows = pd.DataFrame({"index": range(N), "replicate": 0, "architecture": shapes})
    return study, rows.sample(frac=1, random_state=0)


@pytest.mark.parametrize("name", NAMES)
def test_columns_hold_what_each_network_was_drawn_with(name: str) -> None:
    batch = sampler_of(name).batch(np.arange(N))
    columns = slot_columns(batch.drawer, batch.draft.draws)
    for row in range(N):
        one = slot_values(batch.drawer, batch.draft.draws, row)
        for slot, values in columns.items():
            if slot in one:
                assert values[row] == one[slot]
                assert type(values[row]) is type(one[slot])
            else:
                assert math.isnan(values[row])


def test_a_surveys_choices_have_a_row_a_network_by_its_number() -> None:
    sampler = sampler_of("convnext_space")
    choices = drawn_choices(*survey(sampler))
    assert choices is not None
    assert choices.index.tolist() == list(range(N))
    batch = sampler.batch(np.arange(N))
    expected = slot_values(batch.drawer, batch.draft.draws, 5)
    assert choices.loc[5].to_dict() == expected


def test_they_are_not_known_where_a_network_comes_out_otherwise() -> None:
    study, rows = survey(sampler_of("convnext_space"))
    rows.at[3, "architecture"] = {**rows.at[3, "architecture"], "grn": True}
    assert drawn_choices(study, rows) is None


def test_they_are_not_known_of_what_another_version_drew() -> None:
    study, rows = survey(sampler_of("convnext_space"))
    other = {"sampling": {**study.design["sampling"], "version": -1}}
    assert drawn_choices(dataclasses.replace(study, design=other), rows) is None


def test_no_networks_have_no_choices() -> None:
    study, rows = survey(sampler_of("convnext_space"))
    assert drawn_choices(study, rows.head(0)) is None
