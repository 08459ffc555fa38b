"""A described space as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from dse.cli.show import brief, show
from dse.space.describe.description import Description
from dse.space.describe.words import meaning_text, p_text, percent, size_text, statistic_text
from dse.space.sampling.budget import COUNTED
from dse.units import format_count

LEAST_SHOWN = 8
Row = Mapping[str, Any]


def show_description(found: Description) -> None:
    """Print what there is to say, one table a section."""
    space = found.space
    free = [row for row in found.parameters if row["free"]]
    fixed = ", ".join(
        f"{row['slot']} {row['prior'].removeprefix('fixed at ')}"
        for row in found.parameters
        if not row["free"]
    )
    title = f"{space['name']} ({space['hash']}): {space['stages']} stages, {size_text(space)}"
    if space["budget"]:
        title += f"\n{space['budget']}; {space['convention']}\n{space['population']}"
        title += f"; seed {space['seed']}, {space['draws']:,} networks"
    notes = [f"require {', and '.join(space['require'])}"] if space["require"] else []
    notes += [f"fixed: {fixed}"] if fixed else []
    if not space["budget"]:
        show([_prior(row) for row in free], False, title=title, caption="\n".join(notes))
        return
    notes.append(meaning_text(space, found.parameters, found.refused))
    show([_marginal(row) for row in free], False, title=title, caption="\n".join(notes))
    caption = "Intervals are exact 95 % ones (Clopper and Pearson)."
    if space["measured"]:
        caption += " Limits on what must be measured are left out here."
    least = [row for row in found.regions if row["share"] < 1]
    tables = [
        (
            map(_width, found.widths),
            "Widths",
            "Solved for the budget: drawn widths and growths give their proportions."
            if space["solved"]
            else "",
        ),
        (
            ({"draws": row["what"], **_share(row)} for row in found.feasibility),
            "Feasibility, of independent draws of the prior",
            caption,
        ),
        (
            (
                {"slot": row["slot"], "value": row["value"], **_share(row)}
                for row in least[:LEAST_SHOWN]
            ),
            f"The least feasible of {len(found.regions)} regions"
            if least
            else f"Of {len(found.regions)} regions each is feasible in all draws",
            "A region is a value of a slot, or about a quarter of its numbers; n of those in the "
            "space can meet the budget. The least of many shares is low by chance too; all of them "
            "with --json.",
        ),
        (map(_cost, found.costs), f"Cost; {space['convention']}", ""),
        (
            (_example(row, found) for row in found.examples),
            f"The first {len(found.examples)} networks",
            f"{space['duplicates']:,} of {space['draws']:,} networks equal an earlier one.",
        ),
    ]
    for rows, title, caption in tables:
        click.echo()
        show(rows, False, title=title, caption=caption)


_QUANTILES = {
    "minimum": "minimum",
    "5 %": "q05",
    "median": "median",
    "95 %": "q95",
    "maximum": "maximum",
}


def _prior(row: Row) -> dict[str, Any]:
    parts = (row["prior"], row["tie"], row["when"])
    return {"slot": row["slot"], "prior": "; ".join(part for part in parts if part)}


def _marginal(row: Row) -> dict[str, Any]:
    deviation = ""
    if row["deviation"] is not None:
        size = f"{row['deviation']:+.1f} ± {row['deviation_error']:.1f}"
        deviation = f"{size} points at {row['deviation_at']}"
    return {
        **_prior(row),
        "realised": row["realised"],
        "n": row["n"],
        "test": statistic_text(row),
        "p": "" if row["p"] is None else p_text(row["p"]),
        "largest deviation": deviation,
    }


def _share(row: Row) -> dict[str, Any]:
    return {
        "n": f"{row['n']:,}",
        "of": f"{row['of']:,}",
        "share": percent(row["share"]),
        "95 % interval": f"{percent(row['low'])} to {percent(row['high'])}",
    }


def _width(row: Row) -> dict[str, Any]:
    return {
        "stage": row["stage"],
        "median": f"{row['median']:g}",
        "middle 90 %": f"{row['q05']:g} to {row['q95']:g}",
        "all": f"{row['minimum']:g} to {row['maximum']:g}",
        "n": row["n"],
    }


def _cost(row: Row) -> dict[str, Any]:
    values = {name: format_count(row[key]) for name, key in _QUANTILES.items()}
    return {"metric": row["metric"], **values, "n": row["n"]}


def _example(row: Row, found: Description) -> dict[str, Any]:
    """A network in a line: its shape, and what else is free."""
    free = {slot["slot"].partition(".")[0] for slot in found.parameters if slot["free"]}
    architecture = row["architecture"]
    shape = ("depths", "dims", "kernel_sizes")
    others = {k: v for k, v in architecture.items() if k in free and k not in shape}
    return {
        "id": row["index"],
        **{metric: format_count(row[metric]) for metric in COUNTED},
        **{name: brief(architecture[name]) for name in shape},
        ", ".join(others): ", ".join(brief(value) or "none" for value in others.values()),
    }
