"""A fidelity in rows for tables and JSON, each number with the one sentence that says it."""

from __future__ import annotations

from typing import Any

import numpy as np

from dse.analysis.estimate import Estimate, jsonable
from dse.analysis.fidelity import Fidelity, Top
from dse.analysis.summary import interval, percent

Row = dict[str, Any]


def fidelity_rows(found: Fidelity) -> list[Row]:
    """One row a number, all with the same keys.

    `value`, `lower` and `upper` are correlations, shares of k, or errors [fraction]; an infinite
    one is the text "inf". `chance` is what orders without relation give, `p` how likely they give
    as much; `n` counts networks; `says` is a sentence. What does not apply, or is not known, is
    None.
    """
    rows = [
        _row("kendall_tau_b", found, found.tau, chance=0.0, says=_agreement_says(found)),
        _row("spearman_rho", found, found.rho, chance=0.0, says=_rho_says(found)),
        _row("ceiling_tau", found, found.ceiling_tau, says=_ceiling_says(found)),
        _row("ceiling_rho", found, found.ceiling_rho, says=_ceiling_rho_says(found)),
    ]
    for top in found.tops:
        share = top.shared / top.k
        at_random = top.k / max(found.networks, 1)
        row = _row("top_k_overlap", found, None, chance=at_random, says=_top_says(found, top))
        rows.append(row | {"k": top.k, "value": share, "p": top.p})
    rows += [
        _row("regret", found, top.regret, says=_regret_says(found, top)) | {"k": top.k}
        for top in found.tops
    ]
    rows.append(_row("regret_fresh_seed", found, found.fresh, says=_fresh_says(found)) | {"k": 1})
    return [jsonable(row) for row in rows]


