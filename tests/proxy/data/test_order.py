from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dse.proxy.data.order import choose_classes, choose_images, held_out, stratified_order

LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(5), 20))


@given(st.integers(1, 6), st.integers(1, 8), st.integers(0, 48))
def test_any_prefix_of_classes_of_one_size_holds_them_equally(
    classes: int, each: int, prefix: int
) -> None:
    labels = np.repeat(np.arange(classes), each)
    counts = np.bincount(labels[stratified_order(labels)][:prefix], minlength=classes)
    assert counts.max() - counts.min() <= 1


@given(st.lists(st.integers(1, 40), min_size=1, max_size=5), st.floats(0, 1))
def test_any_prefix_of_unequal_classes_holds_them_in_proportion(
    sizes: list[int], share: float
) -> None:
    labels = np.repeat(np.arange(len(sizes)), sizes)
    order = stratified_order(labels)
    assert sorted(order.tolist()) == list(range(len(labels)))
    prefix = round(share * len(labels))
    counts = np.bincount(labels[order[:prefix]], minlength=len(sizes))
    expected = prefix * np.array(sizes) / len(labels)
    assert np.abs(counts - expected).max() <= 0.5 + len(sizes) / 2


def test_fewer_classes_and_images_of_a_seed_are_among_more() -> None:
    few, more = choose_classes(100, 10, seed=3), choose_classes(100, 20, seed=3)
    assert set(few) < set(more)
    assert few.tolist() == sorted(few)
    assert choose_classes(100, 10, seed=4).tolist() != few.tolist()
    assert choose_classes(7, None, seed=3).tolist() == list(range(7))
    small = choose_images(LABELS, np.array([1, 3]), 4, seed=0, split=0)
    large = choose_images(LABELS, np.array([0, 1, 3]), 9, seed=0, split=0)
    assert set(small) < set(large)
    assert np.bincount(LABELS[large]).tolist() == [9, 9, 0, 9]
    assert set(choose_images(LABELS, np.array([1, 3]), 4, seed=1, split=0)) != set(small)
    assert set(choose_images(LABELS, np.array([1, 3]), 4, seed=0, split=1)) != set(small)


def test_what_is_held_out_is_a_share_of_each_class_and_never_all() -> None:
    test = held_out(LABELS, 0.25, seed=0)
    assert np.bincount(LABELS[test]).tolist() == [5] * 5
    assert not np.array_equal(test, held_out(LABELS, 0.25, seed=1))
    tiny = np.array([0, 1, 1])
    assert np.bincount(tiny[held_out(tiny, 0.9, seed=0)], minlength=2).tolist() == [0, 1]
