"""Points of the unit cube into networks, column by column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dse.space.language.design_space import DesignSpace
from dse.space.language.parameters import Parameter, QuantizedLinear, StageParameter, Widths
from dse.space.language.priors import Prior, Value
from dse.space.sampling.chains import Chain

Array = NDArray[Any]
Draws = dict[str, Array]
"""n networks by name: `depths`, `kernel_sizes`, `expansion_ratio` and `group_width` (0 is none) of
shape (n, stages); `proportions` of the widths, which are known up to a common factor, and `dims`
where the space draws widths themselves; choices of the whole network as numbers into
`Drawer.values`, or as numbers proper where they are a continuum."""

STAGED: Final = ("depths", "kernel_sizes", "expansion_ratio", "group_width")
WRONG_STAGES: Final = "quantised to another number of stages"
_QUANTUM: Final = 8
"""RegNet's widths are multiples of 8."""


@dataclass(frozen=True)
class Drawer:
    """Draws networks of a space, but for the scale of their widths."""

    space: DesignSpace

    @cached_property
    def columns(self) -> dict[str, int]:
        """Which coordinate of a point each free value is drawn from."""
        free = (name for name, prior in self.space.slots.items() if not prior.is_fixed)
        return {name: column for column, name in enumerate(free)}

    @cached_property
    def values(self) -> dict[str, tuple[Value, ...] | None]:
        """The values of each choice of the whole network; None is a continuum."""
        parameters = self.space.parameters
        found: dict[str, tuple[Value, ...] | None] = {}
        for name in parameters.order:
            parameter = getattr(parameters, name)
            if isinstance(parameter, Parameter):
                found[name] = parameters.possible(name)
        return found

    def draw(self, points: NDArray[np.float64]) -> tuple[Draws, Array]:
        """The networks of some points.

        Args:
            points: shape (n, columns), in [0, 1).

        Returns:
            the networks, and for each why it is not in the space, or "".
        """
        draws: Draws = {}
        outside = np.full(len(points), "", dtype=object)
        for name in self.space.parameters.order:
            parameter = getattr(self.space.parameters, name)
            if isinstance(parameter, Parameter):
                drawn = self._network_wide(name, parameter, points)
                draws[name] = self._conditioned(name, parameter, drawn, draws)
            elif isinstance(parameter, StageParameter):
                drawn = self.staged(name, parameter, self.space.stages, points)
                if name == "group_width":
                    drawn = np.nan_to_num(drawn)
                draws[name] = self._conditioned(name, parameter, drawn, draws)
            elif isinstance(parameter, Widths):
                wrong = self._widths(parameter, points, draws)
                if wrong is not None:
                    outside[wrong] = WRONG_STAGES
        self.refuse(draws, outside)
        return draws, outside

    def refuse(self, draws: Draws, outside: Array, dims: Array | None = None) -> None:
        """Say of networks that break a predicate which; those on `dims` wait for solved widths."""
        for predicate in self.space.require:
            if ("dims" in predicate.names) is (dims is not None):
                values = {n: self.decoded(n, draws) for n in predicate.names if n != "dims"}
                if dims is not None:
                    values["dims"] = dims
                broken = ~predicate.evaluate(values) & (outside == "")
                outside[broken] = f"require {predicate.predicate!r}"

    def decoded(self, name: str, draws: Draws) -> Array:
        """The values of a parameter; those of choices as objects."""
        values = self.values.get(name)
        return draws[name] if values is None else _objects(values)[draws[name]]

    def slot(self, name: str, draws: Draws) -> Array:
        """What was drawn for a slot of the space, by network; choices as objects."""
        if name in draws and draws[name].ndim == 1:
            return self.decoded(name, draws)
        growth = name.startswith("dims.growth")
        base, _, stage = name.removeprefix("dims.").partition(".")
        parameter = self.space.parameters.dims.growth if growth else None
        if not name.startswith("dims"):
            parameter = getattr(self.space.parameters, base)
        values = draws["dims.growth" if growth else name.partition(".")[0]]
        if parameter is not None and parameter.any_of is not None:
            names = parameter.priors(1)[0].values
            lists = np.array(parameter.any_of, dtype=np.float64)
            which = (values[:, None, :] == lists).all(axis=2).argmax(axis=1)
            return np.asarray(_objects(names or ())[which])
        stage = name.rpartition(".")[2]
        return np.asarray(values[:, int(stage) - 1 if stage.isdigit() else 0])

    def drawn(self, name: str, draws: Draws) -> NDArray[np.bool_]:
        """For which networks a slot was drawn at all: its condition holds."""
        n = len(draws["proportions"])
        parameter = getattr(self.space.parameters, name.partition(".")[0])
        when = None if isinstance(parameter, Widths) else parameter.when
        return self.active(when, draws, n) if when else np.ones(n, dtype=bool)

    def staged(
        self, name: str, parameter: StageParameter, count: int, points: NDArray[np.float64]
    ) -> Array:
        """One value for each of `count` stages, shape (n, count)."""
        lists = parameter.any_of
        if lists is not None:
            chosen = self._choose(name, len(lists), points)
            return np.array(lists, dtype=np.float64)[chosen]
        if parameter.is_shared:
            drawn = self._numbers(name, parameter.priors(count)[0], points)
            return np.repeat(drawn[:, None], count, axis=1)
        priors = parameter.priors(count)[:count]
        names = [f"{name}.{stage}" for stage in range(1, count + 1)]
        if parameter.tie == "free":
            found = np.empty((len(points), count))
            for column, (slot, prior) in enumerate(zip(names, priors, strict=True)):
                found[:, column] = self._numbers(slot, prior, points)
            return found
        uniforms = np.stack([self._uniform(n, points) for n in names], axis=1)
        return _chain(priors, parameter.tie == "non_increasing").quantile(uniforms)

    def _network_wide(self, name: str, parameter: Parameter, points: NDArray[np.float64]) -> Array:
        if parameter.values is None:
            return self._numbers(name, parameter, points)
        if parameter.is_fixed:
            return np.zeros(len(points), dtype=np.int64)
        return parameter.indices(self._uniform(name, points))

    def _conditioned(
        self, name: str, parameter: Parameter | StageParameter, drawn: Array, draws: Draws
    ) -> Array:
        """A parameter's values, replaced where its condition does not hold."""
        if not parameter.when:
            return drawn
        inactive = ~self.active(parameter.when, draws, len(drawn))
        value = self.space.parameters.otherwise(name)
        values = self.values.get(name)
        if values is not None:
            drawn[inactive] = values.index(value)
        else:
            drawn[inactive] = 0 if value is None else value
        return drawn

    def active(
        self, when: Mapping[str, tuple[Value, ...]], draws: Draws, n: int
    ) -> NDArray[np.bool_]:
        """For which of n networks a condition holds."""
        holds = np.ones(n, dtype=bool)
        for name, asked in when.items():
            values = self.values.get(name)
            if values is None:  # the same in all stages
                holds &= np.isin(draws[name][:, 0], [value or 0 for value in asked])
                continue
            codes = [k for k, v in enumerate(values) if any(_same(v, w) for w in asked)]
            holds &= np.isin(draws[name], codes)
        return holds

    def _widths(
        self, widths: Widths, points: NDArray[np.float64], draws: Draws
    ) -> NDArray[np.bool_] | None:
        """Add the widths; returns which networks came out with another number of stages."""
        stages = self.space.stages
        wrong = None
        if widths.growth is not None:
            growth = self.staged("dims.growth", widths.growth, stages - 1, points)
            ones = np.ones((len(points), 1))
            draws["proportions"] = np.cumprod(np.concatenate([ones, growth], axis=1), axis=1)
            draws["dims.growth"] = growth
            if widths.first is not None:
                draws["dims.first"] = self._numbers("dims.first", widths.first, points)
                draws["dims"] = draws["dims.first"][:, None] * draws["proportions"]
        elif widths.quantized_linear is not None:
            wrong = self._quantized(widths.quantized_linear, points, draws)
        else:
            assert widths.absolute is not None
            draws["dims"] = self.staged("dims", widths.absolute, stages, points)
            draws["proportions"] = draws["dims"] / draws["dims"][:, :1]
        return wrong

    def _quantized(
        self, line: QuantizedLinear, points: NDArray[np.float64], draws: Draws
    ) -> NDArray[np.bool_]:
        """RegNet's widths (Radosavovic et al. 2020, equations 2 to 4).

        Block j has width u_j = w_0 + w_a j, rounded to w_0 times the nearest power of w_m; blocks
        of equal width are a stage.
        """
        for name, prior in line.priors.items():
            draws[f"dims.{name}"] = self._numbers(f"dims.{name}", prior, points)
        initial, slope, multiplier, depth = (
            draws[f"dims.{name}"] for name in ("initial", "slope", "multiplier", "depth")
        )
        stages = self.space.stages
        blocks = np.arange(int(line.depth.limits[1]))
        exponents = np.log1p((slope / initial)[:, None] * blocks) / np.log(multiplier)[:, None]
        ranks = np.rint(exponents)
        ranks[blocks >= depth[:, None]] = -1
        counts = np.stack([(ranks == stage).sum(axis=1) for stage in range(stages)], axis=1)
        dims = initial[:, None] * multiplier[:, None] ** np.arange(stages)
        draws["depths"] = counts.astype(np.float64)
        draws["proportions"] = dims / dims[:, :1]
        draws["dims"] = np.rint(dims / _QUANTUM) * _QUANTUM
        merged = (np.diff(draws["dims"], axis=1) == 0).any(axis=1)
        wrong = (counts == 0).any(axis=1) | (ranks.max(axis=1) >= stages) | merged
        draws["depths"][wrong] = 1
        return np.asarray(wrong)

    def _numbers(self, name: str, prior: Prior, points: NDArray[np.float64]) -> NDArray[np.float64]:
        values = prior.values
        if values is None:
            return prior.quantile(self._uniform(name, points))
        table = _numbers(values)
        if len(values) == 1:
            return np.repeat(table, len(points))
        return np.asarray(table[prior.indices(self._uniform(name, points))])

    def _choose(self, name: str, count: int, points: NDArray[np.float64]) -> NDArray[np.int64]:
        if count == 1:
            return np.zeros(len(points), dtype=np.int64)
        return (self._uniform(name, points) * count).astype(np.int64)

    def _uniform(self, name: str, points: NDArray[np.float64]) -> NDArray[np.float64]:
        column = self.columns.get(name)
        return np.zeros(len(points)) if column is None else points[:, column]


def rows_of(draws: Draws, rows: NDArray[np.int64]) -> Draws:
    """Some of the networks."""
    if len(rows) == len(draws["proportions"]) and (rows == np.arange(len(rows))).all():
        return dict(draws)
    return {name: values[rows] for name, values in draws.items()}


def _same(a: Value, b: Value) -> bool:
    """Equal, where 1 and true are not."""
    return a == b and isinstance(a, bool) == isinstance(b, bool)


@lru_cache(maxsize=1024)
def _chain(priors: tuple[Prior, ...], falling: bool) -> Chain:
    return Chain(priors, falling=falling)


@lru_cache(maxsize=1024)
def _numbers(values: tuple[Value, ...]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _objects(values: tuple[Value, ...]) -> Array:
    # not cached: (1, None) and (True, None) are one key
    table = np.empty(len(values), dtype=object)
    table[:] = values
    return table
