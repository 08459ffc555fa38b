from __future__ import annotations

import numpy as np
import pytest

from dse.proxy.fractals import CHAINS, FILL, chaos_game, draw_system, fractal_images


def draw(**changes: int) -> np.ndarray:
    settings = {"classes": 4, "per_class": 10, "resolution": 32, "seed": 0, "split": 0}
    return fractal_images(**{**settings, **changes})


def test_images_are_a_pure_function_of_the_arguments() -> None:
    assert draw().dtype == np.uint8
    assert draw().shape == (4, 10, 32, 32)
    np.testing.assert_array_equal(draw(), draw())


@pytest.mark.parametrize("change", [{"seed": 1}, {"split": 1}])
def test_another_seed_or_split_gives_other_images(change: dict[str, int]) -> None:
    assert not (draw() == draw(**change)).all(axis=(2, 3)).any()


def test_more_classes_leave_the_first_ones_as_they_were() -> None:
    np.testing.assert_array_equal(draw(classes=6)[:4], draw())


@pytest.mark.parametrize("resolution", [16, 48])
def test_figures_are_bright_on_black_at_any_resolution(resolution: int) -> None:
    images = draw(resolution=resolution)
    assert images.shape[2:] == (resolution, resolution)
    background = (images == 0).mean(axis=(2, 3))
    assert (background > 0.3).all()
    assert (images.max(axis=(2, 3)) > 100).all()


def test_the_nearest_training_image_tells_the_class_far_better_than_chance() -> None:
    train = draw(classes=8, per_class=60).reshape(8 * 60, -1).astype(np.float32)
    test = draw(classes=8, per_class=20, split=1).reshape(8 * 20, -1).astype(np.float32)
    distance = ((test[:, None] - train[None]) ** 2).sum(axis=2)
    guess = distance.argmin(axis=1) // 60
    error = (guess != np.repeat(np.arange(8), 20)).mean()
    assert 0.02 < error < 0.6  # chance is 0.875; nor are the classes trivial


def test_a_system_contracts_and_its_figure_fills_the_unit_disc() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        system = draw_system(rng)
        assert np.linalg.svd(system[:, :, :2], compute_uv=False).max() < 1
        points = chaos_game(system[None], 40, rng)[0]
        assert points.shape == (40 * CHAINS, 2)
        radius = np.hypot(*points.T)
        assert 0.9 < np.quantile(radius, 0.98) < 1.1
        cells = np.unique(((points[radius < 1] + 1) * 16).astype(int), axis=0)
        assert FILL[0] * 0.7 < len(cells) / 32**2 < FILL[1] * 1.2
