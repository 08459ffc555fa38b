"""The order of steps: 16 steps, whose 65,536 sets share the trials."""

from __future__ import annotations

import numpy as np

from dse.analysis.order.game import Game, game_of
from dse.analysis.order.interactions import interactions
from dse.analysis.order.shapley import contributions, order_share
from dse.analysis.order.walk import Walk, draw_orders
from speed_cases.trials import Speed, Trials


def measured(trials: Trials) -> Game:
    """The first seeds of the trials as networks of a walk, each set trained once at least."""
    walk = Walk(steps=tuple(f"step {step}" for step in range(16)))
    return game_of(walk, np.arange(len(trials.errors)) % (walk.full + 1), trials.errors)


def counted(trials: Trials) -> object:
    """Every step's contribution over all orders."""
    return contributions(measured(trials))


def drawn(trials: Trials) -> object:
    """The same over 5,000 drawn orders, which pass 80,000 sets, and the share of the order."""
    game = measured(trials)
    orders = draw_orders(game.walk, 5000)
    return contributions(game, orders), order_share(game, orders)


def interacting(trials: Trials) -> object:
    """All 120 pairs, over 5,000 drawn orders."""
    game = measured(trials)
    return interactions(game, draw_orders(game.walk, 5000))


CASES = (
    Speed(name="Shapley values over all orders", run=counted),
    Speed(name="Shapley values over drawn orders", run=drawn),
    Speed(name="Shapley interactions over drawn orders", run=interacting),
)
