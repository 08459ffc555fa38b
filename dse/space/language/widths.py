"""Widths of the stages, absolute, in proportion, or along a line."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from dse.architecture.checks import MAX_WIDTH
from dse.config import Config
from dse.space.language.choices import StageParameter, Tie, check_tie, per_stage_definition
from dse.space.language.domains import DOMAINS, GROWTH, INITIAL_WIDTH, MULTIPLIER, SLOPE
from dse.space.language.priors import Prior, is_value


class QuantizedLinear(Config):
    """RegNet's widths and depths: a line, u_j = initial + slope * j, over the blocks j = 0, 1, ...

    The widths are rounded to initial * multiplier^k for whole k; blocks of one width make a stage
    (Radosavovic et al. 2020, equations 2 to 4).

    Attributes:
        depth: blocks in all stages together.
        initial: w_0, the width that the line begins with.
        slope: w_a, by how much each block is wider.
        multiplier: w_m, the ratio of the widths of two stages in sequence.
    """

    depth: Prior
    initial: Prior
    slope: Prior
    multiplier: Prior

    @field_validator("*")
    @classmethod
    def _in_its_domain(cls, prior: Prior, info: ValidationInfo) -> Prior:
        domains = {"initial": INITIAL_WIDTH, "slope": SLOPE, "multiplier": MULTIPLIER}
        domains.get(str(info.field_name), DOMAINS["depths"]).check(prior)
        return prior

    @property
    def priors(self) -> dict[str, Prior]:
        """The four priors by name."""
        return {name: getattr(self, name) for name in type(self).model_fields}


class Widths(Config):
    """Widths of the stages: exactly one of `growth`, `per_stage` and `quantized_linear`.

    Attributes:
        description: what is chosen.
        source: where its values come from.
        growth: width of a stage over that of the stage before it, drawn for each transition; the
            budget sets their scale.
        first: width of the first stage, where no budget sets it.
        per_stage: the widths themselves, from one prior or from a list of one for each stage.
        tie: how widths drawn `per_stage` hang together.
        quantized_linear: widths and depths along a line, as RegNet's.
        multiple_of: widths are multiples of this number.
        minimum: narrowest width allowed in any stage.
        maximum: widest width allowed in any stage.
    """

    description: str = ""
    source: str = ""
    growth: StageParameter | None = None
    first: Prior | None = None
    per_stage: Prior | tuple[Prior, ...] | None = None
    tie: Tie = "free"
    quantized_linear: QuantizedLinear | None = None
    multiple_of: int = Field(default=8, ge=1, le=1024)
    minimum: int = Field(default=8, ge=1, le=MAX_WIDTH)
    maximum: int = Field(default=4096, ge=1, le=MAX_WIDTH)

    @model_validator(mode="before")
    @classmethod
    def _fixed_widths(cls, data: Any) -> Any:
        is_list = isinstance(data, list | tuple) and all(map(is_value, data))
        return {"per_stage": data} if is_list else data

    @field_validator("growth")
    @classmethod
    def _growth(cls, growth: StageParameter | None) -> StageParameter | None:
        if growth is not None:
            growth.check(GROWTH)
            if growth.when is not None:
                raise ValueError("may have no condition (when)")
        return growth

    @field_validator("first")
    @classmethod
    def _first(cls, first: Prior | None) -> Prior | None:
        if first is not None:
            INITIAL_WIDTH.check(first)
        return first

    @field_validator("per_stage")
    @classmethod
    def _whole(cls, widths: Prior | tuple[Prior, ...] | None) -> Prior | tuple[Prior, ...] | None:
        for prior in _listed(widths):
            DOMAINS["dims"].check(prior)
        return widths

    @model_validator(mode="after")
    def _check(self) -> Self:
        ways = (self.growth, self.per_stage, self.quantized_linear)
        if sum(way is not None for way in ways) != 1:
            raise ValueError("give exactly one of growth, per_stage and quantized_linear")
        if self.first is not None and self.growth is None:
            raise ValueError("first goes with growth")
        if self.tie != "free" and self.per_stage is None:
            raise ValueError("tie goes with per_stage")
        if self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum} is above maximum {self.maximum}")
        if not self._allowed(range(self.minimum, self.maximum + 1)[: self.multiple_of]):
            raise ValueError(
                f"no multiple of {self.multiple_of} is from {self.minimum} to {self.maximum}"
            )
        if self.per_stage is not None:
            check_tie(self.per_stage, self.tie)
        for prior in _listed(self.per_stage):
            if not self.allowed(prior):
                raise ValueError(
                    f"no width of per_stage is a multiple of {self.multiple_of} "
                    f"from {self.minimum} to {self.maximum}"
                )
        return self

    @property
    def is_shared(self) -> bool:
        """Whether the widths themselves are given, and one is drawn for all stages."""
        return self.absolute is not None and self.absolute.is_shared

    @cached_property
    def absolute(self) -> StageParameter | None:
        """The widths of `per_stage` as a choice for each stage."""
        if self.per_stage is None:
            return None
        return StageParameter(per_stage=self.per_stage, tie=self.tie)

    def allowed(self, prior: Prior) -> tuple[int, ...]:
        """The values of a prior over whole numbers that `multiple_of` and the limits allow."""
        return self._allowed(value for value in prior.values or () if isinstance(value, int))

    def _allowed(self, widths: Iterable[int]) -> tuple[int, ...]:
        low, high, unit = self.minimum, self.maximum, self.multiple_of
        return tuple(width for width in widths if low <= width <= high and width % unit == 0)

    def definition(self, stages: int) -> Any:
        """Plain data that gives these widths again, in its shortest spelling."""
        data: dict[str, Any] = {}
        if self.growth is not None:
            data["growth"] = self.growth.definition(stages - 1)
        if self.first is not None:
            data["first"] = self.first.definition()
        if self.absolute is not None:
            drawn = per_stage_definition(self.absolute.priors(stages), self.tie)
            if isinstance(drawn, list):
                drawn = {"per_stage": drawn if len(drawn) > 1 else drawn[0]}
                if self.tie != "free" and not self.is_shared:  # solving keeps the order
                    drawn["tie"] = self.tie
            data |= drawn
        if self.quantized_linear is not None:
            priors = self.quantized_linear.priors
            data["quantized_linear"] = {name: p.definition() for name, p in priors.items()}
        for name in ("multiple_of", "minimum", "maximum"):
            if getattr(self, name) != type(self).model_fields[name].default:
                data[name] = getattr(self, name)
        return data


def _listed(priors: Prior | tuple[Prior, ...] | None) -> tuple[Prior, ...]:
    return (priors,) if isinstance(priors, Prior) else priors or ()
