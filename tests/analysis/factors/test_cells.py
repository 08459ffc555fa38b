from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dse.analysis.factors.cells import cells
from dse.analysis.factors.effects import mean_interval
from dse.analysis.factors.levels import networks
from tests.population import make_population


@pytest.fixture(scope="module")
def found():
    return networks(make_population(80, diverged=(3, 17)))


def test_each_cell_is_the_mean_of_its_networks_with_students_interval(found):
    table = cells(found, ("norm_layer", "stem"))
    a, b = table.factors
    for i in range(len(a.levels)):
        for j in range(len(b.levels)):
            errors = found.capped[(a.codes == i) & (b.codes == j)]
            expected = mean_interval(errors)
            assert expected is not None
            assert table.n[i, j] == len(errors)
            shown = [part[i, j] for part in (table.mean, table.lower, table.upper)]
            assert shown == pytest.approx([expected.value, expected.lower, expected.upper])


def test_cells_count_every_network_once_and_those_that_ended_badly(found):
    table = cells(found, ("act_layer", "kernel_sizes.1"))
    assert table.n.shape == (4, 4)
    assert table.n.sum() == 80
    assert table.bad.sum() == 2


def test_an_empty_cell_has_no_mean_and_a_single_network_no_interval():
    frame = make_population(6, diverged=()).query("replicate == 0")
    frame["arch.a"], frame["arch.b"] = list("xxxyyy"), list("ppqppp")
    table = cells(networks(frame), ("a", "b"))
    assert table.n.tolist() == [[2, 1], [3, 0]]
    assert np.isnan(table.mean[1, 1])
    assert np.isposinf(table.upper[0, 1])
    assert np.isneginf(table.lower[0, 1])


def test_few_are_cells_of_some_networks_but_less_than_five():
    frame = make_population(12, diverged=()).query("replicate == 0")
    frame["arch.a"], frame["arch.b"] = list("xxxxxxxxxyyy"), list("ppppppqqqqqq")
    few = cells(networks(frame), ("a", "b")).is_few
    assert few.tolist() == [[0, 1], [1, 1]]


def test_rows_that_have_not_ended_are_no_networks_of_a_cell():
    frame = make_population(20, diverged=())
    waiting = frame.head(1).assign(index=99, state="waiting", error=np.nan)
    table = cells(networks(pd.concat([frame, waiting])), ("norm_layer", "stem"))
    assert table.n.sum() == 20
