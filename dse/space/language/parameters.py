"""The choices of a network: widths, and every other field of `Architecture`."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Self

from pydantic import ValidationError, ValidationInfo, field_validator, model_validator

from dse.config import Config, mistake_at
from dse.space.language.choices import Conditional, Parameter, StageParameter
from dse.space.language.domains import DEFAULTS, DOMAINS
from dse.space.language.priors import Prior, Value, plain, shown
from dse.space.language.widths import QuantizedLinear, Widths

__all__ = [
    "Conditional",
    "Parameter",
    "Parameters",
    "QuantizedLinear",
    "StageParameter",
    "Widths",
    "default_value",
]


def _default(name: str) -> Parameter:
    return Parameter(choice=(DEFAULTS[name],))


class Parameters(Config):
    """The choices of a network; they are described at `Architecture`.

    One that is left out is fixed at ConvNeXt-T's value.

    Attributes:
        depths: blocks in each stage; left out where `dims.quantized_linear` gives them too.
        dims: output channels of each stage.
        kernel_sizes: odd kernel size of the spatial convolutions of each stage.
        stem_width: output channels of the stem.
        stem_ratio: output channels of the stem over the first stage's width, instead.
    """

    depths: StageParameter | None = None
    dims: Widths
    kernel_sizes: StageParameter
    expansion_ratio: StageParameter = StageParameter(
        shared=Prior(choice=(DEFAULTS["expansion_ratio"],))
    )
    group_width: StageParameter | None = None
    block_order: Parameter = _default("block_order")
    groups: Parameter = _default("groups")
    norm_layer: Parameter = _default("norm_layer")
    act_layer: Parameter = _default("act_layer")
    norms_per_block: Parameter = _default("norms_per_block")
    acts_per_block: Parameter = _default("acts_per_block")
    grn: Parameter = _default("grn")
    pointwise: Parameter = _default("pointwise")
    bias: Parameter = _default("bias")
    stem: Parameter = _default("stem")
    patch_size: Parameter = _default("patch_size")
    stem_width: Parameter | None = None
    stem_ratio: Parameter | None = None
    stem_norm: Parameter = _default("stem_norm")
    stem_act: Parameter = _default("stem_act")
    downsampling: Parameter = _default("downsampling")
    downsample_norm: Parameter = _default("downsample_norm")
    shortcut_norm: Parameter = _default("shortcut_norm")
    head_norm: Parameter = _default("head_norm")
    ls_init_value: Parameter = _default("ls_init_value")
    drop_path_rate: Parameter = _default("drop_path_rate")

    @field_validator("*")
    @classmethod
    def _in_its_domain(cls, value: Any, info: ValidationInfo) -> Any:
        domain = DOMAINS[str(info.field_name)]
        if isinstance(value, StageParameter):
            value.check(domain)
        elif isinstance(value, Parameter):
            domain.check(value)
        if isinstance(value, Conditional) and value.has_otherwise:
            domain.check_values((value.otherwise,))
        return value

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.dims.quantized_linear is None and self.depths is None:
            raise ValueError("depths is missing, the number of blocks in each stage")
        if self.dims.quantized_linear is not None and self.depths is not None:
            raise mistake_at(("depths",), "may not stand beside dims.quantized_linear")
        if self.stem_width is not None and self.stem_ratio is not None:
            raise mistake_at(("stem_ratio",), "may not stand beside stem_width: give one of them")
        for name, parameter in self.conditional.items():
            if name == "depths" and not parameter.has_otherwise:
                raise mistake_at((name, "when"), "needs an otherwise beside it, for depths")
            for key, asked in (parameter.when or {}).items():
                self._check_condition(name, key, asked)
        assert self.order  # which refuses a circle of conditions
        return self

    def _check_condition(self, name: str, key: str, asked: tuple[Value, ...]) -> None:
        place = (name, "when", key)
        if key not in NETWORK_WIDE and not self._is_shared(key):
            names = ", ".join((*NETWORK_WIDE, *filter(self._is_shared, self.given)))
            raise mistake_at(place, f"is no choice for the whole network; these are: {names}")
        try:
            DOMAINS[key].check_values(asked)
        except ValueError as error:
            raise mistake_at(place, str(error)) from None
        possible = self.possible(key)
        if possible is None:
            raise mistake_at(
                place, f"needs a choice or a step for {key}, which has no list of values"
            )
        for value in asked:
            if value not in possible:
                values = ", ".join(map(shown, possible))
                raise mistake_at(place, f"{key} is never {shown(value)}, only {values}")

    @property
    def given(self) -> dict[str, StageParameter | Parameter | Widths]:
        """All parameters that there are, by name, those left at ConvNeXt-T's value too."""
        named = ((name, getattr(self, name)) for name in type(self).model_fields)
        return {name: parameter for name, parameter in named if parameter is not None}

    @property
    def conditional(self) -> dict[str, StageParameter | Parameter]:
        """The parameters with a condition, by name."""
        return {
            name: parameter
            for name, parameter in self.given.items()
            if isinstance(parameter, StageParameter | Parameter) and parameter.when is not None
        }

    @cached_property
    def order(self) -> tuple[str, ...]:
        """Names of the given parameters; each comes after those that its condition names."""
        waiting = list(self.given)
        conditional = self.conditional
        placed: list[str] = []
        while waiting:
            ready = (
                name
                for name in waiting
                if name not in conditional or not set(conditional[name].when or ()) & set(waiting)
            )
            name = next(ready, None)
            if name is None:
                raise self._circle(waiting)
            waiting.remove(name)
            placed.append(name)
        return tuple(placed)

    def _circle(self, waiting: list[str]) -> ValidationError:
        path: list[str] = []
        name = waiting[0]
        while name not in path:
            path.append(name)
            name = next(key for key in self.conditional[name].when or () if key in waiting)
        circle = path[path.index(name) :]
        return mistake_at((name, "when"), f"is a circle of conditions: {', '.join(circle)}, {name}")

    def otherwise(self, name: str) -> Value:
        """The value of a parameter where its condition does not hold."""
        parameter = self.given[name]
        assert isinstance(parameter, StageParameter | Parameter)
        return parameter.otherwise if parameter.has_otherwise else default_value(name)

    def possible(self, name: str) -> tuple[Value, ...] | None:
        """All values of a choice for the whole network; None where they are a continuum."""
        parameter = getattr(self, name)
        if parameter is None:
            return (default_value(name),)
        values = self.drawn(name)
        if parameter.when is None or values is None:
            return values
        other = self.otherwise(name)
        return values if other in values else (*values, other)

    def drawn(self, name: str) -> tuple[Value, ...] | None:
        """The values that are drawn of a choice for the whole network; None is a continuum."""
        parameter = self.given[name]
        if isinstance(parameter, StageParameter):
            assert parameter.is_shared
            return parameter.priors(1)[0].values
        assert isinstance(parameter, Parameter)
        return parameter.values

    def _is_shared(self, name: str) -> bool:
        parameter = getattr(self, name, None) if name in DOMAINS else None
        return isinstance(parameter, StageParameter) and parameter.is_shared

    def definitions(self, stages: int) -> dict[str, Any]:
        """Plain data of each given parameter, in its shortest spelling."""
        data: dict[str, Any] = {}
        for name, parameter in self.given.items():
            if isinstance(parameter, Widths):
                data[name] = parameter.definition(stages)
            elif isinstance(parameter, StageParameter):
                data[name] = parameter.definition(stages, default_value(name))
            else:
                data[name] = parameter.definition_with(default_value(name))
        return data


NETWORK_WIDE = tuple(
    name for name, field in Parameters.model_fields.items() if field.annotation is Parameter
)
"""The choices for the whole network that every space has."""
_STAGE_DEFAULTS = {"depths": None, "kernel_sizes": 7, "stem_ratio": 1}


def default_value(name: str) -> Value:
    """ConvNeXt-T's value of a parameter that is one value in all stages."""
    fallback: Value = _STAGE_DEFAULTS[name] if name in _STAGE_DEFAULTS else plain(DEFAULTS[name])
    return fallback
