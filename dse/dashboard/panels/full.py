"""Full trainings, beside the proxy that their networks were chosen by."""

from __future__ import annotations

from dse.analysis.full import NOTE, SELECTED, FullTraining, table_row
from dse.dashboard import markup
from dse.dashboard.panels.base import Options, Section
from dse.dashboard.view import View

COLUMNS = {
    "Network": "",
    "Seed": "",
    "Proxy": "",
    "Full training": "",
    "95 % interval": "",
    "Epochs": "",
    "Data": "text",
    "Study": "text",
}


def full_trainings(view: View, options: Options) -> Section | None:
    """The table of the full trainings of all studies, each once."""
    found: dict[tuple[str, str, int, int], FullTraining] = {
        (study.store, each.study.name, each.index, each.replicate): each
        for study in view.studies
        for each in study.full
    }
    if not found:
        return None
    rows = [tuple(table_row(each).values()) for each in found.values()]
    return Section(
        title="Full trainings",
        blocks=[markup.table("Full trainings", COLUMNS, rows)],
        note=f"{NOTE} {SELECTED}",
    )
