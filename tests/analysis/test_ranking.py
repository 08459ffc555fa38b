from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dse.analysis.estimate import Estimate
from dse.analysis.population import chosen
from dse.analysis.ranking import rank, ranking_note

NOISE = Estimate(value=0.01, lower=0.008, upper=0.012, n=10)


def population(first: list[float], fresh: dict[int, float]) -> pd.DataFrame:
    trials = [(i, 0, e) for i, e in enumerate(first)] + [(i, 1, e) for i, e in fresh.items()]
    frame = pd.DataFrame(trials, columns=["index", "replicate", "error"])
    frame["state"] = np.where(frame["error"].notna(), "complete", "diverged")
    for cost in ("flops", "params", "activations"):
        frame[cost] = 1
    frame["architecture"] = [{} for _ in frame.index]
    return frame


def test_finalists_are_ranked_by_the_mean_of_their_seeds_and_come_first():
    frame = population(
        [0.30, 0.32, 0.34, 0.50, 0.60, 0.61, 0.62, 0.63], {0: 0.40, 1: 0.30, 3: 0.30}
    )
    found = rank(frame, finalists=2, seed_std=NOISE)
    assert [entry.index for entry in found[:4]] == [1, 0, 2, 3]
    assert [entry.finalist for entry in found[:4]] == [True, True, False, False]
    assert found[0].mean_error == pytest.approx(0.31)
    assert [entry.rank for entry in found] == list(range(1, 9))


def test_a_random_network_with_two_seeds_and_a_better_mean_stands_among_the_finalists():
    frame = population([0.30, 0.32, 0.33, 0.50, 0.60], {0: 0.40, 1: 0.30, 3: 0.18, 4: 0.60})
    found = rank(frame, finalists=2, seed_std=NOISE)
    assert [entry.index for entry in found] == [1, 3, 0, 2, 4]
    assert [entry.finalist for entry in found] == [True, False, True, False, False]


def test_where_everyone_is_trained_again_nobody_was_chosen():
    frame = population([0.30, 0.32, 0.50], {0: 0.40, 1: 0.30, 2: 0.20})
    found = rank(frame, finalists=3, seed_std=NOISE)
    assert [entry.index for entry in found] == [1, 0, 2]
    assert not any(entry.finalist for entry in found)


def test_a_share_is_rounded_up_but_not_by_its_binary_fraction():
    assert [chosen(0.07, 100), chosen(0.25, 24), chosen(0.25, 25), chosen(0, 9)] == [7, 6, 7, 0]


def test_the_note_on_the_order_says_only_what_was_done():
    assert "fresh" not in ranking_note(0)
    assert "finalists" in ranking_note(0.25)
    assert "finalists" not in ranking_note(1)


def test_a_bad_end_with_any_seed_comes_last():
    frame = population([0.3, np.nan, 0.5, 0.6], {0: np.nan})
    found = rank(frame, finalists=2, seed_std=NOISE)
    assert [entry.index for entry in found] == [2, 3, 0, 1]
    assert found[2].mean_error == np.inf
    assert [entry.ended_well for entry in found] == [True, True, False, False]


def test_without_known_noise_there_is_no_interval():
    (entry,) = rank(population([0.3], {0: 0.32}), finalists=1, seed_std=None)
    assert (entry.fresh_error, entry.fresh_interval) == (0.32, None)


def simulate(signal: float, repeats: int) -> pd.DataFrame:
    """Rank simulated studies of 24 networks; a row a finalist, in units of the seed noise."""
    rng, noise, rows = np.random.default_rng(0), 0.02, []
    for _ in range(repeats):
        truth = rng.normal(0.5, signal * noise, 24)
        first, fresh = (truth + noise * rng.standard_normal(24) for _ in range(2))
        measured = Estimate(value=noise * np.sqrt(rng.chisquare(6) / 6), lower=0, upper=1, n=6)
        again = {int(i): float(fresh[i]) for i in np.argsort(first)[:6]}
        found = rank(population(list(first), again), finalists=6, seed_std=measured)
        for entry in found[:6]:
            interval, true = entry.fresh_interval, truth[entry.index]
            assert entry.finalist
            rows.append(
                {
                    "rank": entry.rank,
                    "first_bias": (entry.first_error - true) / noise,
                    "fresh_bias": (entry.fresh_error - true) / noise,
                    "covered": interval.lower <= true <= interval.upper,
                    "regret": (true - truth.min()) / noise,
                    "regret_by_first": (truth[first.argmin()] - truth.min()) / noise,
                }
            )
    return pd.DataFrame(rows)


def test_fresh_errors_of_finalists_are_unbiased_and_first_ones_are_lucky():
    found = simulate(1.0, 300)
    assert found["first_bias"].mean() < -0.5
    assert abs(found["fresh_bias"].mean()) < 0.1
    assert 0.93 <= found["covered"].mean() <= 0.97


def test_the_first_ranks_fresh_error_is_too_good_by_as_much_as_the_method_says():
    winners = simulate(3.0, 600).query("rank == 1")  # ICC 0.9
    assert winners["fresh_bias"].mean() == pytest.approx(-0.3, abs=0.1)
    assert 0.90 <= winners["covered"].mean() <= 0.97


def test_the_mean_picks_a_better_network_than_the_first_seed_alone():
    winners = simulate(3.0, 300).query("rank == 1")
    assert winners["regret"].mean() < 0.75 * winners["regret_by_first"].mean()
