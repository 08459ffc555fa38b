"""What a study says in few lines of HTML, for a notebook: light or dark, as the notebook is."""

from __future__ import annotations

from dse.dashboard.markup import text
from dse.dashboard.panels.findings import tiles_of
from dse.dashboard.theme import BLUE
from dse.dashboard.view import StudyData

_ROW = "display:flex;flex-wrap:wrap;gap:10px 28px;margin:8px 0"
_TILE = f"border-left:3px solid {BLUE};padding-left:10px"
_SMALL = "font-size:85%;opacity:.75"
_VALUE = "font-size:135%;font-weight:600"


def card(study: StudyData) -> str:
    """Key numbers and sentences; styles stand in the elements, as notebooks drop style sheets.

    Text and background are the notebook's own, so that it is read in any theme. Every name is shown
    as text.
    """
    tiles = "".join(
        f'<div style="{_TILE}"><div style="{_SMALL}">{text(name)}</div>'
        f'<div style="{_VALUE}">{text(value)}</div><div style="{_SMALL}">{text(small)}</div></div>'
        for name, value, small in (tiles_of(study.summary) if study.summary else ())
    )
    told = dict.fromkeys([*study.sentences, *study.cautions])
    sentences = "".join(f"<li>{text(sentence)}</li>" for sentence in told)
    return (
        f'<div style="max-width:80ch"><strong>{text(study.title)}</strong>'
        f'<div style="{_SMALL}">{text(study.kind)} {text(study.name)}</div>'
        + (f'<div style="{_ROW}">{tiles}</div>' if tiles else "")
        + (f'<ul style="margin:8px 0;padding-left:1.2em">{sentences}</ul>' if sentences else "")
        + "</div>"
    )
