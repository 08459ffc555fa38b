from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dse.dashboard.figures.progress import bin_width, bin_words, progress_figure
from tests.large import make_landings, make_large


@pytest.fixture(scope="module")
def landings() -> pd.DataFrame:
    return make_landings(make_large(120))


def test_counts_rise_to_all_that_have_ended_by_state(landings) -> None:
    figure = progress_figure(landings, total=200)
    lines = [trace for trace in figure.data if trace.type == "scatter"]
    counts = landings["state"].value_counts()
    assert {t.name: t.y[-1] for t in lines} == {
        f"{state}, n = {n}": n for state, n in counts.items()
    }
    assert all((np.diff(trace.y) >= 0).all() for trace in lines)
    (line,) = figure.layout.shapes
    assert line.y0 == 200
    assert figure.layout.yaxis.range[1] > 200


def test_bars_hold_every_training_once_as_a_rate(landings) -> None:
    figure = progress_figure(landings)
    bars = [trace for trace in figure.data if trace.type == "bar"]
    assert sum(int(np.sum(trace.customdata)) for trace in bars) == len(landings)
    width = bars[0].width / 1000
    for bar in bars:
        assert np.asarray(bar.y) == pytest.approx(3600 / width * np.asarray(bar.customdata))


def test_times_are_utc_whatever_zone_they_are_told_in(landings) -> None:
    moved = landings.assign(finished=landings["finished"].dt.tz_convert("Asia/Tokyo"))
    naive = landings.assign(finished=landings["finished"].dt.tz_localize(None))
    first = progress_figure(landings).data[0].x
    assert (progress_figure(moved).data[0].x == first).all()
    assert (progress_figure(naive).data[0].x == first).all()


def test_of_many_trainings_the_curve_has_few_points() -> None:
    landings = make_landings(make_large(5000))
    lines = [t for t in progress_figure(landings).data if t.type == "scatter"]
    assert max(len(trace.x) for trace in lines) <= 400
    assert sum(trace.y[-1] for trace in lines) == len(landings)


def test_one_training_and_none_are_figures(landings) -> None:
    assert len(progress_figure(landings.head(1), 5).data) == 2
    assert progress_figure(landings.head(0)).data == ()


@pytest.mark.parametrize("span", [0, 9, 499, 501, 86_400, 90 * 86_400])
def test_a_bar_is_as_long_as_people_count(span: float) -> None:
    assert span <= 50 * bin_width(span)
    assert bin_words(bin_width(span)).split()[1] in ("s", "min", "h", "d")


def test_widths_are_said_in_the_largest_unit() -> None:
    assert [bin_words(s) for s in (30, 300, 10_800, 86_400)] == ["30 s", "5 min", "3 h", "1 d"]
