from __future__ import annotations

import time

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from dse.analysis.pareto import pareto_front

POINTS = arrays(
    np.float64,
    array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12),
    elements=st.integers(0, 5).map(float),
)


def test_a_front_by_hand() -> None:
    points = [(1, 5), (2, 3), (2, 4), (3, 3), (4, 1), (4, 1), (9, 9)]
    assert pareto_front(points).tolist() == [True, True, False, False, True, True, False]


def test_of_one_objective_the_least_are_the_front() -> None:
    assert pareto_front([[0.3], [0.1], [0.1], [0.2]]).tolist() == [False, True, True, False]


def test_of_no_points_there_is_no_front() -> None:
    assert pareto_front(np.empty((0, 2))).tolist() == []


@given(POINTS)
def test_no_point_of_a_front_is_dominated_and_every_other_point_is_by_one(
    points: np.ndarray,
) -> None:
    front = pareto_front(points)
    assert front.any()
    for point, is_front in zip(points, front, strict=True):
        others = points[front]
        dominated = ((others <= point).all(axis=1) & (others < point).any(axis=1)).any()
        assert dominated != is_front


def test_of_two_objectives_the_front_is_that_of_three_with_a_constant() -> None:
    points = np.random.default_rng(0).integers(0, 40, (300, 2)).astype(np.float64)
    third = np.column_stack([points, np.zeros(300)])
    assert pareto_front(points).tolist() == pareto_front(third).tolist()


def test_a_front_of_many_points_is_quick() -> None:
    points = np.random.default_rng(0).random((200_000, 2))
    start = time.process_time()
    assert 0 < pareto_front(points).sum() < 100
    assert time.process_time() - start < 1


@given(POINTS, st.randoms())
def test_a_front_does_not_depend_on_order_nor_on_scale(points: np.ndarray, rng: object) -> None:
    order = np.random.default_rng(len(points)).permutation(len(points))
    front = pareto_front(points)
    assert (pareto_front(points[order]) == front[order]).all()
    assert (pareto_front(np.exp(points)) == front).all()
