from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dse.analysis.fidelity import ceiling, fidelity, fresh_regret
from dse.analysis.fidelity_text import fidelity_rows, fidelity_sentences, table_row
from dse.analysis.reliability import reliability

INF = float("inf")


def population(*seeds: list[float | None], seconds: float = 10.0) -> pd.DataFrame:
    """One list of errors a seed; `inf` diverged, None is still waiting."""
    rows = [
        {
            "index": i,
            "replicate": replicate,
            "state": "waiting" if e is None else "complete" if np.isfinite(e) else "diverged",
            "error": e if e is not None and np.isfinite(e) else np.nan,
            "seconds": seconds,
            "test_images": 2000,
            "classes": 20,
        }
        for replicate, errors in enumerate(seeds)
        for i, e in enumerate(errors)
    ]
    return pd.DataFrame(rows)


ERRORS = [0.1 + 0.05 * k for k in range(12)]
NOISY = [e + 0.01 * (-1) ** k for k, e in enumerate(ERRORS)]


def test_a_proxy_agrees_with_itself():
    found = fidelity(population(ERRORS), population(ERRORS, seconds=30.0), draws=200)
    assert found.networks == 12
    assert found.tau.value == pytest.approx(1)
    assert found.rho.value == pytest.approx(1)
    assert [top.shared for top in found.tops] == [1, 3, 5, 10]
    assert all(top.regret.value == 0 for top in found.tops)
    assert all(top.regret.upper == INF for top in found.tops)  # nothing bounds it
    assert found.choice == found.best == 0
    told = " ".join(fidelity_sentences(found))
    assert "3 times as long" in told
    assert "Both proxies choose network 0" in told


def test_bad_ends_are_tied_for_the_worst_and_unended_ones_are_left_out():
    cheap = population([0.1, 0.2, INF, 0.4, 0.5, 0.6, None])
    dear = population([0.1, INF, INF, 0.3, 0.2, 0.6, 0.1])
    found = fidelity(cheap, dear, draws=200)
    assert found.indices == (0, 1, 2, 3, 4, 5)
    assert found.left_out == 1
    assert found.dear.tolist() == [0.1, INF, INF, 0.3, 0.2, 0.6]
    assert [top.k for top in found.tops] == [1, 3]
    told = fidelity_sentences(found)[0]
    assert "6 networks were trained under both" in told
    assert "1 more under one of them only, or not yet" in told
    assert "1 ended badly under the cheap proxy and 2 under the dear" in told


def test_a_choice_that_ends_badly_under_the_dear_proxy_has_infinite_regret():
    cheap = population([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    dear = population([INF, 0.2, 0.3, 0.4, 0.5, 0.6])
    found = fidelity(cheap, dear, draws=200)
    assert found.tops[0].regret.value == INF
    row = next(row for row in fidelity_rows(found) if row["what"] == "regret")
    assert row["value"] == "inf"
    assert "an infinite amount" in row["says"]
    assert table_row(row)["value"] == "an infinite amount"


def test_regret_is_what_the_choice_costs_and_fresh_seeds_measure_it_again():
    cheap = population([0.3, 0.1, 0.2, 0.4, 0.5, 0.6])
    first, second = [0.10, 0.14, 0.2, 0.4, 0.5, 0.6], [0.13, 0.12, 0.21, 0.41, 0.52, 0.6]
    found = fidelity(cheap, population(first, second), random_subsets=(0, 6), draws=200)
    assert (found.choice, found.best) == (1, 0)
    assert found.tops[0].regret.value == pytest.approx(0.04)
    assert found.tops[1].regret.value == 0
    assert found.fresh.value == pytest.approx(-0.01)
    assert found.fresh.lower < found.fresh.value < found.fresh.upper
    assert "network 1 (the cheap choice) is worse than network 0" in " ".join(
        fidelity_sentences(found)
    )


def test_no_second_seed_is_said():
    found = fidelity(population(ERRORS), population(ERRORS[::-1]), draws=200)
    assert found.fresh is None
    assert found.ceiling_tau is None
    told = " ".join(fidelity_sentences(found))
    assert "cannot be measured again" in told
    assert "there are none" in told


def test_regret_by_first_seeds_is_too_high_and_by_fresh_seeds_too_low():
    rng, first, fresh, truth = np.random.default_rng(0), [], [], []
    for _ in range(400):
        true = rng.normal(0.5, 0.05, 12)
        cheap, one, two = (true + rng.normal(0, 0.04, 12) for _ in range(3))
        dear = population(list(one), list(two))
        noise = reliability(dear, 12)
        choice, best = int(np.argmin(cheap)), int(np.argmin(one))
        again = fresh_regret(dear, choice, best, noise)
        first.append(one[choice] - one.min())
        fresh.append(again.value if again else 0.0)
        truth.append(true[choice] - true.min())
    assert np.mean(fresh) < np.mean(truth) < np.mean(first)


def test_the_ceiling_is_what_a_noiseless_proxy_reaches():
    rng = np.random.default_rng(2)
    true = rng.normal(0.5, 0.05, 1500)
    seeds = [list(true + rng.normal(0, 0.03, 1500)) for _ in range(2)]
    dear = population(*seeds)
    found = fidelity(population(list(true)), dear, random_subsets=(0, 1500), draws=2)
    assert found.ceiling_tau.value == pytest.approx(found.tau.value, abs=0.03)
    assert found.ceiling_rho.value == pytest.approx(found.rho.value, abs=0.03)
    assert found.ceiling_tau.lower < found.ceiling_tau.value < found.ceiling_tau.upper


def test_a_negative_icc_leaves_a_ceiling_of_zero():
    noise = reliability(population([0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1]), 4)
    assert noise.icc.value < 0
    assert ceiling(noise, lambda r: r).value == 0


def test_rows_have_the_same_keys_and_one_sentence_each():
    found = fidelity(
        population(ERRORS, NOISY), population(NOISY, ERRORS), random_subsets=(12, 12), draws=200
    )
    rows = fidelity_rows(found)
    assert len({tuple(row) for row in rows}) == 1
    for row in rows:
        assert row["says"].endswith(".")
        assert row["says"].count(". ") == 0
        assert row["n"] >= 2
        assert set(table_row(row)) == {"number", "value", "interval", "chance", "n"}


@pytest.mark.parametrize("networks", [0, 1, 3])
def test_too_few_networks_are_said_and_not_computed(networks):
    rows = population(ERRORS)
    few = rows[rows["index"] < networks]
    found = fidelity(few, few, draws=50)
    assert found.tau is None
    assert "cannot be told" in " ".join(fidelity_sentences(found))


def test_where_all_ended_badly_nothing_is_claimed():
    found = fidelity(population([INF] * 6), population([INF] * 6), draws=50)
    assert (found.tau, found.tops, found.choice, found.best) == (None, (), None, None)
    assert fidelity_sentences(found)
