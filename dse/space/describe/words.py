"""Priors, ties and conditions in words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dse.space.language.priors import Prior, Value

_TIES = {
    "shared": "the same in all stages",
    "non_decreasing": "not falling from stage to stage",
    "non_increasing": "not rising from stage to stage",
}
FACTORIAL = "with orderings counted as 1/stages!, as RegNet's table does"
_FEW = 6
_TELLING = 0.5
_KINDS = {
    "uniform": "uniform",
    "log_uniform": "log-uniform",
    "normal": "normal",
    "log_normal": "log-normal",
}


def value_text(value: Value) -> str:
    """A value as a word."""
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    return value if isinstance(value, str) else f"{value:.6g}"


def prior_text(prior: Prior) -> str:
    """A prior in words."""
    values, probabilities = prior.values, prior.probabilities
    if prior.is_fixed and values is not None:
        return f"fixed at {value_text(values[0])}"
    if prior.choice is not None:
        assert probabilities is not None
        names = list(map(value_text, prior.choice))
        if np.ptp(probabilities) > 1e-9:
            shares = zip(names, probabilities, strict=True)
            names = [f"{name} ({share:.3g})" for name, share in shares]
        return f"one of {', '.join(names)}"
    low, high = prior.limits
    if prior.power_of_two is not None:
        return f"a power of two from {low:g} to {high:g}"
    text = f"{_KINDS[prior.kind]} from {low:g} to {high:g}"
    if prior.kind in ("normal", "log_normal"):
        text += ", which are 3 standard deviations from the middle"
    if prior.round is not None:
        return f"{text}, rounded {prior.round} to steps of {prior.step:g}"
    return text if prior.step is None else f"{text} in steps of {prior.step:g}"


def tie_text(tie: str) -> str:
    """How the values of the stages hang together; nothing where they do not."""
    return _TIES.get(tie, "")


def when_text(when: Mapping[str, Sequence[Value]], otherwise: Value) -> str:
    """A condition, and what holds without it."""
    parts = [f"{name} is {' or '.join(map(value_text, asked))}" for name, asked in when.items()]
    return f"when {' and '.join(parts)}, else {value_text(otherwise)}"


def marginal_text(drawn: Sequence[Any], shares: Mapping[str, float]) -> str:
    """Drawn values in a line: shares of a few, of the commonest names, or median and middle 90 %.

    Args:
        drawn: the values.
        shares: of all values, or of groups of them, by name.
    """
    if all(isinstance(value, str) for value in drawn) and len(shares) > _FEW:
        most = Counter(shares).most_common(_FEW - 1)
        return f"{_shares(dict(most))}, {len(shares) - len(most)} others"
    if len(shares) <= _FEW:
        return _shares(shares)
    low, median, high = np.percentile(np.array(drawn, dtype=float), (5, 50, 95))
    return f"median {median:.4g}, middle 90 % {low:.4g} to {high:.4g}"


def _shares(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {share:.0%}" for name, share in shares.items())


def percent(share: float) -> str:
    """A share in percent, to a tenth; tiny ones to two digits, and 100 % only if it is all."""
    shown = 100 * share
    if 0 < shown < 1 or 99 < shown < 100:
        digits = f"{min(shown, 100 - shown):.2g}"
        places = max(1, len(digits.partition(".")[2])) if "e" not in digits else 6
        return f"{shown:.{min(places, 6)}f} %"
    return f"{shown:.3g} %" if shown < 100 else "100 %"


def p_text(p: float) -> str:
    """A probability."""
    return "< 1e-300" if p < 1e-300 else f"{p:.2g}"


def size_text(space: Mapping[str, Any]) -> str:
    """A space's number of free choices and of shapes, from its row."""
    text = f"{space['dimension']} free choices, {shapes_text(space['log10_size'])} shapes"
    if space["log10_size_factorial"] is not None:
        text += f" ({shapes_text(space['log10_size_factorial'])} {FACTORIAL})"
    return text


def statistic_text(row: Mapping[str, Any]) -> str:
    """A slot's test statistic, or why there is none, from its row."""
    if row["statistic"] is None:
        return row["note"] or ("never drawn" if row["n"] == 0 else "")
    name = "KS" if row["dof"] is None else f"chi2({row['dof']})"
    return f"{name} = {row['statistic']:.3g}"


def meaning_text(
    space: Mapping[str, Any], parameters: Sequence[Mapping[str, Any]], refused: float
) -> str:
    """What the tests of all slots mean, and their least p.

    Args:
        space: its row.
        parameters: the rows of all slots.
        refused: the highest share that the budget may refuse of what is inside the space.
    """
    tested = [row for row in parameters if row["p_holm"] is not None]
    if not tested:
        return "Nothing is tested: no free slot keeps its prior by itself."
    text = (
        "The test is of what feasibility does to the prior: a small p is a sign that what is "
        "refused shifts the distribution of that value among the networks drawn. p by itself takes "
        "no account of the number of tests."
    )
    if refused < _TELLING:
        text += (
            f" No share can be shifted by more than what is refused, {percent(refused)} at most."
        )
    least = min(tested, key=lambda row: row["p_holm"])
    text += (
        f" After Holm's adjustment for {len(tested)} {'test' if len(tested) == 1 else 'tests'} "
        f"the smallest p is "
        f"{p_text(least['p_holm'])} ({least['slot']})."
    )
    if space["design"] != "independent" or space["stratify"]:
        text += " These draws are more even than independent ones, so p is rather too large."
    return text


def shapes_text(log10: float) -> str:
    """A number of shapes by its logarithm, to two digits.

    >>> shapes_text(14.501), shapes_text(3.3113)
    ('3.2e14', '2,048')
    """
    if log10 < 6:
        return f"{round(10**log10):,}"
    whole = math.floor(log10 + 1e-9)
    digits = f"{10 ** (log10 - whole):.1f}"
    return f"{digits}e{whole}" if digits != "10.0" else f"1.0e{whole + 1}"
