from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dse.analysis.reliability import (
    icc,
    reliability,
    reliability_sentence,
    seed_std,
    seed_table,
)

# Shrout & Fleiss (1979), table 2: six targets, four judges.
SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]],
    dtype=float,
)


def rows(*trials: tuple[int, int, str, float]) -> pd.DataFrame:
    frame = pd.DataFrame(trials, columns=["index", "replicate", "state", "error"])
    return frame.assign(test_images=2000, classes=20)


def pairs(errors: np.ndarray) -> pd.DataFrame:
    return rows(
        *((i, r, "complete", float(e)) for i, pair in enumerate(errors) for r, e in enumerate(pair))
    )


def test_icc_of_the_published_example():
    found = icc(SHROUT_FLEISS)
    assert found is not None
    assert found.value == pytest.approx(0.1657, abs=1e-4)
    assert found.lower == pytest.approx(-0.133, abs=1e-3)
    assert found.upper == pytest.approx(0.723, abs=1e-3)
    assert found.n == 6


@pytest.mark.parametrize("scores", [np.full((4, 2), 0.53), [[0.1, 0.1], [0.2, 0.2], [0.4, 0.4]]])
def test_no_noise_seen_is_no_noise_known(scores):
    assert icc(np.asarray(scores)) is None
    assert seed_std(np.asarray(scores)) is None
    found = reliability(pairs(np.asarray(scores)), 4)
    assert "the same error with every seed" in reliability_sentence(found)


def test_icc_and_noise_intervals_cover_the_truth_as_often_as_they_say():
    rng, n, repeats = np.random.default_rng(0), 12, 2000
    covered, noise_covered = 0, 0
    for _ in range(repeats):
        networks = rng.normal(0.5, 0.08, (n, 1))
        scores = networks + rng.normal(0, 0.04, (n, 2))
        found, noise = icc(scores), seed_std(scores)
        assert found is not None
        covered += found.lower <= 0.8 <= found.upper
        noise_covered += noise.lower <= 0.04 <= noise.upper
    assert 0.935 <= covered / repeats <= 0.965
    assert 0.935 <= noise_covered / repeats <= 0.965


def test_only_the_random_subset_is_used():
    errors = np.array([[0.1, 0.12], [0.5, 0.45], [0.3, 0.33], [0.9, 0.1], [0.1, 0.9]])
    assert reliability(pairs(errors), 3) == reliability(pairs(errors[:3]), 3)
    assert reliability(pairs(errors), 3).networks == 3


def test_a_chosen_top_quarter_would_bias_the_icc():
    rng = np.random.default_rng(3)
    scores = rng.normal(0, 0.08, (4000, 1)) + rng.normal(0, 0.04, (4000, 2))
    top = scores[np.argsort(scores[:, 0])[:1000]]
    everyone, chosen = icc(scores), icc(top)
    assert everyone is not None
    assert chosen is not None
    assert everyone.value == pytest.approx(0.8, abs=0.02)
    assert chosen.upper < 0.6


def test_only_networks_before_the_first_that_still_waits_are_used():
    population = rows(
        (0, 0, "complete", 0.5),
        (0, 1, "complete", 0.6),
        (1, 0, "complete", 0.4),
        (1, 1, "diverged", np.nan),
        (2, 0, "complete", 0.5),
        (2, 1, "running", np.nan),
        (3, 0, "complete", 0.1),  # a finalist of an earlier stage
        (3, 1, "complete", 0.2),
    )
    table = seed_table(population, 10)
    assert table[0].tolist() == [0.5, 0.6]
    assert np.isnan(table[1]).tolist() == [False, True]
    assert table.shape == (2, 2)
    found = reliability(population, 10)
    assert (found.networks, found.incomplete, found.icc, found.seed_std) == (1, 1, None, None)


def test_networks_that_guess_are_in_the_icc_and_not_in_the_seed_noise():
    able = np.array([[0.50, 0.54], [0.60, 0.58], [0.40, 0.43], [0.55, 0.50]])
    luck = np.array([[0.95, 0.95], [0.951, 0.949]])
    turned = np.array([[0.95, 0.60]])  # at chance with one seed only: that is noise
    found = reliability(pairs(np.concatenate([able, luck, turned])), 7)
    assert (found.networks, found.at_chance) == (7, 2)
    assert found.icc == icc(np.concatenate([able, luck, turned]))
    assert found.seed_std == seed_std(np.concatenate([able, turned]))
    sentence = reliability_sentence(found)
    assert "7 randomly chosen networks with 2 seeds each, 2 of them at chance" in sentence
    assert "seed standard deviation of the 5 networks above chance" in sentence


def test_the_noise_of_too_few_networks_above_chance_is_said_to_be_unknown():
    found = reliability(pairs(np.array([[0.5, 0.54], [0.95, 0.951], [0.949, 0.95]])), 3)
    assert found.icc is not None
    assert found.seed_std is None
    assert "not known, too few of these are above chance" in reliability_sentence(found)


@pytest.mark.parametrize("random_subset", [0, 1, 2])
def test_too_few_networks_are_said_and_not_computed(random_subset):
    found = reliability(pairs(np.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]])), random_subset)
    assert found.icc is None
    assert f"only {random_subset} randomly chosen" in reliability_sentence(found)


@pytest.mark.parametrize(
    ("spread", "says"),
    [
        (0.5, "are signal, not the luck"),
        (0.004, "not shown that the networks differ"),
    ],
)
def test_sentence_judges_by_the_interval(spread, says):
    rng = np.random.default_rng(1)
    scores = spread * rng.random((12, 1)) + rng.normal(0, 0.01, (12, 2))
    sentence = reliability_sentence(reliability(pairs(scores), 12))
    assert says in sentence
    assert "12 randomly chosen networks" in sentence
