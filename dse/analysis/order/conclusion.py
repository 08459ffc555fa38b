"""All that trained sets of steps say of a walk, as a value and as sentences."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from dse.analysis.estimate import Estimate, jsonable
from dse.analysis.order.game import Game
from dse.analysis.order.interactions import Interaction, interactions
from dse.analysis.order.sentences import (
    basis_sentences,
    interaction_sentences,
    path_sentence,
    share_sentence,
    step_sentence,
)
from dse.analysis.order.shapley import Contribution, contributions, order_share
from dse.analysis.order.walk import IntArray, draw_orders

ORDERS = 500  # drawn for the share where all are counted; more would hide the seed noise in it


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """What each step does, whether the order matters, and which pairs of steps make it matter.

    `steps` are in the order of the paper. `pairs` is empty where it was not asked for; their
    intervals all hold at once (Bonferroni).
    """

    steps: tuple[Contribution, ...]
    share: Estimate | None
    pairs: tuple[Interaction, ...]
    sentences: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        plain = jsonable(dataclasses.asdict(self))
        assert isinstance(plain, dict)
        return plain


def conclude(
    game: Game,
    orders: IntArray | None = None,
    *,
    with_interactions: bool = False,
    confidence: float = 0.95,
    seed: int = 0,
) -> Conclusion:
    """Everything that `game` says, over the drawn `orders` of its plan, or over all possible ones.

    Without `orders` every possible set must have been trained. `with_interactions`: over drawn
    orders, the plan was made with them.
    """
    steps = contributions(game, orders, confidence)
    drawn = draw_orders(game.walk, ORDERS, seed=seed) if orders is None else orders
    share = order_share(game, drawn, confidence)
    k = len(steps)
    together = 1 - (1 - confidence) / max(k * (k - 1) // 2, 1)
    pairs = interactions(game, orders, together) if with_interactions else ()
    said = [*basis_sentences(game, steps)]
    said += [sentence(step) for step in steps for sentence in (step_sentence, path_sentence)]
    said += [share_sentence(share)]
    said += interaction_sentences(pairs) if pairs else []
    return Conclusion(steps=steps, share=share, pairs=pairs, sentences=tuple(said))
