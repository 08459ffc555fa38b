"""A design space: a YAML file that says what may be built and how it is drawn."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Self, TypeGuard

from pydantic import Field, ValidationInfo, field_validator, model_validator

from dse.architecture.checks import MAX_DEPTH, MAX_EXPANSION, MAX_KERNEL, MAX_WIDTH
from dse.architecture.spec import CHOICES, Architecture
from dse.config import Config, load_config, parse_config
from dse.space.budget import WidthLattice
from dse.space.priors import Prior, Value

_DEFAULTS = {f.name: f.default for f in dataclasses.fields(Architecture)}


class Parameter(Prior):
    """One choice for the whole network: a prior, with what it is and where it comes from."""

    description: str = ""
    source: str = ""


class StageParameter(Config):
    """One choice for each stage.

    Attributes:
        shared: drawn once, the same in all stages.
        per_stage: drawn anew for each stage, from one prior or from a list of one for each stage.
    """

    description: str = ""
    source: str = ""
    shared: Prior | None = None
    per_stage: Prior | tuple[Prior, ...] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.shared is None) == (self.per_stage is None):
            raise ValueError("give exactly one of shared and per_stage")
        return self

    def priors(self, stages: int) -> tuple[Prior, ...]:
        """The priors drawn from, in order: one if shared, else one for each stage."""
        if self.shared is not None:
            return (self.shared,)
        if isinstance(self.per_stage, Prior):
            return (self.per_stage,) * stages
        assert self.per_stage is not None
        return self.per_stage


class Widths(Config):
    """Widths of the stages: drawn in proportion to each other; the budget sets their scale.

    Attributes:
        growth: width of a stage over that of the stage before it, drawn for each transition.
        multiple_of: widths are multiples of this number.
        minimum: narrowest width allowed in any stage.
        maximum: widest width allowed in any stage.
    """

    description: str = ""
    source: str = ""
    growth: StageParameter
    multiple_of: int = Field(default=8, ge=1, le=1024)
    minimum: int = Field(default=8, ge=1, le=MAX_WIDTH)
    maximum: int = Field(default=4096, ge=1, le=MAX_WIDTH)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum} is above maximum {self.maximum}")
        return self

    @property
    def lattice(self) -> WidthLattice:
        """The widths allowed in a stage."""
        return WidthLattice(
            multiple_of=self.multiple_of, minimum=self.minimum, maximum=self.maximum
        )


class Parameters(Config):
    """The choices of a network. One that is left out is fixed at ConvNeXt-T's value."""

    depths: StageParameter
    dims: Widths
    kernel_sizes: StageParameter
    expansion_ratio: Parameter = Parameter(choice=(_DEFAULTS["expansion_ratio"],))
    block_order: Parameter = Parameter(choice=(_DEFAULTS["block_order"],))
    norm_layer: Parameter = Parameter(choice=(_DEFAULTS["norm_layer"],))
    act_layer: Parameter = Parameter(choice=(_DEFAULTS["act_layer"],))
    norms_per_block: Parameter = Parameter(choice=(_DEFAULTS["norms_per_block"],))
    acts_per_block: Parameter = Parameter(choice=(_DEFAULTS["acts_per_block"],))
    pointwise: Parameter = Parameter(choice=(_DEFAULTS["pointwise"],))
    stem: Parameter = Parameter(choice=(_DEFAULTS["stem"],))
    downsampling: Parameter = Parameter(choice=(_DEFAULTS["downsampling"],))
    ls_init_value: Parameter = Parameter(choice=(_DEFAULTS["ls_init_value"],))

    @field_validator(*CHOICES)
    @classmethod
    def _known_names(cls, value: Parameter, info: ValidationInfo) -> Parameter:
        allowed = CHOICES[str(info.field_name)]
        if value.choice is None:
            raise ValueError(f"give a choice of {', '.join(allowed)}")
        for name in value.choice:
            if name not in allowed:
                raise ValueError(f"choice may hold {', '.join(allowed)}, not {name!r}")
        return value

    @field_validator("norms_per_block", "acts_per_block")
    @classmethod
    def _count(cls, value: Parameter) -> Parameter:
        _require_whole(value, range(4), "0, 1, 2 or 3")
        return value

    @field_validator("expansion_ratio")
    @classmethod
    def _positive(cls, value: Parameter) -> Parameter:
        what = f"positive numbers up to {MAX_EXPANSION:g}"
        _require_numbers(value, what, lambda number: 0 < number <= MAX_EXPANSION)
        return value

    @field_validator("ls_init_value")
    @classmethod
    def _layer_scale(cls, value: Parameter) -> Parameter:
        for number in value.values or ():
            if number is not None and not _is_number(number):
                raise ValueError(f"may hold numbers and null, not {number!r}")
        return value

    @field_validator("depths", "kernel_sizes")
    @classmethod
    def _whole_numbers(cls, value: StageParameter, info: ValidationInfo) -> StageParameter:
        odd = info.field_name == "kernel_sizes"
        allowed = range(1, MAX_KERNEL + 1, 2) if odd else range(1, MAX_DEPTH + 1)
        what = f"{'odd ' if odd else ''}whole numbers from 1 to {allowed[-1]}"
        for prior in value.priors(1):
            _require_whole(prior, allowed, what)
        return value

    @field_validator("dims")
    @classmethod
    def _growth(cls, value: Widths) -> Widths:
        for prior in value.growth.priors(1):
            what = f"numbers from 1/{MAX_WIDTH} to {MAX_WIDTH} in growth"
            _require_numbers(prior, what, lambda number: 1 / MAX_WIDTH <= number <= MAX_WIDTH)
        return value


