"""One plain sentence for every row of `dse explain`: what is shown, and what is not."""

from __future__ import annotations

from dse.analysis.estimate import Estimate
from dse.analysis.factors.contrasts import FactorEffect, LevelEffect
from dse.analysis.factors.good_values import GoodValues
from dse.analysis.factors.importance import Importance
from dse.analysis.factors.interactions import Interaction
from dse.analysis.factors.narrowing import LEVEL, Kept, Narrowing


def percent(value: float) -> str:
    """A share in per cent, in two digits at least."""
    shown = 100 * value
    return f"{shown:.1f}" if abs(shown) < 100 else f"{shown:.0f}"


def bounds(found: Estimate) -> str:
    """The interval in per cent, with its confidence."""
    low, high = percent(found.lower), percent(found.upper)
    return f"{100 * found.confidence:g} % interval {low} to {high} %"


def p_text(p_value: float) -> str:
    """A p-value in two digits."""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.2g}"


def importance_sentence(row: Importance, effect: FactorEffect) -> str:
    """Whether a parameter is shown to matter at all; how much, the table has beside it."""
    if row.variance_share is None:
        return f"{row.name}: too few networks ({row.n}) for a comparison of its values."
    says = "matters" if effect.corrected <= LEVEL else "is not shown to matter by itself"
    return f"{row.name} {says} ({p_text(effect.corrected)}, corrected)."


def effect_sentence(name: str, level: LevelEffect) -> str:
    """How errors at a level differ from those at the other levels."""
    found, how = level.held, "with the other choices held"
    if found is None:
        found, how = level.as_sampled, "as sampled"
    start = f"{name} = {level.level}"
    bad = f" {level.bad} of {level.n} ended badly and count as guessing." if level.bad else ""
    if found is None:
        return f"{start}: too few networks for a comparison.{bad}"
    if found.lower <= 0 <= found.upper:
        return (
            f"{start}: no difference to the other levels is shown, {how}: errors differ by "
            f"{_signed(found.value)} ({_signed(found.lower)} to {_signed(found.upper)}).{bad}"
        )
    word = "lower" if found.value < 0 else "higher"
    low, high = sorted((abs(found.lower), abs(found.upper)))
    return (
        f"{start}: errors are {percent(abs(found.value))} % {word} than at the other levels, {how} "
        f"({percent(low)} to {percent(high)} %).{bad}"
    )


def interaction_sentence(row: Interaction) -> str:
    """Whether two parameters are shown to do more together than alone."""
    size = f"{percent(row.size.value)} % of the order ({bounds(row.size)})"
    pair = " and ".join(row.names)
    if row.corrected > LEVEL:
        return f"{pair}: no interaction is shown ({p_text(row.corrected)}, corrected); size {size}."
    first, second, most = row.cell
    word = "worse" if most > 0 else "better"
    return (
        f"{pair} interact ({p_text(row.corrected)}, corrected), size {size}; farthest from the sum "
        f"of both is {first} with {second}, {percent(abs(most))} % of the order {word} (picked for "
        "it, so rather less)."
    )


def good_sentence(row: GoodValues) -> str:
    """Where the best of a study of a quarter of the size lies."""
    start = f"The best of {row.draws} networks has {row.name}"
    weight = f"(the weight of {row.effective_n:.0f} networks of {row.n})"
    if row.percentiles is not None:
        low, middle, high = row.percentiles
        return (
            f"{start} from {low:.4g} to {high:.4g} in 95 % of draws, median {middle:.4g} {weight}."
        )
    most = sorted(row.shares, key=lambda share: -share[1])[:3]
    listed = ", ".join(f"{level} in {100 * share:.0f} %" for level, share in most)
    return f"{start} = {listed} of draws {weight}."


def kept_sentence(row: Kept) -> str:
    """What stays of a parameter, and why."""
    p_value = p_text(row.corrected)
    out = ", ".join(row.left_out)
    return (
        f"Keep {row.name} {kept_text(row)}: networks with {out} are worse than the others "
        f"({p_value} at most, corrected)."
    )


def kept_text(row: Kept) -> str:
    """The values that stay, in words."""
    if not row.is_range:
        return f"= {' or '.join(row.levels)}"
    if row.low is None and row.high is None:
        return "where it has a number"
    if row.high is None:
        return f"from {row.low:.4g} up"
    return f"up to {row.high:.4g}" if row.low is None else f"from {row.low:.4g} to {row.high:.4g}"


def narrowing_sentence(found: Narrowing) -> str:
    """What the proposal leaves and gains, by networks that had no part in it."""
    if not found.kept:
        return (
            f"No narrower space is proposed: on {found.chosen_on} networks no value is shown to be "
            "worse than the others."
        )
    left = f"{percent(found.share_left.value)} % of the space stay ({bounds(found.share_left)})"
    judged = f"by the {found.judged} networks that had no part in the choice"
    if found.gain is None:
        return f"{left}, {judged}; too few of them are inside to say what it gains."
    low, high = percent(found.gain.lower), percent(found.gain.upper)
    points = f"{percent(found.gain.value)} points ({low} to {high})"
    if found.gain.lower > 0:
        return f"{left}; the median error is {points} lower there, {judged}."
    return f"{left}; no lower median error is shown there: {points} lower, {judged}."


def _signed(value: float) -> str:
    return f"{100 * value:+.1f} %"
