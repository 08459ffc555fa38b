from __future__ import annotations

import json

import numpy as np
import pytest

from dse.analysis.order.conclusion import conclude
from dse.analysis.order.game import game_of
from dse.analysis.order.interactions import interactions
from dse.analysis.order.plan import plan
from dse.analysis.order.walk import Walk

WALK = Walk(steps=("norm", "stem", "kernel"))


def measured(sets, seeds: int = 2):
    numbers = np.repeat(sets, seeds)
    bits = numbers[:, None] >> np.arange(3) & 1
    errors = 0.5 - bits @ np.array([0.1, 0.02, 0.0]) - 0.08 * bits[:, 0] * bits[:, 1]
    return game_of(WALK, numbers, errors + np.random.default_rng(1).normal(0, 5e-4, len(errors)))


@pytest.mark.parametrize("all_orders", [True, False])
def test_all_is_said_of_all_orders_and_of_drawn_ones(all_orders):
    design = plan(WALK, 80, interactions=True)
    found = conclude(
        measured(design.sets), None if all_orders else design.orders, with_interactions=True
    )
    said = " ".join(found.sentences)
    assert "norm lowers the error: -14." in said
    assert "Together the steps change the error by -20.0" in said or "by -19.9" in said
    assert "norm and stem help each other" in said
    assert "due to the order of the steps" in said
    assert json.loads(json.dumps(found.to_dict()))["steps"][0]["step"] == "norm"


def test_pairs_hold_at_once_and_are_there_only_if_asked_for():
    game = measured(np.arange(8))
    assert conclude(game).pairs == ()
    asked = conclude(game, with_interactions=True).pairs
    assert asked == interactions(game, None, 1 - 0.05 / 3)


def test_the_same_data_say_the_same():
    assert conclude(measured(np.arange(8))) == conclude(measured(np.arange(8)))