class DesignSpace(Config):
    """What may be built: named choices with their priors.

    Attributes:
        format: version of this file format.
        name: short name, used for the study and its store.
        description: what the space is for.
        stages: number of stages of every network.
        parameters: the choices.
    """

    format: Literal[1] = 1
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
    description: str = ""
    stages: int = Field(default=4, ge=1, le=8)
    parameters: Parameters

    @model_validator(mode="after")
    def _one_prior_for_each_stage(self) -> Self:
        p = self.parameters
        expected = (
            ("depths", p.depths, self.stages),
            ("kernel_sizes", p.kernel_sizes, self.stages),
            ("dims.growth", p.dims.growth, self.stages - 1),
        )
        for name, parameter, count in expected:
            if isinstance(parameter.per_stage, tuple) and len(parameter.per_stage) != count:
                raise ValueError(
                    f"parameters.{name}.per_stage must list {count} priors, "
                    f"not {len(parameter.per_stage)}"
                )
        return self

    @property
    def priors(self) -> dict[str, Prior]:
        """Every free or fixed value that is drawn, by name, in the order of drawing."""
        p = self.parameters
        priors: dict[str, Prior] = {}
        for name, parameter, count in (
            ("depths", p.depths, self.stages),
            ("dims.growth", p.dims.growth, self.stages - 1),
            ("kernel_sizes", p.kernel_sizes, self.stages),
        ):
            drawn = parameter.priors(count)[:count]
            for stage, prior in enumerate(drawn, start=1):
                priors[name if parameter.shared else f"{name}.{stage}"] = prior
        for name in _NETWORK_WIDE:
            priors[name] = getattr(p, name)
        return priors

    @property
    def dimension(self) -> int:
        """Number of values that are really free; the width scale is set by the budget."""
        return sum(prior.values is None or len(prior.values) > 1 for prior in self.priors.values())

    @property
    def log10_size(self) -> float:
        """log10 of the number of shapes; growths, a continuum, are not counted."""
        counts = (len(prior.values) for prior in self.priors.values() if prior.values is not None)
        return sum(math.log10(count) for count in counts)

    def definition(self) -> dict[str, Any]:
        """Name and what is drawn, without descriptions and sources."""
        data: dict[str, Any] = _without_prose(self.model_dump(mode="json"))
        return data

    @property
    def hash(self) -> str:
        """Twelve hexadecimal digits of what is drawn, the same under any name on every machine."""
        drawn = {key: value for key, value in self.definition().items() if key != "name"}
        text = json.dumps(drawn, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:12]


_NETWORK_WIDE = tuple(
    name for name in Parameters.model_fields if name not in ("depths", "dims", "kernel_sizes")
)


def load_space(path: str | Path) -> DesignSpace:
    """Read a space from its YAML file.

    Raises:
        UserError: the file, a key or a value is wrong; the sentence names them.
    """
    return load_config(DesignSpace, path)


def space_from_definition(data: dict[str, Any]) -> DesignSpace:
    """The space that a store remembers."""
    return parse_config(DesignSpace, data, source="the space in the store")


def differences(a: DesignSpace, b: DesignSpace) -> list[tuple[str, str, str]]:
    """The choices in which two spaces differ: name, value in `a`, value in `b`."""
    rows = [("stages", str(a.stages), str(b.stages))] if a.stages != b.stages else []
    old, new = (space.definition()["parameters"] for space in (a, b))
    for name in Parameters.model_fields:
        if old[name] != new[name]:
            rows.append((name, _brief(old[name]), _brief(new[name])))
    return rows


def _brief(data: Any) -> str:
    return json.dumps(data).replace('"', "")


def _without_prose(data: Any) -> Any:
    if isinstance(data, dict):
        return {
            key: _without_prose(value)
            for key, value in data.items()
            if key not in ("description", "source") and value is not None
        }
    return [_without_prose(item) for item in data] if isinstance(data, list) else data


def _is_number(value: Value) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _require_numbers(prior: Prior, what: str, allowed: Callable[[float], bool]) -> None:
    value: Value
    for value in prior.choice or prior.limits:
        if not _is_number(value) or not allowed(value):
            raise ValueError(f"may hold {what}, not {value!r}")


def _require_whole(prior: Prior, allowed: range, what: str) -> None:
    if prior.values is None:
        raise ValueError(f"may hold {what}; add a step")
    for value in prior.values:
        if type(value) is not int or value not in allowed:
            raise ValueError(f"may hold {what}, not {value!r}")
