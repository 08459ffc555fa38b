"""Formula-driven image classes: every class is one iterated function system (IFS).

After FractalDB (Kataoka et al., "Pre-training without Natural Images", ACCV 2020): a class is a
handful of contracting affine maps, an image is the attractor that the chaos game draws with them.
The singular values of the maps are drawn as in Anderson and Farrell, "Improving Fractal
Pre-training", WACV 2022, which makes almost every draw a well-spread figure.

Images of one class differ by jitter of the coefficients, rotation, size, place and contrast.
Polarity is fixed (bright figure on black): networks start near chance otherwise.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

WARMUP: Final = 16  # chaos-game steps before a point counts as being on the attractor
CHAINS: Final = 64  # chaos games played side by side for each image
POINTS_PER_PIXEL_ROW: Final = 80  # points drawn = this x resolution: a figure is no full square
MAPS: Final = (2, 5)  # fewest and most affine maps in one system
FILL: Final = (0.12, 0.45)  # share of a 32 x 32 grid that a figure may cover
COEFFICIENT_JITTER: Final = 0.08  # standard deviation, on linear parts and offsets
ROTATION: Final = 0.6  # radians either way
SIZE: Final = (0.55, 0.9)  # of the image's side
CONTRAST: Final = (0.6, 1.0)


def fractal_images(
    *, classes: int, per_class: int, resolution: int, seed: int, split: int
) -> Bytes:
    """Draw `per_class` grey images of every class.

    `seed` alone decides the classes; `split` (0 train, 1 test) only picks other images of them.
    Returns uint8 of shape (classes, per_class, resolution, resolution).
    """
    images = np.empty((classes, per_class, resolution, resolution), np.uint8)
    for label in range(classes):
        system = draw_system(np.random.default_rng((seed, label)))
        rng = np.random.default_rng((seed, label, 1 + split))
        images[label] = draw_images(system, per_class, resolution, rng)
    return images


def draw_system(rng: np.random.Generator) -> Floats:
    """Draw one IFS whose attractor covers a sensible share of the picture.

    Returns float32 of shape (maps, 2, 3): each map is [A | b], a point p goes to A p + b. The
    attractor is moved and scaled into the unit disc about the origin.
    """
    while True:
        system = _random_system(rng)
        points = chaos_game(system[None], 4096 // CHAINS, rng)[0]
        centre = points.mean(axis=0)
        radius = np.quantile(np.hypot(*(points - centre).T), 0.98)
        inside = np.abs((points - centre) / radius) < 1
        cells = ((points - centre) / radius * 16 + 16)[inside.all(axis=1)].astype(np.int64)
        fill = np.unique(cells @ np.array([32, 1])).size / 32**2
        if FILL[0] <= fill <= FILL[1]:
            linear, offset = system[:, :, :2], system[:, :, 2]
            # Conjugate with p -> (p - centre) / radius: same A, b' = (A c + b - c) / radius.
            moved = (linear @ centre + offset - centre) / radius
            return np.concatenate([linear, moved[:, :, None]], axis=2).astype(np.float32)


def _random_system(rng: np.random.Generator) -> Floats:
    maps = int(rng.integers(MAPS[0], MAPS[1] + 1))
    singular = np.sort(rng.uniform(0.1, 1.0, (maps, 2)), axis=1)[:, ::-1]
    weight = (singular @ np.array([1.0, 2.0])).sum()
    singular = singular * rng.uniform(0.5 * (5 + maps), 0.5 * (6 + maps)) / weight
    singular = np.minimum(singular, 0.95)
    left, right = (_rotation(rng.uniform(-np.pi, np.pi, maps)) for _ in range(2))
    mirror = rng.choice([-1.0, 1.0], (maps, 1, 2))
    linear = left @ (singular[:, :, None] * right) * mirror
    offset = rng.uniform(-1, 1, (maps, 2, 1))
    return np.concatenate([linear, offset], axis=2).astype(np.float32)


def draw_images(system: Floats, count: int, resolution: int, rng: np.random.Generator) -> Bytes:
    """Draw `count` jittered images of one system: uint8 (count, resolution, resolution)."""
    systems = system + rng.normal(0, COEFFICIENT_JITTER, (count, *system.shape))
    points = chaos_game(_contracting(systems), POINTS_PER_PIXEL_ROW * resolution // CHAINS, rng)
    placed = _place(points, rng)
    return _render(placed, resolution, rng.uniform(*CONTRAST, count))


def _contracting(systems: npt.NDArray[np.float64]) -> Floats:
    """Scale down the maps that jitter has made expand, so that no point runs away."""
    largest = np.linalg.svd(systems[..., :2], compute_uv=False)[..., :1, None]
    systems[..., :2] *= np.minimum(1, 0.95 / largest)
    return systems.astype(np.float32)


def chaos_game(systems: Floats, steps: int, rng: np.random.Generator) -> Floats:
    """Play the chaos game for all systems at once.

    `systems` is (n, maps, 2, 3); a map is chosen with probability proportional to |det A|, so
    that points spread evenly over the attractor. Returns points (n, steps * CHAINS, 2).
    """
    n, maps = systems.shape[:2]
    area = np.abs(np.linalg.det(systems[:, :, :, :2].astype(np.float64))).mean(axis=0) + 0.01
    edges = np.cumsum(area / area.sum())[:-1]
    coefficients = np.ascontiguousarray(systems.reshape(n * maps, 6))
    first = np.arange(n)[:, None] * maps
    x, y = np.zeros((2, n, CHAINS), np.float32)
    points = np.empty((steps, n, CHAINS, 2), np.float32)
    for step in range(WARMUP + steps):
        chosen = np.searchsorted(edges, rng.random((n, CHAINS), np.float32))
        a, b, u, c, d, v = np.moveaxis(coefficients[first + chosen], -1, 0)
        x, y = a * x + b * y + u, c * x + d * y + v
        if step >= WARMUP:
            points[step - WARMUP, :, :, 0] = x
            points[step - WARMUP, :, :, 1] = y
    return np.ascontiguousarray(points.transpose(1, 0, 2, 3)).reshape(n, -1, 2)


def _place(points: Floats, rng: np.random.Generator) -> Floats:
    """Turn, scale and move every image's figure; coordinates become shares of the side."""
    n = len(points)
    turn = _rotation(rng.uniform(-ROTATION, ROTATION, n)).astype(np.float32)
    size = rng.uniform(*SIZE, (n, 1, 1)).astype(np.float32)
    centre = 0.5 + rng.uniform(-0.5, 0.5, (n, 1, 2)).astype(np.float32) * (1 - size)
    centred = points - points.mean(axis=1, keepdims=True)
    placed: Floats = centred @ turn.transpose(0, 2, 1) * (size / 2) + centre
    return placed


def _render(points: Floats, resolution: int, contrast: npt.NDArray[np.float64]) -> Bytes:
    """Count the points in every pixel and map counts to brightness on a log scale."""
    n = len(points)
    cells = np.floor(points * resolution).astype(np.int64)
    image = np.broadcast_to(np.arange(n)[:, None], cells.shape[:2])
    seen = ((cells >= 0) & (cells < resolution)).all(axis=2)
    flat = (image * resolution + cells[:, :, 1]) * resolution + cells[:, :, 0]
    counts = np.bincount(flat[seen], minlength=n * resolution**2)
    counts = counts.reshape(n, resolution, resolution)
    brightest = np.maximum(counts.max(axis=(1, 2), keepdims=True), 1)
    grey = np.log1p(counts) / np.log1p(brightest) * contrast[:, None, None]
    rounded: Bytes = np.round(255 * grey).astype(np.uint8)
    return rounded


def _rotation(angle: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Rotation matrices of shape (n, 2, 2) for n angles in radians."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], -2)
