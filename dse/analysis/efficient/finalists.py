"""The winner's curse: finalists measured again with fresh seeds, with intervals for any of them.

The first error of a finalist chose it, so it is too good; a fresh error is not. But whoever looks
at the fresh errors picks the best of them, which is a choice again. So all intervals hold at once,
whichever finalist they are read for. Normal seed noise of one size is assumed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from dse.analysis.estimate import Estimate, FloatArray, jsonable


@dataclass(frozen=True, kw_only=True)
class Finalist:
    """One finalist. Errors are fractions, infinite where a training ended badly.

    `mean` is over its `seeds` fresh trainings that have ended, `bad` of them badly; `fresh` is the
    same with its interval. `luck` is `mean` less `first`: how much the first error flattered it.
    `behind` is its true error less the least true one of the other finalists: with a lower bound
    of 0 it is not better than the best of the others, with an upper bound of 0 not worse; between
    the two it may be either. `against` is its true error less that of the reference. Estimates are
    None where a training ended badly, where the noise is not known, or where there is nothing to
    compare with; their n are fresh seeds.
    """

    name: str
    first: float
    seeds: int
    bad: int
    mean: float
    luck: float
    fresh: Estimate | None
    behind: Estimate | None
    against: Estimate | None

    @property
    def may_be_best(self) -> bool:
        """Whether the fresh seeds leave it possible that no other finalist is better."""
        return self.bad == 0 and (self.behind is None or self.behind.lower < 0)


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """Finalists, the lowest fresh mean first, with one sentence for each and one of conclusion.

    `noise` is the standard deviation of one training that the intervals rest on [error fraction],
    `degrees` its degrees of freedom.
    """

    finalists: tuple[Finalist, ...]
    noise: float | None
    degrees: int
    confidence: float
    sentences: tuple[str, ...]
    conclusion: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        rows = [
            {
                **{name: jsonable(value) for name, value in vars(row).items()},
                **{name: _plain(getattr(row, name)) for name in ("fresh", "behind", "against")},
                "may_be_best": row.may_be_best,
            }
            for row in self.finalists
        ]
        return {
            "confidence": self.confidence,
            "noise": self.noise,
            "degrees": self.degrees,
            "finalists": rows,
            "sentences": list(self.sentences),
            "conclusion": self.conclusion,
        }


def confirm_finalists(
    first: FloatArray,
    fresh: FloatArray,
    names: Sequence[str],
    *,
    noise: Estimate | None = None,
    reference: FloatArray | None = None,
    confidence: float = 0.95,
) -> Confirmation:
    """What fresh seeds say of networks that were chosen for their `first` errors (k,).

    `fresh` (k, s) has `inf` where a training ended badly and NaN where it has not ended; every
    finalist needs one that has. `noise` is the seed standard deviation of one training over noise.n
    networks with two seeds each (`reliability`); it is pooled with that of the fresh seeds.
    `reference` holds the errors of a network to compare with, one a seed.

    With s the pooled standard deviation, v its degrees of freedom and m the fresh seeds:

    - means: mean +- t s / sqrt(m), with t the (1 + c^(1/k)) / 2 quantile (Sidak 1967), which hold
      at once with at least the confidence c;
    - behind: Hsu's (1984) constrained intervals against the best of the others,
      [min(0, D - d), max(0, D + d)] with d = t s sqrt(2 / m) and Bonferroni's one-sided
      t at (1 - c) / (k - 1), a little above Dunnett's; m is the fewest of any finalist;
    - against: mean less the reference's +- t s sqrt(1/m + 1/m0), Bonferroni's over k.
    """
    count = np.isfinite(fresh).sum(axis=1)
    bad = np.isposinf(fresh).sum(axis=1)
    assert ((count + bad) > 0).all(), "a finalist has a fresh training that has ended"
    fine = np.flatnonzero(bad == 0)
    means = np.full(len(fresh), np.inf)
    means[fine] = np.nanmean(fresh[fine], axis=1)
    groups = [row[np.isfinite(row)] for row in fresh[fine]]
    if reference is not None and not np.isfinite(reference).all():
        reference = None  # nothing is better or worse by so many points than what ended badly
    spread, degrees = _pooled(groups if reference is None else [*groups, reference], noise)
    rows = []
    for i, name in enumerate(names):
        estimates: dict[str, Estimate | None] = {"fresh": None, "behind": None, "against": None}
        if spread is not None and bad[i] == 0:
            scale, m = _Scale(spread, degrees, confidence), int(count[i])
            estimates["fresh"] = scale.around(means[i], 1 / m, fine.size, m)
            if fine.size > 1:
                others = np.delete(means[fine], np.searchsorted(fine, i))
                estimates["behind"] = scale.behind(means[i] - others.min(), count[fine], m)
            if reference is not None:
                gap, level = means[i] - reference.mean(), 1 / m + 1 / len(reference)
                estimates["against"] = scale.around(gap, level, fine.size, m, bonferroni=True)
        rows.append(
            Finalist(
                name=str(name),
                first=float(first[i]),
                seeds=int(count[i] + bad[i]),
                bad=int(bad[i]),
                mean=float(means[i]),
                luck=float(means[i] - first[i]),
                **estimates,
            )
        )
    rows.sort(key=lambda row: row.mean)
    return Confirmation(
        finalists=tuple(rows),
        noise=spread,
        degrees=degrees,
        confidence=confidence,
        sentences=tuple(finalist_sentence(row) for row in rows),
        conclusion=conclusion_sentence(rows),
    )


def finalist_sentence(row: Finalist) -> str:
    """What is known of one finalist."""
    seeds = "1 fresh seed" if row.seeds == 1 else f"{row.seeds} fresh seeds"
    if row.bad:
        return f"{row.name}: {row.bad} of {seeds} ended badly; it cannot be relied on."
    text = f"{row.name}: {100 * row.mean:.2f} % error over {seeds}"
    if row.fresh is None:
        return f"{text}; without a known seed noise nothing is said of its interval."
    text += f" ({_interval(row.fresh)}, for all finalists at once)"
    side = "lower" if row.luck >= 0 else "higher"
    text += f"; its first error was {100 * abs(row.luck):.2f} points {side}"
    if row.behind is not None:
        if row.behind.lower >= 0:
            text += f"; not the best, by up to {100 * row.behind.upper:.2f} points"
        elif row.behind.upper <= 0:
            text += "; shown to be better than all that it is compared with"
        else:
            text += (
                f"; from {100 * -row.behind.lower:.2f} points better to "
                f"{100 * row.behind.upper:.2f} worse than the best of the others"
            )
    if row.against is not None:
        text += f"; less the reference's {100 * row.against.value:+.2f} points"
        text += f" ({_bounds(row.against)})"
    return text + "."


def conclusion_sentence(rows: Sequence[Finalist]) -> str:
    """Which finalist is the best, as far as the fresh seeds tell."""
    best = rows[0]
    if best.bad:
        return "Every finalist ended badly with a fresh seed: none is confirmed."
    if best.fresh is None:
        return (
            f"{best.name} has the lowest fresh error, but without a known seed noise it is not "
            "shown that it is the best."
        )
    text = f"{best.name} has the lowest mean over fresh seeds, {100 * best.mean:.2f} % error"
    text += f" ({_interval(best.fresh)}, valid for having been picked)"
    fine = [row for row in rows[1:] if not row.bad]
    able = [row.name for row in fine if row.may_be_best]
    left_out = len(rows) - 1 - len(fine)
    if able:
        text += f"; not told apart from it: {', '.join(able)}"
    elif fine:
        text += "; it is shown to be the best of the finalists"
        text += " without a bad end" if left_out else ""
    if left_out:
        text += f"; not compared, as a fresh seed ended badly: {left_out} of {len(rows)} finalists"
    if best.against is not None:
        shown = best.against.upper < 0
        text += f"; it is {'' if shown else 'not '}shown to be better than the reference"
    return text + "."


@dataclass(frozen=True)
class _Scale:
    """Intervals of one pooled standard deviation."""

    spread: float
    degrees: int
    confidence: float

    def around(
        self, value: float, level: float, comparisons: int, n: int, *, bonferroni: bool = False
    ) -> Estimate:
        """Two-sided, one of several; `level` is the variance in units of one training's."""
        one = self.confidence ** (1 / comparisons)
        if bonferroni:
            one = 1 - (1 - self.confidence) / comparisons
        half = float(stats.t.ppf((1 + one) / 2, self.degrees) * self.spread * np.sqrt(level))
        return self._estimate(value, value - half, value + half, n)

    def behind(self, gap: float, seeds: FloatArray, n: int) -> Estimate:
        """Hsu's interval of `gap`, a mean less the least of the others."""
        tail = (1 - self.confidence) / (len(seeds) - 1)
        margin = stats.t.isf(tail, self.degrees) * self.spread * np.sqrt(2 / seeds.min())
        return self._estimate(gap, min(0.0, gap - margin), max(0.0, gap + margin), n)

    def _estimate(self, value: float, lower: float, upper: float, n: int) -> Estimate:
        return Estimate(
            value=float(value),
            lower=float(lower),
            upper=float(upper),
            n=n,
            confidence=self.confidence,
        )


def _pooled(groups: Sequence[FloatArray], noise: Estimate | None) -> tuple[float | None, int]:
    """Standard deviation within groups, together with a `noise` known before, and its degrees.

    None where no two seeds differ: the noise is then below what the held-out images can show.
    """
    squares = sum(float(((group - group.mean()) ** 2).sum()) for group in groups)
    degrees = sum(len(group) - 1 for group in groups)
    if noise is not None:
        squares += noise.n * noise.value**2
        degrees += noise.n
    return (float(np.sqrt(squares / degrees)) if squares > 0 else None), degrees


def _interval(estimate: Estimate) -> str:
    return f"{100 * estimate.confidence:g} % interval {_bounds(estimate)}"


def _bounds(estimate: Estimate) -> str:
    return f"{100 * estimate.lower:.2f} to {100 * estimate.upper:.2f}"


def _plain(estimate: Estimate | None) -> dict[str, Any] | None:
    return None if estimate is None else jsonable(vars(estimate))
