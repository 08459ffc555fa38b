from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.dashboard.figures.points import drawn, drawn_words, equal_share


def networks(n: int, *, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    state = np.where(rng.random(n) < 0.1, "diverged", "complete")
    error = np.where(state == "complete", rng.random(n), np.nan)
    return pd.DataFrame({"index": np.arange(n), "state": state, "error": error})


def test_of_few_networks_all_are_drawn() -> None:
    assert drawn(networks(30), most=30).all()


@given(st.integers(31, 400), st.sets(st.integers(0, 30), max_size=10), st.integers(0, 5))
def test_at_most_so_many_with_the_best_the_worst_and_those_asked_for(
    n: int, always: set[int], seed: int
) -> None:
    rows = networks(n, seed=seed)
    chosen = drawn(rows, always=always, most=30)
    assert chosen.sum() == 30
    errors = rows["error"].to_numpy()
    assert chosen[[np.nanargmin(errors), np.nanargmax(errors), *always]].all()


def test_the_same_networks_in_any_order_of_the_rows() -> None:
    rows = networks(500)
    shuffled = rows.sample(frac=1, random_state=1)
    assert set(rows["index"][drawn(rows, most=50)]) == set(
        shuffled["index"][drawn(shuffled, most=50)]
    )


def test_a_network_that_was_left_out_stays_out_when_more_have_come() -> None:
    few, many = networks(300), networks(3000)
    kept_few, kept_many = drawn(few, most=100), drawn(many, most=100)
    ends = {int(i) for i in (many["error"].argmin(), many["error"].argmax())}
    assert not (set(np.flatnonzero(kept_many[:300])) - set(np.flatnonzero(kept_few))) - ends


@pytest.mark.parametrize("period", [2, 3, 5, 8, 9, 27])
def test_drawn_networks_are_even_by_index_and_over_all_places_of_a_list_of_combinations(
    period: int,
) -> None:
    chosen = np.flatnonzero(drawn(networks(6561), most=600))
    assert np.diff(chosen).max() < 3 * 6561 / 600
    counts = np.bincount(chosen % period, minlength=period)
    assert np.abs(counts - 600 / period).max() < 0.1 * 600 / period + 4


def test_without_any_error_and_of_nothing() -> None:
    rows = networks(100).assign(state="failed", error=np.nan)
    assert drawn(rows, most=10).sum() == 10
    assert drawn(rows.head(0)).tolist() == []


def test_words_only_where_networks_are_left_out() -> None:
    assert drawn_words(1200, 10_000) == "1,200 of 10,000 networks drawn; every number is of all."
    assert drawn_words(24, 24) == ""


@given(st.lists(st.integers(1, 900), min_size=1, max_size=6))
def test_several_studies_share_what_can_be_drawn(sizes: list[int]) -> None:
    share = equal_share(sizes, 600)
    shown = [min(size, share) for size in sizes]
    assert sum(shown) <= 600
    assert shown == sizes or sum(shown) > 600 - len(sizes)
