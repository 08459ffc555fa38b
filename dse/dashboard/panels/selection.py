"""The selection: the panel that the engine in the browser fills, see `assets/selection.js`."""

from __future__ import annotations

from dse.dashboard import markup
from dse.dashboard.panels.base import Options, Section
from dse.dashboard.view import View


def selection(view: View, options: Options) -> Section | None:
    """The conditions, the number and the table of the networks that are selected."""
    if all(study.networks.empty for study in view.studies):
        return None
    return Section(
        title="Selection",
        blocks=[markup.engine_part("selection")],
        note="Drag a box over a figure, or add a condition: all figures show the selected networks "
        "beside the others. A click on a point opens its network, a double click on a figure takes "
        "its part of the selection back. What was selected by its errors is no random sample: its "
        "curves are descriptions, and bands are drawn only where the errors were not looked at.",
    )
