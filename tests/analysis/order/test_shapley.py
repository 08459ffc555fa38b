from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.analysis.order.game import game, game_of
from dse.analysis.order.plan import plan
from dse.analysis.order.shapley import contributions, order_gains, order_share, step_weights
from dse.analysis.order.walk import Walk, all_orders, draw_orders

FREE = Walk(steps=tuple("abcd"))
CHAIN = Walk(steps=tuple("abcde"), needs={"c": frozenset("a"), "e": frozenset("c")})


def full_game(walk: Walk, values: np.ndarray):
    sets = np.flatnonzero(walk.valid)
    return game_of(walk, sets, values[sets])


@given(st.integers(0, 10**6), st.sampled_from([FREE, CHAIN]))
def test_exact_values_are_the_mean_over_all_orders_and_sum_to_the_whole(seed, walk):
    values = np.random.default_rng(seed).random(walk.full + 1)
    found = contributions(full_game(walk, values))
    gains = order_gains(full_game(walk, values), all_orders(walk)[:, None, :])
    assert [step.shapley.value for step in found] == pytest.approx(gains.mean(axis=(0, 1)))
    assert [step.order_std for step in found] == pytest.approx(gains.std(axis=(0, 1)))
    assert sum(s.shapley.value for s in found) == pytest.approx(values[walk.full] - values[0])


@given(st.integers(0, 10**6), st.integers(1, 12))
def test_drawn_orders_sum_to_the_whole_too(seed, n):
    values = np.random.default_rng(seed).random(32)
    found = contributions(full_game(CHAIN, values), draw_orders(CHAIN, n, seed=seed))
    assert sum(s.shapley.value for s in found) == pytest.approx(values[31] - values[0])


def test_the_glove_game_has_its_known_values():
    # a owns a left glove, b and c a right one each; a pair is worth 1 (here: error -1)
    walk = Walk(steps=tuple("abc"))
    values = np.array([-float(s & 1 and s & 6 > 0) for s in range(8)])
    found = contributions(full_game(walk, values))
    assert [step.shapley.value for step in found] == pytest.approx([-2 / 3, -1 / 6, -1 / 6])


def test_a_dummy_adds_nothing_and_equal_steps_the_same():
    sizes = np.array([bin(s & 0b0111).count("1") ** 2 for s in range(16)], dtype=float)
    found = contributions(full_game(FREE, sizes))
    assert [step.shapley.value for step in found] == pytest.approx([3, 3, 3, 0])
    assert found[3].order_std == 0


@pytest.mark.parametrize("drawn", [0, 4])
def test_the_spread_over_orders_is_freed_of_noise_and_of_no_more(drawn):
    walk = Walk(steps=("a", "b"))
    sets, rng = np.repeat(np.arange(4), 2), np.random.default_rng(0)
    values = np.array([0.0, 0.0, 0.0, 6.0])  # a step gains 0 or 6, by the order: variance 9
    found = []
    for _ in range(2000):
        measured = game_of(walk, sets, values[sets] + rng.standard_normal(8))
        orders = None
        if drawn:
            orders = np.array([[0, 1], [1, 0]])[rng.integers(2, size=(drawn, 1))]
        found.append(contributions(measured, orders)[0].order_std ** 2)
    assert np.mean(found) == pytest.approx(9, abs=0.2)


def test_one_antithetic_pair_is_exact_where_steps_only_interact_in_pairs():
    rng = np.random.default_rng(0)
    bits = np.arange(16)[:, None] >> np.arange(4) & 1
    values = bits @ rng.random(4) + np.einsum("si,ij,sj->s", bits, rng.random((4, 4)), bits)
    whole = full_game(FREE, values)
    exact = [step.shapley.value for step in contributions(whole)]
    drawn = [step.shapley.value for step in contributions(whole, draw_orders(FREE, 2))]
    assert drawn == pytest.approx(exact)


def test_more_orders_come_closer_and_their_error_says_how_close():
    values = np.random.default_rng(0).random(256)
    walk = Walk(steps=tuple("abcdefgh"))
    whole = full_game(walk, values)
    exact = np.array([step.shapley.value for step in contributions(whole)])
    found = contributions(whole, draw_orders(walk, 4000))
    off = np.array([step.shapley.value for step in found]) - exact
    errors = np.array([step.order_error for step in found])
    assert (np.abs(off) < 4 * errors).all()
    assert (errors < 0.01).all()


