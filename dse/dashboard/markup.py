"""The report's HTML elements. Whatever is put in is text: each function escapes it."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go


def text(value: object) -> str:
    """`value` as HTML text, also safe within a quoted attribute."""
    return html.escape(str(value), quote=True)


def section(name: str, title: str, *parts: str, note: str = "", kind: str = "") -> str:
    """A section headed `title`, with an introducing `note` and ready HTML `parts`."""
    lines = [f'<section id="{text(name)}" class="{text(kind)}" aria-labelledby="{text(name)}-h">']
    lines.append(f'<h2 id="{text(name)}-h">{text(title)}</h2>')
    if note:
        lines.append(f'<p class="note">{text(note)}</p>')
    return "\n".join([*lines, *parts, "</section>"])


def group(kind: str, parts: Iterable[str]) -> str:
    """Ready HTML `parts` in a box of the style `kind`."""
    return "\n".join([f'<div class="{text(kind)}">', *parts, "</div>"])


def subheading(value: object) -> str:
    """A heading within a section."""
    return f"<h3>{text(value)}</h3>"


def paragraph(value: object) -> str:
    """A sentence by itself."""
    return f'<p class="note">{text(value)}</p>'


BUTTONS = 28
"""Pixels above a figure with a legend, which the figure's buttons would cover; see engine.css."""


def plot(name: str, described: str, height: int, *, legend: bool) -> str:
    """The place of the figure `name`, `described` for those who cannot see it.

    It is no `img`, which would hide the figure's buttons.
    """
    kind = "plot buttons" if legend else "plot"
    height += BUTTONS if legend else 0
    return (
        f'<figure><div class="{kind}" id="{text(name)}" role="figure" '
        f'aria-label="{text(described)}" style="height:{height}px"></div></figure>'
    )


def engine_part(name: str) -> str:
    """A place that the engine in the browser fills, with words for where there is none."""
    words = paragraph("Selections need JavaScript.")
    return f'<div data-part="{text(name)}"><noscript>{words}</noscript></div>'


def bullets(sentences: Iterable[str], kind: str = "") -> str:
    """Sentences as a list."""
    items = "\n".join(f"<li>{text(sentence)}</li>" for sentence in sentences)
    return f'<ul class="{text(kind)}">\n{items}\n</ul>'


def table(name: str, columns: Mapping[str, str], rows: Iterable[Sequence[object]]) -> str:
    """A table that scrolls sideways where it is too wide.

    `columns` maps each heading to its style: "" for numbers, "text" or "text wrap" for words.
    """
    kinds = [text(kind) for kind in columns.values()]
    head = "".join(
        f'<th scope="col" class="{kind}">{text(column)}</th>'
        for column, kind in zip(columns, kinds, strict=True)
    )
    body = "\n".join(
        "<tr>"
        + "".join(
            f'<td class="{kind}">{text(cell)}</td>' for cell, kind in zip(row, kinds, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{text(name)}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div>"
    )


def facts(values: Mapping[str, Any]) -> str:
    """Names and values, nested ones flattened (`versions: {torch: x}` is "versions, torch")."""
    items = "\n".join(
        f"<dt>{text(key)}</dt><dd>{text(value)}</dd>" for key, value in _flat(values, "")
    )
    return f'<dl class="facts">\n{items}\n</dl>'


def tiles(values: Iterable[tuple[str, str, str]]) -> str:
    """Key numbers: name, value and the small print that makes it honest."""
    items = "\n".join(
        f"<div><dt>{text(name)}</dt><dd>{text(value)}<small>{text(small)}</small></dd></div>"
        for name, value, small in values
    )
    return f'<dl class="tiles">\n{items}\n</dl>'


def plain_figures(figures: Mapping[str, go.Figure]) -> dict[str, Any]:
    """Figures as plain data, without their template, which a page has once."""
    plain = {name: json.loads(figure.to_json()) for name, figure in figures.items()}
    for figure in plain.values():
        figure["layout"].pop("template", None)
    return plain


def policy(scripts: Iterable[str]) -> str:
    """Content security policy: these scripts alone may run, and nothing may be fetched."""
    hashes = (base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts)
    allowed = " ".join(f"'sha256-{value}'" for value in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _flat(values: Mapping[str, Any], prefix: str) -> Iterable[tuple[str, Any]]:
    for key, value in values.items():
        name = f"{prefix}{str(key).replace('_', ' ')}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}, ")
        elif isinstance(value, (list, tuple)):
            yield name, ", ".join(map(str, value))
        else:
            yield name, value
