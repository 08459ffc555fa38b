"""A space before any training, as one HTML file: priors, feasibility, widths and costs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dse.dashboard import markup
from dse.dashboard.figures.space import histogram_panel, marginal_panel, region_figure
from dse.dashboard.labels import label
from dse.dashboard.page import Page, assemble
from dse.files import write_whole
from dse.space.describe.description import Description
from dse.space.describe.words import (
    meaning_text,
    p_text,
    percent,
    shapes_text,
    size_text,
    statistic_text,
)

REGIONS_SHOWN = 40
Row = Mapping[str, Any]


def write_space_page(found: Description, path: str | Path) -> Path:
    """Write the page of a space that was described under a budget, and return the path.

    Raises:
        UserError: the file cannot be written.
    """
    write_whole(path, render_space(found))
    return Path(path)


def render_space(found: Description) -> str:
    """The page's HTML. Every name in it is shown as text, and nothing is fetched."""
    page = Page()
    parts = [
        _summary(found),
        _marginals(page, found),
        _regions(page, found),
        _widths(page, found),
        _costs(page, found),
        _examples(found),
        _slots(found),
        _provenance(found.space),
    ]
    return assemble(
        title=f"Design space {found.space['name']}",
        subtitle=f"{found.space['budget']}, before any training",
        parts=parts,
        figures=page.figures,
        first="summary",
    )


def _summary(found: Description) -> str:
    space = found.space
    inside, feasible = found.feasibility[:2]
    tiles = [
        ("Free choices", str(space["dimension"]), f"{space['stages']} stages"),
        ("Shapes", shapes_text(space["log10_size"]), _factorial(space)),
        ("Inside the space", *_share(inside, "draws of the prior")),
        ("Feasible", *_share(feasible, "draws inside")),
        ("Networks drawn", f"{space['draws']:,}", f"{space['duplicates']:,} equal an earlier one"),
    ]
    reasons = [
        f"{row['what']}: {row['n']:,} of {row['of']:,} ({percent(row['share'])})"
        for row in found.feasibility[2:]
    ]
    sentences = [
        f"The networks shown are of {space['population']}; seed {space['seed']}.",
        meaning_text(space, found.parameters, found.refused),
        *([f"Draws of the prior that were {'; '.join(reasons)}."] if reasons else []),
        *([f"Every network fulfils {' and '.join(space['require'])}."] if space["require"] else []),
    ]
    return markup.section(
        "summary",
        "The space under this budget",
        markup.tiles(tiles),
        markup.bullets(sentences, "conclusion"),
        note=space["description"],
    )


def _marginals(page: Page, found: Description) -> str:
    rows = [row for row in found.parameters if row["cells"]]
    if not rows:
        return ""
    plots = []
    for row in rows:
        figure = marginal_panel(row, _small_print(row))
        described = (
            f"{row['slot']}: prior {row['prior']}; realised {row['realised']}; n = {row['n']}."
        )
        plots.append(page.plot(f"slot-{row['slot']}", figure, described))
    return markup.section(
        "marginals",
        "What is drawn, beside the prior",
        markup.group("grid", plots),
        note="Bars: shares of the networks for which the value was drawn, with exact 95 % "
        "intervals. Diamonds: the prior; in an order, that of the ordered values. Where there "
        "are many numbers, each bar is a group of them that begins at the number below it.",
    )


def _regions(page: Page, found: Description) -> str:
    if not found.regions:
        return ""
    rows, share = found.regions[:REGIONS_SHOWN], found.feasibility[1]["share"]
    figure = region_figure(rows, share)
    least = rows[0]
    described = (
        f"Share that can meet the budget in {len(rows)} regions; the least is {least['slot']} "
        f"{least['value']}, {least['n']} of {least['of']}."
    )
    cut = (
        f"The {len(rows)} least of {len(found.regions)} regions"
        if len(found.regions) > len(rows)
        else f"All {len(rows)} regions"
    )
    return markup.section(
        "regions",
        "Where the budget can be met",
        page.plot("regions", figure, described),
        note=f"{cut}: a value of a slot, or about a quarter of its numbers, with exact 95 % "
        f"intervals, among {found.feasibility[1]['of']:,} independent draws of the prior inside "
        f"the space. Dashed: {percent(share)} of all. The least of many is low by chance too.",
    )


