from __future__ import annotations

import numpy as np
import pytest

from dse.analysis.population import first_seeds
from dse.dashboard.figures.parallel import MOST_LINES, STRIP, parallel_figure
from tests.population import make_population

COLUMNS = ["arch.stem", "arch.kernel_sizes.1", "params", "arch.ls_init_value"]


@pytest.fixture(scope="module")
def rows():
    return first_seeds(make_population(40, diverged=(5, 17)))


def line(figure, index):
    trace = next(t for t in figure.data if index in set(t.customdata))
    where = np.asarray(trace.customdata) == index
    return np.asarray(trace.x)[where], np.asarray(trace.y)[where]


def level_place(axis, value):
    return axis["places"][axis["levels"].index(str(value))]


def test_every_network_is_a_line_through_each_of_its_values(rows):
    figure = parallel_figure(rows, COLUMNS)
    drawn = set().union(*(set(trace.customdata) for trace in figure.data))
    assert drawn == set(range(40))
    stem, kernel, params, _, error = figure.layout.meta["brush"]["rows"]
    for index, row in rows[rows["state"] == "complete"].set_index("index").iterrows():
        x, y = line(figure, index)
        assert abs(x[y == np.float32(STRIP)] - level_place(stem, row["arch.stem"])) < 0.5 / 3
        assert abs(x[y == 1] - level_place(kernel, row["arch.kernel_sizes.1"])) < 0.5 / 4
        share = np.log(row["params"] / params["from"]) / np.log(params["to"] / params["from"])
        assert x[y == 2] == pytest.approx(share, abs=1e-5)
        share = (row["error"] - error["from"]) / (error["to"] - error["from"])
        assert x[y == 4] == pytest.approx(share, abs=1e-5)
    assert params["log"]


def test_lines_leave_a_strip_where_they_enter_it_and_never_cross_it(rows):
    figure = parallel_figure(rows, COLUMNS)
    x, y = line(figure, 3)
    pieces = x.reshape(-1, 3), y.reshape(-1, 3)
    assert np.isnan(pieces[0][:, 2]).all()
    assert pieces[1][:, 0] == pytest.approx(np.arange(4) + STRIP)
    assert pieces[1][:, 1] == pytest.approx(np.arange(1, 5))
    assert pieces[0][1:, 0] == pytest.approx(pieces[0][:-1, 1])


def test_lines_of_a_level_lie_by_their_errors(rows):
    figure = parallel_figure(rows, COLUMNS)
    same = rows[(rows["arch.stem"] == "patch") & (rows["state"] == "complete")]
    starts = [line(figure, index)[0][0] for index in same.sort_values("error")["index"]]
    assert starts == sorted(starts)


def test_a_network_that_ended_badly_has_no_place_among_errors(rows):
    figure = parallel_figure(rows, COLUMNS)
    x, y = line(figure, 5)
    assert np.isnan(x[np.isclose(y, 4)]).all()


def test_a_missing_value_is_a_level_of_its_own(rows):
    axis = parallel_figure(rows, COLUMNS).layout.meta["brush"]["rows"][3]
    assert axis["levels"] == ["1e-06", "none"]


def test_many_networks_are_thinned_and_axes_still_span_all_of_them():
    rows = first_seeds(make_population(900, diverged=()))
    figure = parallel_figure(rows, ["params"])
    drawn = set().union(*(set(trace.customdata) for trace in figure.data))
    assert len(drawn) == MOST_LINES
    axis = figure.layout.meta["brush"]["rows"][0]
    assert (axis["from"], axis["to"]) == (rows["params"].min(), rows["params"].max())


def test_colours_are_of_the_error_and_the_best_is_drawn_last(rows):
    figure = parallel_figure(rows, COLUMNS)
    best = rows.loc[rows["error"].idxmin(), "index"]
    assert best in set(figure.data[-1].customdata)
    assert {trace.meta["role"] for trace in figure.data} == {"lines"}
