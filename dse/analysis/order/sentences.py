"""What the orders of steps say, in plain words."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from dse.analysis.estimate import Estimate
from dse.analysis.order.game import Game
from dse.analysis.order.interactions import Interaction
from dse.analysis.order.shapley import Contribution


def step_sentence(found: Contribution) -> str:
    """What one step does on average over orders, and whether that is shown."""
    value = found.shapley
    shown = (
        f"{100 * value.value:+.2f} points ({_interval(value)}, over {value.n} orders, among which "
        f"it varies by {100 * found.order_std:.2f})"
    )
    of = "the error" if found.seed_error is not None else "the error of these trainings"
    if value.upper < 0:
        return f"{found.step} lowers {of}: {shown}."
    if value.lower > 0:
        return f"{found.step} raises {of}: {shown}."
    return f"It is not shown that {found.step} changes the error: {shown}."


def path_sentence(found: Contribution) -> str:
    """The same step where the paper has it, taken from the whole, and alone."""
    parts = [
        f"{words} {100 * value.value:+.2f} points ({_interval(value)}, n = {value.n} seeds)"
        for words, value in (
            ("on the paper's path", found.path),
            ("as the last of all", found.removed),
            ("as the first of all", found.alone),
        )
        if value is not None
    ]
    return f"{found.step}: {'; '.join(parts) or 'not trained outside of the orders'}."


def basis_sentences(game: Game, found: Sequence[Contribution]) -> list[str]:
    """Over which orders, with which noise and how many bad ends all of it is said."""
    walk = game.walk
    said = []
    if walk.needs:
        needs = "; ".join(
            f"{step} after {', '.join(s for s in walk.steps if s in before)}"
            for step, before in walk.needs.items()
        )
        share = walk.orders / math.factorial(len(walk.steps))
        said.append(
            f"Orders are those that are possible ({needs}): {100 * share:.3g} % of all orders."
        )
    if game.seed_variance is None:
        said.append(
            "No network has two seeds, so that seed noise is not known: the intervals over orders "
            "lack what it adds to all orders alike, and single steps have none."
        )
    else:
        said.append(
            f"Seed noise: standard deviation {100 * math.sqrt(game.seed_variance):.2f} points of "
            f"one training, {game.degrees} degrees of freedom; it is in all intervals."
        )
    if game.bad:
        said.append(f"{game.bad} trainings ended badly and count as networks that guess.")
    total = sum(step.shapley.value for step in found)
    said.append("Intervals are of one step each: of many steps some miss by chance.")
    return [*said, f"Together the steps change the error by {100 * total:+.2f} points."]


def share_sentence(share: Estimate | None) -> str:
    """How much of the contributions' variance is the order's."""
    if share is None:
        return "It cannot be told how much the order matters: too few orders."
    return (
        f"{100 * share.value:.0f} % of the variance of single contributions is due to the order of "
        f"the steps and not to which step it is ({100 * share.confidence:g} % interval "
        f"{100 * share.lower:.0f} to {100 * share.upper:.0f} %, n = {share.n} draws of orders)."
    )


def interaction_sentences(found: Sequence[Interaction]) -> list[str]:
    """The pairs that are shown to interact, the strongest first, or that none is.

    Give intervals of the confidence 1 - alpha / pairs, so that all hold at once (Bonferroni).
    """
    known = [(pair.steps, pair.index) for pair in found if pair.index is not None]
    shown = [(steps, index) for steps, index in known if index.lower > 0 or index.upper < 0]
    if not shown:
        return [f"It is not shown that any of {len(known)} pairs of steps interact."]
    shown.sort(key=lambda pair: -abs(pair[1].value))
    return [
        f"{steps[0]} and {steps[1]} {'help' if index.value < 0 else 'hinder'} each other: together "
        f"{100 * index.value:+.2f} points beyond the sum of both ({_interval(index)}, "
        f"n = {index.n})."
        for steps, index in shown
    ]


def _interval(value: Estimate) -> str:
    if not np.isfinite(value.lower):
        return "no finite interval"
    return (
        f"{100 * value.confidence:.3g} % interval {100 * value.lower:+.2f} to "
        f"{100 * value.upper:+.2f}"
    )
