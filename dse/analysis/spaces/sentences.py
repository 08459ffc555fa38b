"""What a comparison of spaces says, in words and as rows of a table."""

from __future__ import annotations

import dataclasses
import itertools
import math
import string
from collections.abc import Iterator
from typing import Any

from dse.analysis.estimate import Estimate, jsonable
from dse.analysis.spaces.comparison import Compared, Pair
from dse.analysis.summary import percent

NOTE = (
    "Differences are the first less the second, ratios the first over the second: below 0 or 1, "
    "the first is better. Typical error: the geometric mean; adjusted: for what costs and choices "
    "on paper say. Beats: the chance that a network of the first has the lower error. To tell: "
    "networks of each space for 80 % power, if the spaces are as these samples say. p-values are "
    "corrected for the number of pairs."
)


def conclusion(pair: Pair, comparisons: int, confidence: float) -> str:
    """One sentence: which space is better, by how much, how sure, and where; or what is missing."""
    ratio = pair.adjusted or pair.typical
    corrected = f" corrected for {comparisons} comparisons" if comparisons > 1 else ""
    numbers = (
        f"typical error {ratio.value:.3f} times that of {{other}}, {100 * confidence:g} % interval "
        f"{ratio.lower:.3f} to {ratio.upper:.3f}{', adjusted' if pair.adjusted else ''}, "
        f"n = {pair.n[0]} and {pair.n[1]}, {p_text(pair.p_typical)}{corrected}"
    ).format(other=pair.b)
    if pair.p_typical <= 1 - confidence:
        better, worse = (pair.a, pair.b) if ratio.value < 1 else (pair.b, pair.a)
        return f"{better} is better than {worse} ({pair.a}: {numbers}){_where(pair)}."
    return (
        f"It is not shown that {pair.a} or {pair.b} is better ({pair.a}: {numbers}){_where(pair)}; "
        f"{_needed(pair)}."
    )


def _where(pair: Pair) -> str:
    """Along the errors, by the simultaneous band; nothing where nothing is shown."""
    better, worse = pair.gap.shown(better=True), pair.gap.shown(better=False)
    if better and worse:
        return (
            f"; which one has more networks below an error depends on the error: {pair.a} "
            f"{_ranges(better)}, {pair.b} {_ranges(worse)}"
        )
    if not better and not worse:
        return "; at no error it is shown which of them has more networks below"
    winner, found, other = (pair.a, better, pair.b) if better else (pair.b, worse, pair.a)
    return (
        f"; {winner} has more networks below every error {_ranges(found)}, and {other} is shown "
        "to have more below none"
    )


def _ranges(found: tuple[tuple[float, float], ...]) -> str:
    start, end = found[0][0], found[-1][1]
    holes = " (with gaps)" if len(found) > 1 else ""
    if math.isinf(end):
        return f"from {percent(start)} on{holes}"
    return f"from {percent(start)} to {percent(end)}{holes}"


def _needed(pair: Pair) -> str:
    needed = pair.to_tell_adjusted or pair.to_tell
    if math.isinf(needed.value):
        return "these samples do not say how many networks would tell"
    upper = "no upper limit" if math.isinf(needed.upper) else f"at most {needed.upper:,.0f}"
    return (
        f"about {needed.value:,.0f} networks of each would tell with 80 % power if the difference "
        f"is as found (at least {needed.lower:,.0f}, {upper})"
    )


def bad_sentences(found: Compared) -> list[str]:
    """What networks count as that ended badly; nothing where none did."""
    rows = [f"{row.bad} of {row.n} networks of {row.name}" for row in found.spaces if row.bad]
    if not rows:
        return []
    return [
        f"{' and '.join(rows)} ended badly: they count as guessing in typical errors, and as worse "
        "than every error elsewhere."
    ]


def p_text(p: float) -> str:
    """A p-value as it is written."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def space_rows(found: Compared) -> list[dict[str, Any]]:
    """A row for people for each space, with its letter."""
    return [
        {
            "": letter,
            "space": row.name,
            "n": row.n,
            "ended badly": row.bad,
            "median error": _percents(row.median),
            "typical error": _percents(row.typical),
            "spread of networks": _points(row.spread.network) if row.spread else "",
            "spread of seeds": _points(row.spread.seed) if row.spread else "",
        }
        for letter, row in zip(_letters(), found.spaces, strict=False)
    ]


def pair_rows(found: Compared) -> list[dict[str, Any]]:
    """A row for people for each pair, named by letters."""
    letters = dict(zip((row.name for row in found.spaces), _letters(), strict=False))
    return [
        {
            "": f"{letters[pair.a]} / {letters[pair.b]}",
            "typical": _ratio(pair.typical),
            "adjusted": _ratio(pair.adjusted) if pair.adjusted else "not on paper",
            "p": p_text(pair.p_typical),
            "to tell": _count((pair.to_tell_adjusted or pair.to_tell).value),
            "median": _points(pair.quartiles[1]),
            "beats": _ratio(pair.beats),
            "KS": f"{pair.ks.statistic:.2f}, {p_text(pair.p_ks)}",
            "KS, to tell": _count(pair.to_tell_ks),
            "Anderson-Darling": p_text(pair.p_ad),
        }
        for pair in found.pairs
    ]


def _letters() -> Iterator[str]:
    """A, B, ..., Z, A2, B2, ..."""
    for lap in itertools.count(1):
        yield from (letter + (str(lap) if lap > 1 else "") for letter in string.ascii_uppercase)


def json_rows(found: Compared) -> list[dict[str, Any]]:
    """A line for each space, then for each pair, with its conclusion."""
    spaces = [{"what": "space", **jsonable(dataclasses.asdict(row))} for row in found.spaces]
    pairs = [
        {
            "what": "pair",
            **pair.to_dict(),
            "conclusion": conclusion(pair, len(found.pairs), found.confidence),
        }
        for pair in found.pairs
    ]
    return spaces + pairs


def _percents(found: Estimate) -> str:
    return f"{percent(found.value)} ({_bound(found.lower)} to {_bound(found.upper)})"


def _bound(value: float) -> str:
    return f"{100 * value:.1f}" if math.isfinite(value) else "no limit"


def _points(found: Estimate) -> str:
    if not math.isfinite(found.value):
        return "among bad ends"
    return f"{100 * found.value:.1f} points ({_bound(found.lower)} to {_bound(found.upper)})"


def _ratio(found: Estimate) -> str:
    return f"{found.value:.3f} ({found.lower:.3f} to {found.upper:.3f})"


def _count(value: float) -> str:
    return f"{value:,.0f}" if math.isfinite(value) else "not known"
