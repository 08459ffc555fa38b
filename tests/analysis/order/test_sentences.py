from __future__ import annotations

import numpy as np

from dse.analysis.order.game import game_of
from dse.analysis.order.interactions import interactions
from dse.analysis.order.sentences import (
    basis_sentences,
    interaction_sentences,
    path_sentence,
    share_sentence,
    step_sentence,
)
from dse.analysis.order.shapley import contributions, order_share
from dse.analysis.order.walk import Walk, draw_orders

WALK = Walk(steps=("norm", "stem", "kernel"), needs={"kernel": frozenset({"stem"})})


def measured(noise: float, seeds: int = 2):
    sets = np.repeat(np.flatnonzero(WALK.valid), seeds)
    bits = sets[:, None] >> np.arange(3) & 1
    errors = 0.5 - bits @ np.array([0.1, 0.0, -0.05]) - 0.08 * bits[:, 0] * bits[:, 1]
    return game_of(WALK, sets, errors + np.random.default_rng(1).normal(0, noise, len(sets)))


def test_what_a_step_does_is_said_with_sign_interval_and_orders():
    steps = contributions(measured(0.0005))
    assert step_sentence(steps[0]).startswith("norm lowers the error: -1")
    assert "over 3 orders" in step_sentence(steps[0])
    assert step_sentence(steps[2]).startswith("kernel raises the error: +")
    unsure = contributions(measured(0.2))
    assert step_sentence(unsure[2]).startswith("It is not shown that kernel changes the error")


def test_the_path_is_beside_it_and_says_its_seeds():
    said = path_sentence(contributions(measured(0.0005))[1])
    assert said.startswith("stem: on the paper's path -7.97 points")
    assert "n = 2 seeds" in said
    assert "as the last of all" not in said  # kernel needs it


def test_what_all_rests_on_is_said():
    found = measured(0.001)
    said = " ".join(basis_sentences(found, contributions(found)))
    assert "(kernel after stem): 50 % of all orders" in said
    assert "5 degrees of freedom" not in said
    assert "6 degrees of freedom" in said
    assert "Together the steps change the error by -12.9" in said or "by -13.0" in said
    assert "of one step each" in said
    alone = measured(0.001, seeds=1)
    assert "seed noise is not known" in " ".join(basis_sentences(alone, contributions(alone)))


def test_without_seed_noise_a_step_is_said_to_change_these_trainings_alone():
    orders = draw_orders(WALK, 40)
    steps = contributions(measured(0.0005, seeds=1), orders)
    assert step_sentence(steps[0]).startswith("norm lowers the error of these trainings: -1")


def test_interacting_pairs_are_named_or_it_is_said_that_none_is_shown():
    said = interaction_sentences(interactions(measured(0.0005)))
    assert said[0].startswith("norm and stem help each other: together -7.98 points")
    assert interaction_sentences(interactions(measured(0.5))) == [
        "It is not shown that any of 2 pairs of steps interact."
    ]


def test_the_share_of_the_order_is_said_with_its_interval():
    found = measured(0.0005)
    said = share_sentence(order_share(found, draw_orders(WALK, 60)))
    assert "% of the variance of single contributions is due to the order" in said
    assert "n = 30 draws of orders" in said
    assert share_sentence(None).startswith("It cannot be told")
