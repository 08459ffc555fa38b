"""How far two proxies agree, as one HTML file: the scatter, every number, what it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
from scipy import stats

from dse.analysis.estimate import Estimate, FloatArray
from dse.analysis.fidelity import Fidelity
from dse.analysis.fidelity_text import choice_text, fidelity_rows, table_row
from dse.analysis.reliability import Reliability
from dse.dashboard import markup, theme
from dse.dashboard.figures.common import ERROR, error_range, styled
from dse.dashboard.page import Page, assemble
from dse.files import write_whole

HEIGHT = 520


def write_fidelity_page(
    found: Fidelity,
    sentences: Sequence[str],
    *,
    title: str,
    names: tuple[str, str],
    changed: Mapping[str, tuple[Any, Any]],
    provenance: Mapping[str, Any],
    path: Path,
) -> Path:
    """Write the page of a comparison, whole or not at all, and return the path.

    `names` are those of the cheap and the dear study, `changed` maps each setting of the proxy that
    differs to both values, and `provenance` is shown as it is.

    Raises:
        UserError: the file cannot be written.
    """
    page = render_fidelity(
        found, sentences, title=title, names=names, changed=changed, provenance=provenance
    )
    write_whole(path, page)
    return path


def render_fidelity(
    found: Fidelity,
    sentences: Sequence[str],
    *,
    title: str,
    names: tuple[str, str],
    changed: Mapping[str, tuple[Any, Any]],
    provenance: Mapping[str, Any],
) -> str:
    """The page's HTML. Every name in it is shown as text, and nothing is fetched."""
    page = Page()
    parts = [
        markup.section(
            "conclusion",
            "Conclusion",
            markup.tiles(_tiles(found)),
            markup.bullets(sentences, "conclusion"),
        ),
        _scatter(page, found),
        _numbers(found),
        _networks(found),
        _changes(changed),
        markup.section("method", "Method", markup.bullets(_METHOD), kind="method"),
        markup.section("provenance", "Provenance", markup.facts(provenance)),
    ]
    return assemble(
        title=title,
        subtitle=f"cheap: {names[0]}; dear: {names[1]}",
        parts=parts,
        figures=page.figures,
        first="conclusion",
    )


def scatter_figure(found: Fidelity) -> go.Figure:
    """Each network's error under the dear proxy against that under the cheap one.

    Grey bars are the interval of one training by seed noise, where it is known; the dashed line is
    equal error. Crosses on the right or on top are networks that ended badly.
    """
    x, y = (ERROR.factor * values for values in (found.cheap, found.dear))
    wide, tall = error_range(found.cheap), error_range(found.dear)
    figure = go.Figure()
    low, high = min(wide[0], tall[0]), max(wide[1], tall[1])
    figure.add_scatter(
        x=[low, high],
        y=[low, high],
        mode="lines",
        line={"color": theme.MEAN, "width": 1.5, "dash": "dash"},
        name="equal error",
        hoverinfo="skip",
    )
    indices = np.array(found.indices)
    good = np.isfinite(x) & np.isfinite(y)
    chosen = {"choice of the cheap proxy": found.choice, "choice of the dear proxy": found.best}
    if found.choice == found.best:
        chosen = {"choice of both proxies": found.choice}
    plain_ones = good & ~np.isin(indices, [i for i in chosen.values() if i is not None])
    bars = _bar(found.cheap_noise, "error_x") | _bar(found.dear_noise, "error_y")
    colours = (theme.BEST,) if len(chosen) == 1 else (theme.WORST, theme.BEST)
    layers = [("networks", plain_ones, theme.NETWORK, 8)]
    layers += [
        (name, good & (indices == index), colour, 11)
        for (name, index), colour in zip(chosen.items(), colours, strict=True)
    ]
    for name, where, colour, size in layers:
        figure.add_scatter(
            x=x[where],
            y=y[where],
            mode="markers",
            marker={"color": colour, "size": size, "line": {"width": 0}},
            customdata=indices[where],
            name=name,
            hovertemplate="network %{customdata}: cheap %{x:.1f} %, dear %{y:.1f} %<extra></extra>",
            **bars,
        )
    _add_bad(figure, indices, x, y, (wide[1], tall[1]))
    return styled(
        figure,
        HEIGHT,
        xaxis={"title": {"text": f"{ERROR.name}, cheap proxy [%]"}, "range": list(wide)},
        yaxis={"title": {"text": f"{ERROR.name}, dear proxy [%]"}, "range": list(tall)},
        legend={"orientation": "h", "yref": "paper", "y": 1.02, "yanchor": "bottom", "x": 0},
        hovermode="closest",
    )


def _bar(noise: Reliability, axis: str) -> dict[str, Any]:
    if noise.seed_std is None:
        return {}
    degrees = noise.seed_std.n * (noise.seeds - 1)
    half = float(stats.t.ppf(0.975, degrees)) * noise.seed_std.value
    style = {"color": theme.fade(theme.GREY, 0.55), "thickness": 1.2, "width": 0}
    return {axis: {"type": "constant", "value": ERROR.factor * half, **style}}


