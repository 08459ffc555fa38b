from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.dashboard.filters import Filter, Range, level
from dse.errors import UserError
from tests.population import make_population

VECTORS = json.loads((Path(__file__).parent / "filters.json").read_text(encoding="utf-8"))
CASES = {case["name"]: case for case in VECTORS["cases"]}
REFUSED = {case["name"]: case["text"] for case in VECTORS["refused"]}

TEXTS = st.text(st.characters(codec="utf-8"), max_size=6)
NUMBERS = st.floats(-1e300, 1e300)
RANGES = st.tuples(NUMBERS, NUMBERS).map(sorted) | st.tuples(NUMBERS, st.none())
LEVELS = st.lists(TEXTS, min_size=1, max_size=4, unique=True).map(tuple)
CONDITIONS = st.dictionaries(
    TEXTS.filter(bool),
    RANGES.map(lambda ends: Range(low=ends[0], high=ends[1])) | LEVELS,
    max_size=3,
)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return pd.DataFrame(VECTORS["table"])


def test_every_vector_has_a_name_of_its_own() -> None:
    assert len(CASES) == len(VECTORS["cases"])
    assert len(REFUSED) == len(VECTORS["refused"])


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_text_is_read_as_its_conditions_and_written_again(case: dict[str, Any]) -> None:
    found = Filter.parse(case["text"])
    assert found.to_plain() == case["conditions"]
    assert list(found.conditions) == list(case["conditions"])
    assert str(found) == case.get("written", case["text"])
    assert Filter.parse(str(found)) == found


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_conditions_keep_their_rows(case: dict[str, Any], table: pd.DataFrame) -> None:
    found = Filter.parse(case["text"])
    assert np.flatnonzero(found.mask(table)).tolist() == case["rows"]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_rows_do_not_depend_on_their_order_or_on_how_numbers_are_kept(
    case: dict[str, Any], table: pd.DataFrame
) -> None:
    objects = table.astype(object).where(table.notna(), None)[::-1]
    kept = objects["index"][Filter.parse(case["text"]).mask(objects)]
    assert sorted(kept) == case["rows"]


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_is_no_filter_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(UserError) as error:
        Filter.parse(text)
    assert str(error.value).endswith(".")


@given(CONDITIONS)
def test_every_filter_survives_being_written(conditions: dict[str, Any]) -> None:
    found = Filter(conditions=conditions)
    assert Filter.parse(str(found)) == found


@given(CONDITIONS)
def test_every_filter_survives_yaml(conditions: dict[str, Any]) -> None:
    found = Filter(conditions=conditions)
    assert Filter.from_plain(json.loads(json.dumps(found.to_plain()))) == found


@pytest.mark.parametrize(
    ("data", "condition"),
    [
        ([0.1, 0.25], Range(low=0.1, high=0.25)),
        ([None, 5], Range(low=None, high=5)),
        (["patch", "overlap"], ("patch", "overlap")),
        ("patch", ("patch",)),
        (7, ("7",)),
        ([3, 5, 7], ("3", "5", "7")),
        ([True], ("True",)),
        ([True, False], ("True", "False")),
        (None, ("none",)),
        ([None], ("none",)),
        ([1e-6, "x"], ("1e-06", "x")),
    ],
)
def test_yaml_says_ranges_and_levels(data: Any, condition: Any) -> None:
    assert Filter.from_plain({"c": data}).conditions == {"c": condition}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([0.3, 0.1], "from the lower end to the higher"),
        ([None, None], "a lower or an upper end"),
        ([], "lists no value"),
        ({"low": 1}, "give \\[LOW, HIGH\\]"),
        ([[1, 2]], "give \\[LOW, HIGH\\]"),
        ([0.1, math.inf], "finite numbers"),
        ([math.nan], "finite numbers"),
        (10**400, "finite numbers"),
    ],
)
def test_what_yaml_cannot_mean_is_refused_by_its_column(data: Any, said: str) -> None:
    with pytest.raises(UserError, match=f"^arch.stem: .*{said}"):
        Filter.from_plain({"arch.stem": data})


def test_only_what_is_known_before_training_keeps_a_sample_a_sample() -> None:
    on_paper = ("arch.stem=patch", "flops=1..2", "study=a&params=1..", "")
    assert all(Filter.parse(text).is_on_paper for text in on_paper)
    trained = ("error=..0.5", "index=3", "state=complete", "arch.stem=patch&seconds=1..")
    assert not any(Filter.parse(text).is_on_paper for text in trained)


def test_a_filter_is_said_in_shown_units_and_as_plain_text() -> None:
    text = "error=0.1..0.25&flops=4.5e9..&arch.stem=patch,a%3Cb%3E&arch.%3Ci%3E=..3&index=1,2"
    assert Filter.parse(text).words == (
        "Held-out error 10 to 25 %; FLOPs at least 4.5 GFLOPs; Stem patch or a<b>; <i> at most 3; "
        "Network 1 or 2"
    )


def test_trainings_that_have_not_ended_have_no_error() -> None:
    rows = make_population(4, diverged=(1,)).iloc[:4].copy()
    rows.loc[2, ["state", "error"]] = ["running", np.nan]
    assert Filter.parse("error=0..").mask(rows).tolist() == [True, True, False, True]
    assert Filter.parse("error=0..1").mask(rows).tolist() == [True, False, False, True]


def test_levels_of_numbers_have_six_digits_and_whole_ones_all() -> None:
    values = [None, math.nan, True, 1e-6, 1 / 3, 4.0, 4455531264, np.int64(7), np.float32(0.1), "x"]
    told = ["none", "none", "True", "1e-06", "0.333333", "4", "4455531264", "7", "0.1", "x"]
    assert [level(value) for value in values] == told
