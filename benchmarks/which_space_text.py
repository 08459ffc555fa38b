"""The table of `which_space.py` and what its rows say together."""

from __future__ import annotations

from typing import Any

import numpy as np

from dse.analysis.distributions import quantile

MOST, MOST_ADJUSTED, NULL_SIZES = 4000, 1000, (50, 100)


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    lines = [
        "# Networks needed to tell which of two spaces is better",
        "",
        f"Both spaces together, in 80 % of {result['resamples']} resamples, at the level of 5 %.",
        "How: `benchmarks/which_space.py`. The ratio is KS over `parts`, a lower bound where KS",
        f"needs more than {MOST}. True nulls ({result['nulls']} resamples each), rejections [%]:",
        "`parts` on shifted errors with the number it needs / 50 / 100; `adjusted` on the first",
        "space twice with that number; KS on the first space twice with its own.",
        "",
    ]
    if result["pairs_done"] < result["pairs_planned"]:
        lines += [
            f"Done are the first {result['pairs_done']} of {result['pairs_planned']} pairs; "
            "`--go-on` does the others.",
            "",
        ]
    for design, m in result["median_ratio"].items():
        lines.append(
            f"- Median ratio of KS over {design}: {m['value']} (95 % interval {m['lower']} to "
            f"{m['upper']}, {m['pairs']} pairs)"
        )
    for kind, found in result["true_nulls_rejected"].items():
        lines.append(
            f"- True nulls rejected, {kind}: {100 * found['mean']:.2f} % on average, "
            f"{100 * found['least']:.1f} to {100 * found['most']:.1f} % ({found['rates']} rates)"
        )
    lines += [
        "",
        "| A / B | error of A over B | KS | Welch | adjusted | parts | ratio | null parts | "
        "null adjusted | null KS |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(table_row(row) for row in result["rows"]),
    ]
    return "\n".join(lines) + "\n"


def table_row(row: dict[str, Any]) -> str:
    """One pair's line."""
    needs, nulls = row["needs"], row["rejected_true_nulls"]
    own = [needs["parts"]] if needs["parts"] else []

    def rates(kind: str, sizes: list[int | None]) -> str:
        return " / ".join(f"{100 * nulls[kind][n]:.1f}" for n in sizes if n)

    value = ratio(row)
    cells = [
        row["pair"],
        f"{row['true_ratio_of_typical_errors']:.3f}",
        *(str(needs[d] or f"> {MOST}") for d in ("ks", "welch")),
        str(needs["adjusted"] or f"> {MOST_ADJUSTED}"),
        str(needs["parts"] or f"> {MOST}"),
        f"{'' if needs['ks'] else '> '}{value:.1f}",
        rates("parts, shifted", [*own, *NULL_SIZES]),
        rates("adjusted, same space", list(own)),
        rates("ks, same space", [needs["ks"]]),
    ]
    return f"| {' | '.join(cells)} |"


def ratio(row: dict[str, Any], design: str = "parts") -> float:
    """KS's networks over the design's; at its limit where it needs more."""
    needs = row["needs"]
    most = MOST_ADJUSTED if design == "adjusted" else MOST
    return (needs["ks"] or MOST) / (needs[design] or most)


def median_ratio(rows: list[dict[str, Any]], design: str) -> dict[str, Any]:
    """The median over pairs, with its exact interval."""
    found = quantile([ratio(row, design) for row in rows], 0.5)
    return {
        "value": round(found.value, 2),
        "lower": round(found.lower, 2),
        "upper": round(found.upper, 2),
        "pairs": found.n,
    }


def pooled(rows: list[dict[str, Any]], kind: str) -> dict[str, float]:
    """Rates of rejection over all pairs and sizes."""
    rates = [rate for row in rows for rate in row["rejected_true_nulls"][kind].values()]
    return {
        "mean": round(float(np.mean(rates)), 4),
        "least": min(rates),
        "most": max(rates),
        "within_4_to_6_percent": round(float(np.mean([0.04 <= r <= 0.06 for r in rates])), 3),
        "rates": len(rates),
    }
