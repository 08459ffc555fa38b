"""All that n pairs say of one change, as a value and as sentences."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from dse.analysis.estimate import Estimate, jsonable
from dse.analysis.paired.differences import (
    ENOUGH_PAIRS,
    cost_dependence,
    mean_difference,
    median_difference,
    pairing_gain,
    ratio,
)
from dse.analysis.paired.pairs import Pairs
from dse.analysis.paired.tests import (
    BadEnds,
    Wins,
    bad_ends,
    ranked_differences,
    sign_flip_test,
    sign_test,
    wilcoxon_test,
    wins,
)


@dataclass(frozen=True, kw_only=True)
class PairedComparison:
    """What changing one choice does to the error; first of the `arms` against the second.

    `difference` and `median` (of the differences) are error fractions; `difference` and `ratio` are
    over capped outcomes. The three p-values ask
    different questions: `sign_p` how often, `wilcoxon_p` by rank, `sign_flip_p` on average; look at
    one that was named before. `pairing_gain` and `cost_dependence` are None where they cannot be
    told.
    """

    arms: tuple[str, str]
    difference: Estimate
    median: Estimate
    ratio: Estimate | None
    wins: Wins
    sign_p: float
    wilcoxon_p: float
    sign_flip_p: float
    bad: BadEnds
    pairing_gain: Estimate | None
    cost_dependence: Estimate | None

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values, with the sentences."""
        plain = jsonable(dataclasses.asdict(self) | {"sentences": sentences(self)})
        assert isinstance(plain, dict)
        return plain


def compare(pairs: Pairs, confidence: float = 0.95, *, seed: int = 0) -> PairedComparison:
    """Every estimator on `pairs`, of which there is one at least."""
    ranked = ranked_differences(pairs.outcomes)
    return PairedComparison(
        arms=pairs.arms,
        difference=mean_difference(pairs, confidence),
        median=median_difference(ranked, confidence),
        ratio=ratio(pairs, confidence),
        wins=wins(ranked, confidence),
        sign_p=sign_test(ranked),
        wilcoxon_p=wilcoxon_test(ranked),
        sign_flip_p=sign_flip_test(pairs.differences, seed=seed),
        bad=bad_ends(pairs.bad),
        pairing_gain=pairing_gain(pairs, confidence),
        cost_dependence=cost_dependence(pairs, confidence),
    )


def sentences(found: PairedComparison) -> list[str]:
    """One sentence a statement; the ratio and the median first, whose intervals cover best."""
    return [
        *ratio_sentence(found),
        median_sentence(found),
        difference_sentence(found),
        wins_sentence(found),
        *bad_sentence(found),
        *gain_sentence(found),
        *cost_sentence(found),
    ]


def difference_sentence(found: PairedComparison) -> str:
    """Which arm is better on average, or that it is not shown."""
    first, second = found.arms
    value = found.difference
    if not np.isfinite([value.lower, value.upper]).all():
        return (
            f"The mean error with {first} less that with {second} is {100 * value.value:+.2f} "
            f"points (sign-flip test p = {found.sign_flip_p:.2g}, n = {value.n} pairs; there is no "
            f"interval below {ENOUGH_PAIRS} pairs, as none of a mean holds there)."
        )
    shown = f"{_points(value)}; sign-flip test p = {found.sign_flip_p:.2g}"
    if value.upper < 0:
        return f"{first} has a lower mean error than {second}: by {shown}."
    if value.lower > 0:
        return f"{first} has a higher mean error than {second}: by {shown}."
    return f"It is not shown that the mean errors of {first} and {second} differ: {shown}."


def ratio_sentence(found: PairedComparison) -> list[str]:
    """The ratio of errors; nothing where there is none."""
    value = found.ratio
    if value is None:
        return []
    first, second = found.arms
    better = "neither is shown to be better"
    if value.upper < 1 or value.lower > 1:
        better = f"{first if value.upper < 1 else second} is better"
    return [
        f"By the ratio of errors {better}: with {first} an error is {value.value:.3f} times that "
        f"with {second} (geometric mean; {_percent(value)} interval {value.lower:.3f} to "
        f"{value.upper:.3f}, n = {value.n} pairs)."
    ]


def median_sentence(found: PairedComparison) -> str:
    """The difference in the middle, in points of error."""
    first, second = found.arms
    return (
        f"In the median pair the error with {first} less that with {second} is "
        f"{_points(found.median)}."
    )


def wins_sentence(found: PairedComparison) -> str:
    """How often the first arm is better."""
    first, _ = found.arms
    counts = found.wins
    share = counts.share
    ties = f", {counts.ties} ties" if counts.ties else ""
    return (
        f"{first} is better in {counts.first} of {share.n} pairs{ties} ({100 * share.value:.0f} %, "
        f"{_percent(share)} interval {100 * share.lower:.0f} to {100 * share.upper:.0f} %; exact "
        f"sign test p = {found.sign_p:.2g})."
    )


def bad_sentence(found: PairedComparison) -> list[str]:
    """Pairs in which a training ended badly; nothing where none did."""
    first, second = found.arms
    bad = found.bad
    if not bad.only_first + bad.only_second + bad.both:
        return []
    return [
        f"A training ended badly with {first} alone in {bad.only_first} pairs, with {second} alone "
        f"in {bad.only_second}, with both in {bad.both} (exact McNemar test p = {bad.p:.2g}); it "
        "counts as a network that guesses in the means, and as worse than every error elsewhere."
    ]


def gain_sentence(found: PairedComparison) -> list[str]:
    """What pairing saved; nothing where it cannot be told."""
    value = found.pairing_gain
    if value is None:
        return []
    return [
        f"Two independent samples would need {value.value:.1f} times as many networks an arm as "
        f"there are pairs (by the correlation of ranks; {_percent(value)} interval "
        f"{value.lower:.1f} to {value.upper:.1f}, n = {value.n} pairs)."
    ]


def cost_sentence(found: PairedComparison) -> list[str]:
    """Whether the difference goes with the cost of the network; nothing where it cannot be told."""
    value = found.cost_dependence
    if value is None:
        return []
    first, second = found.arms
    numbers = (
        f"(rank correlation {value.value:.2f}, {_percent(value)} interval {value.lower:.2f} to "
        f"{value.upper:.2f}, n = {value.n} pairs)"
    )
    if value.lower <= 0 <= value.upper:
        return [f"It is not shown that the difference depends on a network's cost {numbers}."]
    favoured = second if value.lower > 0 else first
    return [f"The more a network costs, the more the difference favours {favoured} {numbers}."]


def _points(value: Estimate) -> str:
    return (
        f"{100 * value.value:+.2f} points ({_percent(value)} interval {100 * value.lower:+.2f} to "
        f"{100 * value.upper:+.2f}, n = {value.n} pairs)"
    )


def _percent(value: Estimate) -> str:
    return f"{100 * value.confidence:g} %"