def _add_bad(
    figure: go.Figure, indices: Any, x: FloatArray, y: FloatArray, ends: tuple[float, float]
) -> None:
    bad = ~(np.isfinite(x) & np.isfinite(y))
    if not bad.any():
        return
    figure.add_scatter(
        x=np.where(np.isfinite(x), x, ends[0] * 0.995)[bad],
        y=np.where(np.isfinite(y), y, ends[1] * 0.995)[bad],
        mode="markers",
        marker={"color": theme.BAD, "size": 9, "symbol": "x", "line": {"width": 0}},
        customdata=[
            f"{index}: {_ended(a, 'cheap')}, {_ended(b, 'dear')}"
            for index, a, b in zip(indices[bad], x[bad], y[bad], strict=True)
        ],
        name="ended badly",
        hovertemplate="network %{customdata}<extra></extra>",
    )


def _ended(error: float, proxy: str) -> str:
    return f"{proxy} {error:.1f} %" if np.isfinite(error) else f"ended badly under the {proxy} one"


def _tiles(found: Fidelity) -> list[tuple[str, str, str]]:
    tiles = [("Networks", str(found.networks), f"{found.left_out} left out")]
    for name, estimate in (("Kendall's τ-b", found.tau), ("Spearman's ρ", found.rho)):
        if estimate:
            tiles.append((name, f"{estimate.value:.2f}", _bounds(estimate)))
    if found.ceiling_tau:
        ceiling = found.ceiling_tau
        tiles.append(("Seed noise caps τ at", f"{ceiling.value:.2f}", _bounds(ceiling)))
    if found.tops and found.tops[0].regret:
        lost = ERROR.factor * found.tops[0].regret.value
        shown = f"{lost:.1f} points" if np.isfinite(lost) else "infinite"
        tiles.append(("Regret of the cheap choice", shown, choice_text(found)))
    return tiles


def _bounds(estimate: Estimate) -> str:
    return f"{estimate.lower:.2f} to {estimate.upper:.2f}, n = {estimate.n}"


def _scatter(page: Page, found: Fidelity) -> str:
    if not found.networks:
        return ""
    figure = scatter_figure(found)
    tau = f"; Kendall's tau {found.tau.value:.2f}" if found.tau else ""
    described = f"Dear against cheap error of {found.networks} networks{tau}."
    bars = "Bars: 95 % of single trainings by seed noise. " if found.dear_noise.seed_std else ""
    return markup.section(
        "scatter",
        "Every network under both proxies",
        page.plot("scatter", figure, described),
        note=f"First seeds, n = {found.networks}. {bars}Only the order along each axis counts for "
        "τ and ρ: points that rise steadily agree, wherever the dashed line of equal error is.",
    )


def _numbers(found: Fidelity) -> str:
    columns = {"": "text", "Value": "", f"{100 * found.confidence:g} % interval": ""}
    columns |= {"By chance": "", "n": ""}
    rows = [tuple(table_row(row).values()) for row in fidelity_rows(found)]
    return markup.section("numbers", "Every number", markup.table("Numbers", columns, rows))


def _networks(found: Fidelity) -> str:
    x, y = (stats.rankdata(values, method="min") for values in (found.cheap, found.dear))
    order = np.argsort(found.cheap, kind="stable")
    columns = dict.fromkeys(("Network", "Cheap error [%]", "Dear error [%]"), "")
    columns |= dict.fromkeys(("Cheap rank", "Dear rank"), "")
    rows = [
        (
            found.indices[i],
            ERROR.number(float(found.cheap[i])),
            ERROR.number(float(found.dear[i])),
            int(x[i]),
            int(y[i]),
        )
        for i in order
    ]
    return markup.section("networks", "Networks", markup.table("Networks", columns, rows))


def _changes(changed: Mapping[str, tuple[Any, Any]]) -> str:
    columns = {"Setting of the proxy": "text", "Cheap": "text", "Dear": "text"}
    rows = [(key, *map(_shown, values)) for key, values in changed.items()]
    note = "All other settings are the same."
    return markup.section(
        "changes", "What differs between the proxies", markup.table("Changes", columns, rows),
        note=note,
    )  # fmt: skip


def _shown(value: Any) -> str:
    return "none" if value is None else str(value)


_METHOD = (
    "Networks are the sample: the first training of each counts under each proxy, final epoch, "
    "held-out error. A training that ended badly ties for the worst.",
    "Kendall's τ-b (Kendall 1945) and Spearman's ρ, with percentile bootstrap intervals (Efron "
    "1979) over networks. A perfect order, which every resample repeats, gets its inner bound from "
    "Fisher's z.",
    "Top k: the chance of as many common networks is hypergeometric, for orders without relation.",
    "Regret of k: the least dear error of the cheap proxy's k best, less the least of all. It is "
    "too high on average, because one dear seed's luck decides the least. Its interval is the "
    "spread over resampled networks, a rough one: the bootstrap of an extreme is not consistent.",
    "Regret by fresh seeds: the second dear errors of both choices, with Student's t interval by "
    "seed noise. It is too low on average, because the dear choice may owe its place to luck.",
    "Ceilings: attenuation by √ICC of the dear proxy (Spearman 1904), as a rank correlation of a "
    "bivariate normal (Greiner 1909, Pearson 1907).",
)
