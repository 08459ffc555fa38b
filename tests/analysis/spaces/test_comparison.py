from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from dse.analysis.distributions import quantile
from dse.analysis.population import capped, first_seeds, outcomes
from dse.analysis.spaces.comparison import Compared, Side, compare
from dse.analysis.spaces.sentences import (
    bad_sentences,
    conclusion,
    json_rows,
    pair_rows,
    space_rows,
)
from dse.analysis.spaces.tests import permutation_tests
from tests.population import RANDOM_SUBSET, make_population


def side(name: str, shift: float = 0.0, *, paper: bool = False, **options: object) -> Side:
    population = make_population(**{"networks": 60} | options)  # type: ignore[arg-type]
    population["error"] += shift
    drawn = make_population(400, seed=77) if paper else None
    return Side(name=name, population=population, random_subset=RANDOM_SUBSET, paper=drawn)


@pytest.fixture(scope="module")
def found() -> Compared:
    return compare([side("good"), side("same", seed=1), side("bad", 0.15, seed=2, diverged=())])


def test_every_pair_is_compared_or_the_first_with_each(found: Compared) -> None:
    assert [(p.a, p.b) for p in found.pairs] == [("good", "same"), ("good", "bad"), ("same", "bad")]
    first = compare([side("a"), side("b", seed=1), side("c", seed=2)], baseline=True)
    assert [(p.a, p.b) for p in first.pairs] == [("a", "b"), ("a", "c")]


def test_numbers_are_those_of_first_trainings_with_bad_ends_worst_or_guessing(
    found: Compared,
) -> None:
    a, b = (first_seeds(make_population(60, seed=seed)) for seed in (0, 1))
    pair, row = found.pairs[0], found.spaces[0]
    assert (row.n, row.bad, pair.n, pair.bad) == (60, 2, (60, 60), (2, 2))
    assert row.median == quantile(outcomes(a), 0.5)
    ks, _ = permutation_tests(outcomes(a), outcomes(b))
    assert pair.ks == ks
    typical = (
        np.log(capped(outcomes(a), a["classes"])).mean()
        - np.log(capped(outcomes(b), b["classes"])).mean()
    )
    assert pair.typical.value == pytest.approx(np.exp(typical))
    assert pair.mean.value == pytest.approx(
        capped(outcomes(a), a["classes"]).mean() - capped(outcomes(b), b["classes"]).mean()
    )


def test_p_values_are_corrected_for_all_pairs(found: Compared) -> None:
    alone = [compare([side("good"), side("same", seed=1)]).pairs[0].p_ad]
    alone += [compare([s, side("bad", 0.15, seed=2, diverged=())]).pairs[0].p_ad
              for s in (side("good"), side("same", seed=1))]  # fmt: skip
    assert found.pairs[0].p_ad == pytest.approx(min(1.0, alone[0]))
    assert found.pairs[1].p_ad == pytest.approx(3 * alone[1])


def test_the_rows_order_does_not_matter(found: Compared) -> None:
    mixed = [
        dataclasses.replace(s, population=s.population.sample(frac=1, random_state=3))
        for s in (side("good"), side("same", seed=1))
    ]
    there, here = compare(mixed), compare([side("good"), side("same", seed=1)])
    assert json_rows(there) == json_rows(here)


def test_a_conclusion_says_which_is_better_or_that_it_is_not_shown(found: Compared) -> None:
    same, worse, _ = (conclusion(pair, 3, 0.95) for pair in found.pairs)
    assert same.startswith("It is not shown that good or same is better (good: typical error ")
    assert "corrected for 3 comparisons" in same
    assert "networks of each would tell with 80 % power" in same
    assert worse.startswith("good is better than bad (good: typical error 0.")
    assert "; good has more networks below every error from " in worse
    assert worse.endswith("and bad is shown to have more below none.")
    reverse = compare([side("bad", 0.15, seed=2), side("good")])
    assert conclusion(reverse.pairs[0], 1, 0.95).startswith("good is better than bad (bad: typical")
    assert bad_sentences(found) == [
        "2 of 60 networks of good and 2 of 60 networks of same ended badly: they count as guessing "
        "in typical errors, and as worse than every error elsewhere."
    ]


def test_spaces_on_paper_are_adjusted_by_what_their_costs_and_choices_say() -> None:
    plain, on_paper = (
        compare([side("a", **options), side("b", 0.02, seed=1, **options)]).pairs[0]
        for options in (
            {"networks": 150, "diverged": (), "paper": paper} for paper in (False, True)
        )
    )
    assert plain.adjusted is None
    assert plain.gain is None
    assert on_paper.adjusted is not None
    assert on_paper.gain is not None
    assert on_paper.gain > 1.1
    width = on_paper.adjusted.upper - on_paper.adjusted.lower
    assert width < on_paper.typical.upper - on_paper.typical.lower
    assert on_paper.to_tell_adjusted is not None
    assert ", adjusted, n = 150 and 150" in conclusion(on_paper, 1, 0.95)
    one = compare([side("a", paper=True), side("b", seed=1)]).pairs[0]
    assert one.adjusted is None


def test_errors_of_none_are_taken_for_half_an_image() -> None:
    perfect = side("perfect")
    perfect.population["error"] = 0.0
    found = compare([perfect, side("good")])
    assert 0 < found.pairs[0].typical.value < 0.01


def test_rows_are_plain_json_and_people_see_letters(found: Compared) -> None:
    rows = [json.loads(json.dumps(row)) for row in json_rows(found)]
    assert [row["what"] for row in rows] == ["space"] * 3 + ["pair"] * 3
    assert rows[4]["better_below"][0][0] < rows[4]["better_below"][0][1]
    assert rows[3]["typical"]["n"] == 120
    assert [row[""] for row in space_rows(found)] == ["A", "B", "C"]
    table = pd.DataFrame(pair_rows(found))
    assert list(table[""]) == ["A / B", "A / C", "B / C"]
    assert (table["adjusted"] == "not on paper").all()
