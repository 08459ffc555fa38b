"""The learning rate of every step."""

from __future__ import annotations

import math

from dse.proxy.recipe import Recipe


def learning_rate(recipe: Recipe, peak: float, step: int, steps: int) -> float:
    """Rate of step 0 <= `step` < `steps`: linear warm-up to `peak`, then as `recipe.schedule` says.

    `cosine` is half a cosine down to the final rate (Loshchilov & Hutter 2017), `linear` a line.
    """
    warmup = recipe.warmup * steps
    if step < warmup:
        return peak * (step + 1) / (warmup + 1)
    progress = (step - warmup) / max(1.0, steps - warmup)
    low = recipe.final_learning_rate
    match recipe.schedule:
        case "cosine":
            return low + (peak - low) * 0.5 * (1 + math.cos(math.pi * progress))
        case "linear":
            return low + (peak - low) * (1 - progress)
        case "constant":
            return peak