def fidelity_sentences(found: Fidelity, notes: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The whole of it: who was compared, every number, what it rests on, and further `notes`."""
    said = [row["says"] for row in fidelity_rows(found)]
    return (compared_sentence(found), *said, SHARED_SEED_SENTENCE, *notes)


SHARED_SEED_SENTENCE = (
    "Both trainings of a network start from the same seed, and so from the same weights: where "
    "seed noise matters, they agree a little better than trainings from different seeds would."
)


def compared_sentence(found: Fidelity) -> str:
    """How many networks were compared, what became of them, and what a training took."""
    bad = [int(np.isinf(values).sum()) for values in (found.cheap, found.dear)]
    parts = [f"{found.networks} networks were trained under both proxies"]
    if found.left_out:
        parts.append(f"{found.left_out} more under one of them only, or not yet, and are left out")
    if any(bad):
        parts.append(
            f"{bad[0]} ended badly under the cheap proxy and {bad[1]} under the dear one, and "
            "count as tied for the worst"
        )
    else:
        parts.append("none ended badly")
    cheap, dear = found.seconds
    if np.isfinite(cheap) and np.isfinite(dear) and cheap > 0:
        parts.append(
            f"the median training took {cheap:.3g} s under the cheap and {dear:.3g} s under the "
            f"dear proxy, {dear / cheap:.2g} times as long by the wall clock"
        )
    return "; ".join(parts) + "."


def _row(
    what: str,
    found: Fidelity,
    estimate: Estimate | None,
    *,
    says: str,
    chance: float | None = None,
) -> Row:
    known = (estimate.value, estimate.lower, estimate.upper) if estimate else (None, None, None)
    return {
        "what": what,
        "k": None,
        **dict(zip(("value", "lower", "upper"), known, strict=True)),
        "chance": chance,
        "p": None,
        "n": estimate.n if estimate else found.networks,
        "says": says,
    }


def _bounds(estimate: Estimate) -> str:
    return (
        f"{estimate.value:.2f} ({100 * estimate.confidence:g} % interval {estimate.lower:.2f} to "
        f"{estimate.upper:.2f}, n = {estimate.n})"
    )


def _untold(found: Fidelity, name: str) -> str:
    return (
        f"{name} cannot be told from {found.networks} networks: it needs five at least, whose "
        "errors differ under both proxies."
    )


def _agreement_says(found: Fidelity) -> str:
    if found.tau is None:
        return _untold(found, "Kendall's τ-b")
    right = 50 * (1 + found.tau.value)
    return (
        f"Kendall's τ-b is {_bounds(found.tau)}: of two networks whose errors differ, the cheap "
        f"proxy puts about {right:.0f} % in the dear one's order, where guessing puts 50 %."
    )


def _rho_says(found: Fidelity) -> str:
    if found.rho is None:
        return _untold(found, "Spearman's ρ")
    return f"Spearman's ρ, the correlation of the ranks, is {_bounds(found.rho)}."


def _ceiling_says(found: Fidelity) -> str:
    ceiling, noise = found.ceiling_tau, found.dear_noise
    if ceiling is None:
        return (
            "How much of the disagreement is the dear proxy's seed noise cannot be told: three "
            "randomly chosen networks with two dear trainings are needed, whose errors differ, and "
            f"there {'is' if noise.networks == 1 else 'are'} {noise.networks or 'none'}."
        )
    against = ""
    if found.tau is not None:
        reached = found.tau.upper >= ceiling.lower
        against = (
            "; the intervals of this and of τ-b overlap, so noise alone could explain the rest"
            if reached
            else "; τ-b's interval ends below that, so that noise alone does not explain the rest"
        )
    return (
        f"The dear proxy's own seed noise caps τ at {_bounds(ceiling)} even for a cheap proxy that "
        f"knew the dear errors without noise{against}."
    )


def _ceiling_rho_says(found: Fidelity) -> str:
    if found.ceiling_rho is None:
        return "Nor can the ceiling of ρ."
    return f"For ρ that cap is {_bounds(found.ceiling_rho)}; both assume normal errors and noise."


def _top_says(found: Fidelity, top: Top) -> str:
    n = f"(n = {found.networks})"
    if top.k == 1:
        same = "is" if top.shared else "is not"
        return (
            f"The best network by the cheap proxy {same} the best by the dear one, which chance "
            f"alone makes it with probability {1 / found.networks:.2g} {n}."
        )
    verb = "is" if top.shared == 1 else "are"
    return (
        f"{top.shared or 'None'} of the {top.k} best networks by the cheap proxy {verb} among the "
        f"{top.k} best by the dear one; orders without relation share "
        f"{top.k**2 / found.networks:.2g} on average, and {top.shared} or more with probability "
        f"{top.p:.2g} {n}."
    )


def _regret_says(found: Fidelity, top: Top) -> str:
    kept = "the cheap proxy's best alone" if top.k == 1 else f"its {top.k} best"
    if top.regret is None:
        return f"The regret of training {kept} is not known: no network has a dear error."
    lost = points(top.regret.value)
    biased = ""
    if top.k == 1:
        biased = "; one dear seed decides what is best, so this is too high on average"
    return (
        f"Regret: training {kept} under the dear proxy gives up {lost} of error against the best "
        f"of all {found.networks} (resampled networks: {_points_interval(top.regret)}){biased}."
    )


def _fresh_says(found: Fidelity) -> str:
    if found.choice is not None and found.choice == found.best:
        return (
            f"Both proxies choose network {found.choice}, so there is no regret to measure again."
        )
    if found.fresh is None or found.choice is None:
        return (
            "The regret cannot be measured again without the first seed's luck: that needs a "
            "second dear training of both choices, and the seed noise."
        )
    return (
        f"With fresh dear seeds, network {found.choice} (the cheap choice) is worse than network "
        f"{found.best} (the dear choice) by {points(found.fresh.value)} "
        f"({_points_interval(found.fresh)} by seed noise; negative is better); as the dear choice "
        "may owe its place to luck, this is too low a regret on average."
    )


def points(error: float) -> str:
    """A difference of errors in percentage points, or in words where it is infinite."""
    return f"{100 * error:.1f} points" if np.isfinite(error) else "an infinite amount"


def _points_interval(estimate: Estimate) -> str:
    if not np.isfinite(estimate.upper):
        return interval(estimate)
    return f"{100 * estimate.lower:.1f} to {100 * estimate.upper:.1f}"


def table_row(row: Row) -> dict[str, str]:
    """A row as a person reads it: what it is, the value, its interval, chance and n."""
    few = row["what"] in ("top_k_overlap", "regret")
    name = f"{NAMES[row['what']]} {row['k']}" if few else NAMES[row["what"]]
    return {"number": name} | _numbers(row)


def _numbers(row: Row) -> dict[str, str]:
    what, value = row["what"], row["value"]
    if value is None:
        return {"value": "–", "interval": "–", "chance": "", "n": str(row["n"])}
    if what == "top_k_overlap":
        shared = f"{value * row['k']:.0f} of {row['k']}"
        chance = f"{row['chance'] * row['k']:.2g} of {row['k']}, p = {row['p']:.2g}"
        return {"value": shared, "interval": "", "chance": chance, "n": str(row["n"])}
    if what.startswith("regret"):
        low, high = (float(row[key]) for key in ("lower", "upper"))
        bounds = Estimate(value=float(value), lower=low, upper=high, n=row["n"])
        shown = points(float(value)), _points_interval(bounds)
        return {"value": shown[0], "interval": shown[1], "chance": "", "n": str(row["n"])}
    return {
        "value": f"{value:.2f}",
        "interval": f"{row['lower']:.2f} to {row['upper']:.2f}",
        "chance": "" if row["chance"] is None else f"{row['chance']:g}",
        "n": str(row["n"]),
    }


NAMES = {
    "kendall_tau_b": "Kendall's τ-b",
    "spearman_rho": "Spearman's ρ",
    "ceiling_tau": "Seed noise caps τ at",
    "ceiling_rho": "Seed noise caps ρ at",
    "top_k_overlap": "Same among the best",
    "regret": "Regret of the best",
    "regret_fresh_seed": "Regret by fresh seeds",
}


def choice_text(found: Fidelity) -> str:
    """The choices of both proxies and their errors, in a few words."""
    if found.choice is None or found.best is None:
        return "no network with an error under both"
    places = {index: place for place, index in enumerate(found.indices)}
    error = percent(float(found.dear[places[found.choice]]))
    least = percent(float(found.dear[places[found.best]]))
    return f"network {found.choice}: {error}, the best of all {least} (network {found.best})"
