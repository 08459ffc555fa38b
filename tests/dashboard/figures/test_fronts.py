from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dse.analysis.pareto import pareto_front
from dse.dashboard import theme
from dse.dashboard.figures.common import Look
from dse.dashboard.figures.fronts import front_figure
from tests.large import make_large


def networks(n: int = 60, **changes: object) -> pd.DataFrame:
    rows = make_large(n, **changes)
    return rows[rows["replicate"] == 0].reset_index(drop=True)


def points(figure):
    return [t for t in figure.data if t.meta and t.meta["role"] == "networks" and len(t.x)]


def step_of(figure):
    (step,) = [t for t in figure.data if t.line.shape == "hv"]
    return np.asarray(step.x, float), np.asarray(step.y, float)


def test_every_network_is_one_point_and_those_of_the_front_stand_out() -> None:
    rows = networks()
    drawn = points(front_figure(rows, "params"))
    index = np.concatenate([np.asarray(t.customdata) for t in drawn])
    assert sorted(index) == list(range(60))
    good = rows[rows["state"] == "complete"]
    front = good["index"][pareto_front(good[["params", "error"]])]
    large = [t for t in drawn if t.marker.size == 9]
    assert [sorted(t.customdata) for t in large] == [sorted(front)]
    assert "on the front" in large[0].hovertemplate
    assert f"front of {len(front)}" in drawn[0].name


@pytest.mark.parametrize("better", ["less", "more"])
def test_no_network_lies_beyond_the_step(better: str) -> None:
    rows = networks(200)
    x, y = step_of(front_figure(rows, "params", better=better))
    good = rows[rows["state"] == "complete"]
    sign = 1 if better == "less" else -1
    assert (np.diff(sign * x) >= 0).all()
    assert (np.diff(y) <= 0).all()
    for cost, error in zip(1e-6 * good["params"], 100 * good["error"], strict=True):
        reached = y[sign * x <= sign * cost + 1e-9]
        assert reached.min() <= error + 1e-9


def test_where_neither_is_better_there_is_no_front() -> None:
    figure = front_figure(networks(), "params", better=None)
    assert not [t for t in figure.data if t.line.shape == "hv"]
    assert "front" not in figure.data[0].name


def test_a_search_has_other_marks_and_no_statistic_of_a_population() -> None:
    rows = pd.concat([networks(study="s"), networks(study="t", seed=1)])
    looks = (
        Look(study="s", colour=theme.BLUE),
        Look(study="t", colour=theme.VERMILLION, is_sample=False),
    )
    survey, search = [t for t in points(front_figure(rows, "params", looks)) if t.name]
    assert survey.marker.symbol == "circle"
    assert search.marker.symbol == "diamond-open"
    assert "ρ" in survey.name
    assert "ρ" not in search.name
    assert search.name.startswith("t (search)")


def test_bad_ends_are_crosses_with_their_state_at_their_cost() -> None:
    rows = networks(200, bad=0.1)
    (crosses,) = [t for t in points(front_figure(rows, "params")) if t.marker.symbol == "x"]
    bad = rows[rows["state"] != "complete"]
    assert sorted(crosses.customdata) == sorted(bad["index"])
    assert set(crosses.text) == {"diverged"}


def test_a_box_selects_by_cost_and_error_and_by_error_alone_where_the_cost_is_measured() -> None:
    assert front_figure(networks(), "params").layout.meta["brush"] == {
        "x": {"column": "params", "factor": 1e-6},
        "y": {"column": "error", "factor": 100},
    }
    rows = networks().assign(latency=0.002)
    brush = front_figure(rows, "latency", in_table=False).layout.meta["brush"]
    assert list(brush) == ["y"]


def test_spreads_are_drawn_from_the_ends_to_the_number_in_shown_units() -> None:
    latency = np.linspace(0.001, 0.002, 60)
    rows = networks(bad=0).assign(
        **{"latency": latency, "latency.low": 0.9 * latency, "latency.high": 1.2 * latency}
    )
    for trace in points(front_figure(rows, "latency", in_table=False)):
        index = np.asarray(trace.customdata)
        assert trace.error_x.arrayminus == pytest.approx(100 * latency[index])
        assert trace.error_x.array == pytest.approx(200 * latency[index])
    without = front_figure(
        rows.assign(**{"latency.low": np.nan, "latency.high": np.nan}), "latency"
    )
    assert all(trace.error_x.array is None for trace in points(without))


def test_conditions_stand_under_the_axis() -> None:
    text = front_figure(networks(), "params", conditions="one GPU").layout.xaxis.title.text
    assert text.startswith("Parameters [M]<br>")
    assert "one GPU" in text


def test_of_many_networks_some_are_drawn_all_of_the_front_among_them() -> None:
    rows = networks(3000)
    drawn = points(front_figure(rows, "params", most=100))
    assert sum(len(t.x) for t in drawn) == 100
    good = rows[rows["state"] == "complete"]
    front = good["index"][pareto_front(good[["params", "error"]])]
    assert set(front) <= {i for t in drawn for i in t.customdata}
    assert "n = 3,000" in drawn[0].name


def test_of_nothing_but_bad_ends_there_is_still_a_figure() -> None:
    rows = networks(5).assign(state="failed", error=np.nan)
    assert len(points(front_figure(rows, "params"))) == 1
