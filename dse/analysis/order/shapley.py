"""What each step adds to the error, averaged over the possible orders (Shapley 1953)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from dse.analysis.estimate import Estimate, FloatArray
from dse.analysis.intervals import t_interval
from dse.analysis.order.game import Game
from dse.analysis.order.walk import IntArray, Walk, sets_along


@dataclass(frozen=True, kw_only=True)
class Contribution:
    """What one step does to the error [fraction]; negative is an improvement.

    `shapley` is the mean over orders, its n the number of drawn orders or, where every order was
    counted, of all; `order_error` and `seed_error` are the two parts of its standard error, the
    latter None where no network has two seeds, so that the interval lacks it. `path` is the step
    where the paper has it, `removed` the whole with it less the whole without it, `alone` the step
    on its own; these have intervals by seed noise alone, and are None where the network cannot
    exist or was not trained. `order_std` is the standard deviation over orders, seed noise
    subtracted: how much it matters when the step is taken.
    """

    step: str
    shapley: Estimate
    order_error: float
    seed_error: float | None
    order_std: float
    path: Estimate | None
    removed: Estimate | None
    alone: Estimate | None


def contributions(
    game: Game, orders: IntArray | None = None, confidence: float = 0.95
) -> tuple[Contribution, ...]:
    """The contribution of every step, in the order of the paper.

    phi_j is the mean over orders of v(S + j) - v(S), S the steps before j: over the drawn `orders`
    (units, copies, k) of `draw_orders` (Castro, Gomez & Tejada 2009), or without them over all
    possible ones, for which every possible set must have been trained. They sum to v(all) - v(none)
    either way. Given the measured values, the units are independent draws: Student's t over them.
    The noise of the values themselves is that of all orders with their exact weights, and is added
    (variances; degrees of freedom by Satterthwaite 1946).
    """
    weights = step_weights(game.walk)
    gains = None if orders is None else order_gains(game, orders)
    return tuple(
        _contribution(game, place, weights[place], gains, confidence)
        for place in range(len(game.walk.steps))
    )


def order_gains(game: Game, orders: IntArray) -> FloatArray:
    """v(S + j) - v(S) of each step in each order: (units, copies, k), columns by step."""
    values = game.means[sets_along(orders)]
    assert np.isfinite(values).all(), "an order passes a set that was not trained"
    gains = np.empty(orders.shape)
    np.put_along_axis(gains, orders, np.diff(values, axis=-1), axis=-1)
    return gains


def step_weights(walk: Walk) -> FloatArray:
    """The share of all possible orders in which step j follows the set S: (k, 2^k)."""
    before, after = walk.ways
    sets = np.arange(walk.full + 1)
    shares = np.zeros((len(walk.steps), len(sets)))
    for place in range(len(walk.steps)):
        bit = 1 << place
        free = (sets & bit == 0) & walk.valid
        free[free] &= walk.valid[sets[free] | bit]
        shares[place, free] = before[free] * after[sets[free] | bit] / after[0]
    return shares


def order_share(game: Game, orders: IntArray, confidence: float = 0.95) -> Estimate | None:
    """The share of the contributions' variance that is the order's and not the step's.

    Over the drawn orders, W is the mean over steps of the variance of v(S + j) - v(S), less its
    seed noise, and B the variance between steps of the means, less what the draw and the seeds add
    to it: W / (W + B), cut to [0, 1]. 0 says that a step does the same wherever it is taken.
    Student's t interval by the jackknife over units (Tukey 1958); None below three units, for a
    single step, or where nothing differs.
    """
    gains = order_gains(game, orders)
    units, _, k = gains.shape
    if units < 3 or k < 2:
        return None
    means, squares = gains.mean(axis=1), (gains**2).mean(axis=1)
    noise = _gain_noise(game, orders)
    left_out = [(units * part.mean(axis=0) - part) / (units - 1) for part in (means, squares)]
    error = means.var(axis=0, ddof=1).mean() / units + _value_noise(game)
    values = _share(means.mean(axis=0)[None], squares.mean(axis=0)[None], noise, error)
    without = _share(left_out[0], left_out[1], noise, error * units / (units - 1))
    if np.isnan(values).any() or np.isnan(without).any():
        return None
    spread = float(np.sqrt((units - 1) * without.var()))
    half = float(stats.t.ppf((1 + confidence) / 2, units - 1)) * spread
    value, lower, upper = np.clip(values[0] + np.array([0, -half, half]), 0, 1)
    return Estimate(
        value=float(value),
        lower=float(lower),
        upper=float(upper),
        n=units,
        confidence=confidence,
    )


def _share(means: FloatArray, squares: FloatArray, noise: float, error: float) -> FloatArray:
    """W / (W + B) of mean gains and mean squared gains (rows, k); NaN where nothing differs."""
    within = (squares - means**2).mean(axis=1) + error - noise
    total = within + means.var(axis=1, ddof=1) - error
    return np.asarray(within / np.where(total > 0, total, np.nan))


def _value_noise(game: Game) -> float:
    """The mean seed variance of a Shapley value."""
    if game.seed_variance is None:
        return 0.0
    signed = [_signed(share, 1 << place) for place, share in enumerate(step_weights(game.walk))]
    return float(np.mean([game.noise_of(weights) for weights in signed]))


def interval(
    value: float, order: tuple[float, int], seeds: tuple[float, int], n: int, confidence: float
) -> Estimate:
    """`value` with the t interval of two variances, each with its degrees of freedom.

    `order` is of drawing orders, `seeds` of training. The bounds are infinite where neither is
    known, or orders were drawn but once.
    """
    (between, units), (noise, _) = order, seeds
    if units == 0 and between != 0:
        return t_interval(value, 0.0, 0, n, confidence)
    total = between + noise
    bottom = sum(part**2 / free for part, free in (order, seeds) if part > 0 and free > 0)
    free = total**2 / bottom if bottom > 0 else np.inf
    return t_interval(value, float(np.sqrt(total)), free, n, confidence)


def _contribution(
    game: Game, place: int, share: FloatArray, gains: FloatArray | None, confidence: float
) -> Contribution:
    walk, bit = game.walk, 1 << place
    here = np.flatnonzero(share)
    noise = game.noise_of(_signed(share, bit))
    if gains is None:
        each = game.means[here | bit] - game.means[here]
        assert np.isfinite(each).all(), "without drawn orders, every possible set is trained"
        value = float(np.sum(share[here] * each))
        spread = float(np.sum(share[here] * (each - value) ** 2))
        order, orders = (0.0, 0), walk.orders
    else:
        units = gains[:, :, place].mean(axis=1)
        value = float(units.mean())
        spread = float(gains[:, :, place].var())
        free = len(units) - 1
        order = (float(units.var(ddof=1)) / len(units) if free else np.nan, free)
        orders = gains.shape[0] * gains.shape[1]
    known = game.seed_variance is not None
    single = game.noise_of(np.sqrt(share)) + game.noise_of(_moved(np.sqrt(share), bit))
    # What moves all gains alike, the mean's own error, does not spread them.
    order_variance = spread + np.nan_to_num(order[0]) - (single - noise)
    return Contribution(
        step=walk.steps[place],
        shapley=interval(value, order, (noise, game.degrees), orders, confidence),
        order_error=float(np.sqrt(order[0])),
        seed_error=float(np.sqrt(noise)) if known else None,
        order_std=float(np.sqrt(max(order_variance, 0))),
        path=game.difference(2 * bit - 1, bit - 1, confidence),
        removed=game.difference(walk.full, walk.full & ~bit, confidence),
        alone=game.difference(bit, 0, confidence),
    )


def _signed(share: FloatArray, bit: int) -> FloatArray:
    """The weights of all values in the mean of v(S + j) - v(S)."""
    return _moved(share, bit) - share


def _moved(share: FloatArray, bit: int) -> FloatArray:
    """The weights of sets without a step as weights of those with it."""
    moved = np.zeros_like(share)
    here = np.flatnonzero(share)
    moved[here | bit] = share[here]
    return moved


def _gain_noise(game: Game, orders: IntArray) -> float:
    """The mean seed variance of one step of one order."""
    if game.seed_variance is None:
        return 0.0
    passed = game.seed_variance / game.seeds[sets_along(orders)]
    return float((passed[..., 1:] + passed[..., :-1]).mean())
