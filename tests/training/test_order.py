from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.training.order import batches, held_out_share, order, share


def test_an_order_has_every_image_once_and_follows_from_seed_and_epoch() -> None:
    first = order(0, 0, 1000)
    assert sorted(first) == list(range(1000))
    assert np.array_equal(first, order(0, 0, 1000))
    assert not np.array_equal(first, order(0, 1, 1000))
    assert not np.array_equal(first, order(1, 0, 1000))


def test_the_smaller_last_batch_is_left_out() -> None:
    found = batches(3, 2, 23, 6)
    assert found.shape == (3, 6)
    assert found.ravel().tolist() == order(3, 2, 23)[:18].tolist()


@given(pairs=st.integers(1, 40), world=st.integers(1, 8), half=st.integers(1, 50))
def test_any_number_of_processes_and_any_micro_batch_make_the_same_step(
    pairs: int, world: int, half: int
) -> None:
    batch = np.random.default_rng(pairs).permutation(2 * pairs)
    world = min(world, pairs)
    shares = [share(batch, rank=r, world=world, micro_batch=2 * half) for r in range(world)]
    together = [micro for parts in shares for micro in parts]
    assert np.concatenate([micro.images for micro in together]).tolist() == batch.tolist()
    assert all(len(micro.images) <= 2 * half for micro in together)
    assert all(micro.first % 2 == len(micro.images) % 2 == 0 for micro in together)
    assert all(batch[micro.first] == micro.images[0] for micro in together)
    counts = [sum(len(micro.images) for micro in parts) for parts in shares]
    assert max(counts) - min(counts) <= 2
    for parts in shares:
        sizes = [len(micro.images) for micro in parts]
        assert max(sizes) - min(sizes) <= 2


@pytest.mark.parametrize("world", [1, 2, 3, 7, 12])
def test_over_all_processes_every_test_image_comes_once(world: int) -> None:
    shares = [held_out_share(10, rank=rank, world=world) for rank in range(world)]
    assert sorted(index for part in shares for index in part) == list(range(10))
