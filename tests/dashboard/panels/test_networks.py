from __future__ import annotations

from dse.dashboard.panels.base import Options
from dse.dashboard.panels.networks import TOP_SHOWN, lineup
from dse.dashboard.view import View
from tests.dashboard.conftest import make_study


def test_the_best_networks_are_drawn_in_their_order(population):
    study = make_study(population)
    (plot,) = lineup(View(studies=(study,)), Options()).blocks
    shown = study.summary.best[:TOP_SHOWN]
    texts = [note.text for note in plot.figure.layout.annotations]
    assert [text.split(",")[0] for text in texts] == [
        f"<b>{best.rank}. {best.called}" for best in shown
    ]


def test_networks_whose_shape_is_not_known_are_not_drawn(population):
    population["architecture"] = [{"network": f"n{i}"} for i in population["index"]]
    assert lineup(View(studies=(make_study(population),)), Options()) is None