def _widths(page: Page, found: Description) -> str:
    assert found.dims is not None
    plots = []
    for row, values in zip(found.widths, found.dims.T, strict=True):
        name = f"Stage {row['stage']}"
        small = f"median {row['median']:g} [{row['q05']:g}, {row['q95']:g}]"
        figure = histogram_panel(values, f"{name} [channels]", small, label("width"))
        plots.append(page.plot(name, figure, f"Width of {name}: {small}."))
    return markup.section(
        "widths",
        "Widths",
        markup.group("grid", plots),
        note=f"Output channels of each stage, number of networks of n = {len(found.dims):,}; "
        "median [5 %, 95 %]."
        + (" Drawn widths and growths give their proportions." if found.space["solved"] else ""),
    )


def _costs(page: Page, found: Description) -> str:
    assert found.cost is not None
    plots = []
    for row, values in zip(found.costs, found.cost.T, strict=True):
        shown = label(row["metric"])
        low, median, high = (f"{shown.factor * row[k]:.4g}" for k in ("q05", "median", "q95"))
        small = f"median {median} [{low}, {high}]"
        figure = histogram_panel(values, shown.axis, small, shown)
        plots.append(page.plot(row["metric"], figure, f"{shown.axis}: {small}."))
    return markup.section(
        "costs",
        "Cost",
        markup.group("grid", plots),
        note=f"{found.space['convention']}, of one image; activations = output elements of the "
        f"same layers. Number of networks of n = {len(found.cost):,}; median [5 %, 95 %].",
    )


def _examples(found: Description) -> str:
    columns = {"Network": "", "GFLOPs": "", "Params [M]": "", "Acts. [M]": ""}
    shape = {"Depths": "depths", "Widths": "dims", "Kernels": "kernel_sizes"}
    free = [row["slot"].partition(".")[0] for row in found.parameters if row["free"]]
    others = [name for name in dict.fromkeys(free) if name not in shape.values()]
    rows = []
    for row in found.examples:
        architecture = row["architecture"]
        costs = (label(metric).number(row[metric]) for metric in ("flops", "params", "activations"))
        numbers = ("-".join(map(str, architecture[name])) for name in shape.values())
        rest = ", ".join(
            f"{name} {_shown(architecture[name])}" for name in others if name in architecture
        )
        rows.append((row["index"], *costs, *numbers, rest))
    return markup.section(
        "examples",
        f"The first {len(rows)} networks",
        markup.table(
            "Examples",
            {**columns, **dict.fromkeys(shape, "text"), "Other free choices": "text"},
            rows,
        ),
    )


def _slots(found: Description) -> str:
    columns = {"Slot": "text", "Prior": "text wrap", "n": "", "Test": "text", "p": ""}
    columns |= {"p (Holm)": "", "Largest deviation": "text"}
    rows = [
        (
            row["slot"],
            "; ".join(part for part in (row["prior"], row["tie"], row["when"]) if part),
            "" if row["n"] is None else f"{row['n']:,}",
            statistic_text(row) if row["free"] else "",
            *("" if row[k] is None else p_text(row[k]) for k in ("p", "p_holm")),
            _deviation(row),
        )
        for row in found.parameters
    ]
    return markup.section(
        "slots",
        "Every slot",
        markup.table("Slots", columns, rows),
        note="Chi-square over values, or pools of them that are expected five times at least; "
        "Kolmogorov-Smirnov (KS) for a continuum. Deviations are in percentage points of the "
        "networks, with the standard error of such a share if the prior holds.",
    )


def _provenance(space: Row) -> str:
    names = ("name", "hash", "stages", "budget", "population", "seed", "draws", "convention")
    facts = {name: space[name] for name in names} | {"size": size_text(space)}
    return markup.section("provenance", "Provenance", markup.facts(facts))


def _small_print(row: Row) -> str:
    if row["p"] is None:
        return f"n = {row['n']:,}" + (f"; {row['note']}" if row["note"] else "")
    return f"n = {row['n']:,}, {statistic_text(row)}, p = {p_text(row['p'])}"


def _deviation(row: Row) -> str:
    if row["deviation"] is None:
        return ""
    return f"{row['deviation']:+.1f} ± {row['deviation_error']:.1f} at {row['deviation_at']}"


def _share(row: Row, what: str) -> tuple[str, str]:
    small = f"{row['n']:,} of {row['of']:,} {what}, {percent(row['low'])} to {percent(row['high'])}"
    return percent(row["share"]), small


def _factorial(space: Row) -> str:
    exact = space["log10_size_factorial"]
    return "" if exact is None else f"{shapes_text(exact)} as RegNet counts orderings"


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return "-".join(map(str, value))
    return "none" if value is None else str(value)
