"""Drawn networks that share everything but their numbers, and the closed forms of their cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dse.architecture.form import STEM, Form, cost_forms
from dse.architecture.spec import Architecture
from dse.architecture.widths import HALF_STEM, half_width, hidden_width, unit_for
from dse.errors import UserError
from dse.space.sampling.shapes import Array, Drawer, Draws

_FREE_OF_COST: Final = ("act_layer", "acts_per_block", "pointwise", "drop_path_rate", "stem_act")
"""Choices that change neither FLOPs nor parameters nor activations."""
_NUMBERS: Final = ("stem_width", "stem_ratio")
TOO_SMALL: Final = "too small an image for its stages"


@dataclass(frozen=True)
class Structure:
    """Everything of a network but its numbers.

    Attributes:
        choices: its choices by name.
        grouped: whether each stage has a group width.
        stem: whether the stem has a width of its own.
        stages: number of stages.
    """

    choices: tuple[tuple[str, Any], ...]
    grouped: bool
    stem: bool
    stages: int

    def forms(self, resolution: int) -> dict[str, Form]:
        """The closed forms of its metrics.

        Raises:
            UserError: no network of this structure can exist, or not at this resolution.
        """
        return _forms(self, resolution)

    def __getitem__(self, name: str) -> Any:
        return dict(self.choices).get(name)


@lru_cache(maxsize=4096)
def _forms(structure: Structure, resolution: int) -> dict[str, Form]:
    stages, choices = structure.stages, dict(structure.choices)
    plain = Architecture(
        **{
            **choices,
            "depths": (1,) * stages,
            "dims": (64,) * stages,
            "kernel_sizes": (1,) * stages,
            "groups": None if choices.get("groups") is None else 1,
            "group_width": 1 if structure.grouped else None,
            "stem_width": 32 if structure.stem else None,
        }
    )
    free = {"groups": plain.groups, "group_width": plain.group_width, STEM: plain.stem_width}
    given = frozenset(name for name, value in free.items() if value is not None)
    try:
        return cost_forms(plain, given, resolution=resolution)
    except UserError:
        raise UserError(TOO_SMALL) from None


def split(drawer: Drawer, draws: Draws) -> Iterator[tuple[Structure, NDArray[np.int64]]]:
    """The structures of some networks, each with the rows that have it."""
    n = len(draws["depths"])
    grouped = draws["group_width"][:, 0] > 0 if "group_width" in draws else np.zeros(n, dtype=bool)
    stem = np.zeros(n, dtype=bool)
    for name in _NUMBERS:
        if name in draws:
            stem |= stem_numbers(name, drawer, draws) > 0
    code = grouped * 2 + stem
    names = [
        name
        for name, values in drawer.values.items()
        if values is not None and name not in (*_FREE_OF_COST, *_NUMBERS)
    ]
    for name in names:
        code = code * len(drawer.values[name] or ()) + draws[name]
    for value in np.unique(code):
        rows = np.flatnonzero(code == value) if n > 1 else np.zeros(1, dtype=np.int64)
        first = rows[0]
        choices = tuple((name, _choice(drawer, draws, name, first)) for name in names)
        yield (
            Structure(choices, bool(grouped[first]), bool(stem[first]), drawer.space.stages),
            rows,
        )


def _choice(drawer: Drawer, draws: Draws, name: str, row: int) -> Any:
    values = drawer.values[name]
    assert values is not None
    return values[draws[name][row]]


def stem_numbers(name: str, drawer: Drawer, draws: Draws) -> NDArray[np.float64]:
    """Stem widths or ratios of n networks; 0 is none, and a ratio of 1 is none."""
    values = drawer.values[name]
    if values is None:
        return np.asarray(draws[name], dtype=np.float64)
    table = np.array([0.0 if value is None else float(value) for value in values])
    if name == "stem_ratio":
        table[table == 1] = 0
    return np.asarray(table[draws[name]])


@dataclass(frozen=True)
class Shapes:
    """Networks of one structure whose widths are not known yet.

    Attributes:
        structure: what they share.
        numbers: all numbers but widths, by their symbol in a form.
        ratios: hidden over output channels, shape (n, stages).
        group_widths: channels of a group, or the number of groups, shape (n, stages); 1 is free.
        stem_width: of shape (n,), or None.
        stem_ratio: of shape (n,), or None.
    """

    structure: Structure
    numbers: dict[str, Any]
    ratios: NDArray[np.float64]
    group_widths: NDArray[np.int64]
    stem_width: NDArray[np.float64] | None
    stem_ratio: NDArray[np.float64] | None

    @classmethod
    def of(cls, structure: Structure, drawer: Drawer, draws: Draws) -> Shapes:
        """The networks of some draws, all of that structure."""
        ratios = draws["expansion_ratio"]
        numbers = {
            f"{name}.{stage + 1}": draws[name][:, stage]
            for name in ("depths", "kernel_sizes")
            for stage in range(structure.stages)
        }
        units = np.ones(ratios.shape, dtype=np.int64)
        if structure.grouped:
            units = draws["group_width"].astype(np.int64)
            numbers |= {f"group_width.{stage + 1}": column for stage, column in enumerate(units.T)}
        elif structure["groups"] is not None:
            units[:] = numbers["groups"] = structure["groups"]
        stems = {
            name: stem_numbers(name, drawer, draws)
            for name in _NUMBERS
            if structure.stem and name in draws
        }
        return cls(
            structure=structure,
            numbers=numbers,
            ratios=ratios,
            group_widths=units,
            stem_width=stems.get("stem_width"),
            stem_ratio=stems.get("stem_ratio"),
        )

    def take(self, rows: Any) -> Shapes:
        """Some of the networks."""
        return Shapes(
            structure=self.structure,
            numbers={
                name: value[rows] if isinstance(value, np.ndarray) else value
                for name, value in self.numbers.items()
            },
            ratios=self.ratios[rows],
            group_widths=self.group_widths[rows],
            stem_width=None if self.stem_width is None else self.stem_width[rows],
            stem_ratio=None if self.stem_ratio is None else self.stem_ratio[rows],
        )

    def widths(self, dims: Array, *, rounded: bool = True) -> dict[str, Array]:
        """All widths that follow from those of the stages, by their symbol.

        Args:
            dims: shape (n, stages), or (n, stages, k) for k alternatives.
            rounded: whether widths are whole, as in a network; else they are in proportion.
        """
        ratios = self.ratios.reshape(self.ratios.shape + (1,) * (dims.ndim - 2))
        hidden = hidden_width(ratios, dims) if rounded else ratios * dims
        found = {}
        for stage in range(dims.shape[1]):
            found[f"dims.{stage + 1}"] = dims[:, stage]
            found[f"hidden.{stage + 1}"] = hidden[:, stage]
        stem = dims[:, 0]
        if self.stem_width is not None:
            stem = np.broadcast_to(_beside(self.stem_width, stem), stem.shape)
        elif self.stem_ratio is not None:
            stem = _beside(self.stem_ratio, stem) * stem
            stem = np.maximum(1, np.rint(stem)) if rounded else stem
        found[STEM] = stem
        if self.structure["stem"] == "overlap_tiered":
            half = half_width(stem.astype(np.int64)) if rounded else stem / 2
            found[HALF_STEM] = half
        return found

    def units(self, multiple_of: int) -> NDArray[np.int64]:
        """Widths must be multiples of these numbers, shape (n, stages), to fit their groups."""
        if (self.group_widths == 1).all():
            return np.full(self.ratios.shape, multiple_of)
        groups = self.group_widths
        if self.structure["block_order"] == "spatial_middle":
            units = _units(groups, self.ratios)
        elif self.structure["downsampling"] == "in_block":  # the next stage reads these channels
            units = np.lcm(groups, np.concatenate([groups[:, 1:], groups[:, -1:]], axis=1))
        else:
            units = groups
        return np.lcm(units, multiple_of)

    def fit(self, dims: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether groups divide the channels of every spatial convolution, and stems are needed."""
        fits = np.ones(len(dims), dtype=bool)
        widths = self.widths(dims)
        if self.structure.stem and self.structure["stem"] != "simple":
            fits &= widths[STEM] != dims[:, 0]  # such a stem takes no projection
        if (self.group_widths == 1).all():
            return fits
        read = dims
        if self.structure["block_order"] == "spatial_middle":
            read = hidden_width(self.ratios, dims)
        elif self.structure["downsampling"] == "in_block":
            before = np.concatenate([widths[STEM][:, None], dims[:, :-1]], axis=1)
            fits &= (before % self.group_widths == 0).all(axis=1)
        return np.asarray(fits & (read % self.group_widths == 0).all(axis=1))


def _beside(values: Array, other: Array) -> Array:
    return values.reshape(values.shape + (1,) * (other.ndim - 1))


def _units(groups: NDArray[np.int64], ratios: NDArray[np.float64]) -> NDArray[np.int64]:
    pairs = np.stack([groups.ravel().astype(np.float64), ratios.ravel()], axis=1)
    unique, inverse = np.unique(pairs, axis=0, return_inverse=True)
    units = np.array([_unit(int(group), float(ratio)) for group, ratio in unique])
    return np.asarray(units[inverse].reshape(groups.shape))


@lru_cache(maxsize=4096)
def _unit(group: int, ratio: float) -> int:
    return unit_for(group, ratio)