def test_steps_of_the_path_removed_and_alone_are_plain_differences():
    values = np.random.default_rng(0).random(32)
    found = {step.step: step for step in contributions(full_game(CHAIN, values))}
    assert found["b"].path is not None
    assert found["b"].path.value == pytest.approx(values[3] - values[1])
    assert found["b"].removed is not None
    assert found["b"].removed.value == pytest.approx(values[31] - values[29])
    assert found["b"].alone is not None
    assert found["b"].alone.value == pytest.approx(values[2] - values[0])
    assert found["c"].alone is None  # needs a
    assert found["a"].removed is None  # c needs it
    assert found["b"].path.upper == np.inf  # one seed each


def test_without_a_second_seed_a_full_count_bounds_nothing():
    found = contributions(full_game(FREE, np.random.default_rng(0).random(16)))
    assert found[0].seed_error is None
    assert found[0].shapley.upper == np.inf


def test_seed_noise_of_all_orders_has_the_exact_variance():
    truth = np.random.default_rng(0).random(16)
    sets = np.repeat(np.arange(16), 2)
    rng = np.random.default_rng(1)
    values, errors = [], []
    for _ in range(1000):
        found = contributions(game_of(FREE, sets, truth[sets] + rng.normal(0, 0.1, 32)))[0]
        values.append(found.shapley.value)
        errors.append(found.seed_error)
    assert np.mean(np.square(errors)) == pytest.approx(np.var(values), rel=0.15)


def test_intervals_with_drawn_orders_and_seed_noise_cover_the_exact_value():
    truth = np.random.default_rng(0).random(16)
    exact = [step.shapley.value for step in contributions(full_game(FREE, truth))]
    rng = np.random.default_rng(1)
    held = []
    for seed in range(500):
        design = plan(FREE, 24, seed=seed)
        sets = np.repeat(design.sets, 2)
        noisy = game_of(FREE, sets, truth[sets] + rng.normal(0, 0.15, len(sets)))
        found = contributions(noisy, design.orders)
        held += [s.shapley.lower <= e <= s.shapley.upper for s, e in zip(found, exact, strict=True)]
    assert 0.93 < np.mean(held) < 0.97


def test_weights_of_a_step_sum_to_one():
    assert step_weights(CHAIN).sum(axis=1) == pytest.approx(np.ones(5))


def test_an_order_through_an_untrained_set_is_refused():
    few = game_of(FREE, np.array([0, 15]), np.array([0.5, 0.2]))
    with pytest.raises(AssertionError, match="not trained"):
        contributions(few, draw_orders(FREE, 2))


def test_a_table_of_trainings_becomes_a_game():
    table = pd.DataFrame(
        {
            "a": [False, True, False, True, True],
            "b": [False, False, True, True, True],
            "outcome": [0.5, 0.4, np.inf, 0.2, 0.3],
            "classes": 10,
        }
    )
    found = game(Walk(steps=("a", "b")), table)
    assert found.means == pytest.approx([0.5, 0.4, 0.9, 0.25])
    assert found.seeds.tolist() == [1, 1, 1, 2]
    assert (found.bad, found.degrees) == (1, 1)
    assert found.seed_variance == pytest.approx(0.005)


def test_the_order_has_no_share_where_steps_add_up_and_all_of_it_where_they_are_equal():
    bits = np.arange(16)[:, None] >> np.arange(4) & 1
    added = order_share(full_game(FREE, bits @ np.array([1.0, 2, 3, 4])), draw_orders(FREE, 60))
    assert added is not None
    assert added.upper == pytest.approx(0, abs=1e-9)
    symmetric = order_share(full_game(FREE, bits.sum(axis=1) ** 2.0), draw_orders(FREE, 2000))
    assert symmetric is not None
    assert symmetric.lower > 0.95


def test_seed_noise_is_no_share_of_the_order():
    bits = np.arange(16)[:, None] >> np.arange(4) & 1
    sets = np.repeat(np.arange(16), 40)
    noise = np.random.default_rng(0).normal(0, 1, len(sets))
    noisy = game_of(FREE, sets, (bits @ np.array([1.0, 2, 3, 4]))[sets] + noise)
    found = order_share(noisy, draw_orders(FREE, 400))
    assert found is not None
    assert found.value < 0.02
