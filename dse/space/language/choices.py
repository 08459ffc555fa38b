"""One choice of a design space: for the whole network, or for each of its stages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import field_validator, model_validator

from dse.config import NOT_A_BOOLEAN, Config
from dse.space.language.domains import Domain
from dse.space.language.priors import Prior, Value, is_finite, is_value, plain

Tie = Literal["free", "shared", "non_decreasing", "non_increasing"]
Number = int | float


class Conditional(Config):
    """What a choice is, where it comes from, and when it is there to be made.

    Attributes:
        description: what is chosen.
        source: where its values come from.
        when: the values that choices for the whole network must have for this one to be drawn; one
            value or a list. All must hold. Read into a tuple of values for each name.
        otherwise: the value where they do not; if not given, ConvNeXt-T's.
    """

    description: str = ""
    source: str = ""
    when: dict[str, tuple[Value, ...]] | None = None
    otherwise: Value = None

    @field_validator("when", mode="before")
    @classmethod
    def _asked_for(cls, data: Any) -> Any:
        if data is None:
            return None
        if not isinstance(data, dict) or not data:
            raise ValueError("must give parameters with the values that they must have")
        return {name: _finite_values(value) for name, value in data.items()}

    @field_validator("otherwise", mode="before")
    @classmethod
    def _one_value(cls, data: Any) -> Any:
        if not is_value(data):
            raise ValueError("must be one value")
        return _finite_values(data)[0]

    @model_validator(mode="after")
    def _only_with_a_condition(self) -> Self:
        if self.when is None and self.has_otherwise:
            raise ValueError("otherwise goes with when, the condition")
        return self

    @property
    def has_otherwise(self) -> bool:
        """Whether a value is given for where the condition does not hold."""
        return "otherwise" in self.model_fields_set

    def holds(self, values: Mapping[str, Value]) -> bool:
        """Whether the condition holds for these values of the parameters that it names."""
        return all(values[name] in asked for name, asked in (self.when or {}).items())

    def _with_condition(self, data: Any, default: Value) -> Any:
        """A definition with the condition, in its shortest spelling."""
        if self.when is None:
            return data
        when = {
            name: asked[0] if len(asked) == 1 else sorted(asked, key=repr)
            for name, asked in self.when.items()
        }
        if isinstance(data, list):
            data = {"per_stage": data}
        condition: dict[str, Any] = {"when": when}
        if self.has_otherwise and self.otherwise != plain(default):
            condition["otherwise"] = self.otherwise
        return (data if isinstance(data, dict) else {"choice": [data]}) | condition


class Parameter(Prior, Conditional):
    """One choice for the whole network: a prior, with what it is and where it comes from."""

    def definition_with(self, default: Value) -> Any:
        """Plain data that gives this choice again, in its shortest spelling."""
        return self._with_condition(self.definition(), default)


class StageParameter(Conditional):
    """One choice for each stage: one of `shared`, `per_stage` and `any_of`.

    A value is short for the same fixed value in all stages, a list of values for one in each
    stage, and a prior alone for `shared`.

    Attributes:
        shared: drawn once, the same in all stages.
        per_stage: drawn anew for each stage, from one prior or from a list of one for each stage.
        any_of: whole lists of values, one for each stage, that are equally likely.
        tie: how values drawn `per_stage` hang together: not at all (`free`), as one value
            (`shared`), or in order from the first stage to the last.
    """

    shared: Prior | None = None
    per_stage: Prior | tuple[Prior, ...] | None = None
    any_of: tuple[tuple[Number, ...], ...] | None = None
    tie: Tie = "free"

    @model_validator(mode="before")
    @classmethod
    def _shorthands(cls, data: Any) -> Any:
        if is_value(data):
            return {"shared": {"choice": [data]}}
        if isinstance(data, list | tuple):
            if not all(map(is_value, data)):
                raise ValueError(
                    "a list gives one fixed value for each stage; priors go under per_stage"
                )
            return {"per_stage": data}
        if isinstance(data, dict) and data.keys() & Prior.model_fields.keys():
            own = {key: value for key, value in data.items() if key in cls.model_fields}
            if not own.keys() & {"shared", "per_stage", "any_of"}:
                prior = {key: value for key, value in data.items() if key not in own}
                return own | {"shared": prior}
        return data

    @field_validator("any_of", mode="before")
    @classmethod
    def _lists(cls, data: Any) -> Any:
        if data is None:
            return None
        lists = data if isinstance(data, list | tuple) else ()
        if not lists or not all(isinstance(values, list | tuple) for values in lists):
            raise ValueError("must list whole lists, each with one number for each stage")
        for values in lists:
            if any(isinstance(value, bool) for value in values):
                raise ValueError(NOT_A_BOOLEAN)
            if not all(isinstance(value, int | float) and is_finite(value) for value in values):
                raise ValueError("must list whole lists, each with one number for each stage")
        found = tuple(tuple(map(plain, values)) for values in lists)
        if len(set(found)) != len(found):
            raise ValueError("must list each list once")
        return found

    @model_validator(mode="after")
    def _check(self) -> Self:
        ways = (self.shared, self.per_stage, self.any_of)
        if sum(way is not None for way in ways) != 1:
            raise ValueError("give exactly one of shared, per_stage and any_of")
        if self.tie != "free" and self.per_stage is None:
            raise ValueError("tie goes with per_stage")
        if self.per_stage is not None:
            check_tie(self.per_stage, self.tie)
        return self

    @property
    def is_shared(self) -> bool:
        """Whether all stages have one value, which is drawn once."""
        if self.any_of is not None:
            return False
        return self.shared is not None or self.tie == "shared" or _is_one_value(self._listed)

    @property
    def _listed(self) -> tuple[Prior, ...]:
        given = self.shared or self.per_stage
        assert given is not None
        return given if isinstance(given, tuple) else (given,)

    @property
    def order(self) -> Tie:
        """How the values of the stages hang together."""
        return "shared" if self.is_shared else self.tie

    def lists(self, stages: int) -> tuple[tuple[Value, ...], ...] | None:
        """The whole lists of values that can come out, where they are listed or fixed."""
        if self.any_of is not None:
            return self.any_of
        priors = self.priors(stages) * (stages if self.is_shared else 1)
        if not all(prior.is_fixed for prior in priors):
            return None
        return (tuple(prior.values[0] for prior in priors if prior.values),)

    def priors(self, stages: int) -> tuple[Prior, ...]:
        """The priors drawn from, in order: one if shared, else one for each stage.

        For `any_of` there is one, over the names of its lists, such as "3-4-6-3".
        """
        if self.any_of is not None:
            return (Prior(choice=tuple("-".join(map(str, values)) for values in self.any_of)),)
        listed = self._listed
        if self.is_shared:
            return listed[:1]
        return listed if isinstance(self.per_stage, tuple) else listed * stages

    def check(self, domain: Domain) -> None:
        """Refuse values outside a domain.

        Raises:
            ValueError: the sentence names the value and what is allowed.
        """
        for values in self.any_of or ():
            domain.check_values(values)
        for prior in () if self.any_of is not None else self._listed:
            domain.check(prior)
            if not self.is_shared and prior.values is not None and None in prior.values:
                raise ValueError("may be null in all stages only, not per_stage")

    def definition(self, stages: int, default: Value = None) -> Any:
        """Plain data that gives this choice again, in its shortest spelling."""
        return self._with_condition(self._drawn(stages), default)

    def _drawn(self, stages: int) -> Any:
        if stages == 0:  # the growth of one stage
            return 1
        lists = self.lists(stages)
        if lists is not None and len(lists) == 1:
            (values,) = lists
            return values[0] if values.count(values[0]) == stages else list(values)
        if self.any_of is not None:
            return {"any_of": list(map(list, self.any_of))}
        if self.is_shared:
            return self._listed[0].definition()
        return per_stage_definition(self.priors(stages), self.tie)


def per_stage_definition(priors: tuple[Prior, ...], tie: Tie) -> Any:
    """Plain data that gives the priors of all stages again, in its shortest spelling."""
    listed = [prior.definition() for prior in priors]
    if all(prior.is_fixed for prior in priors):
        return listed
    same = all(item == listed[0] for item in listed)
    data = {"per_stage": listed[0] if same else listed}
    return data if tie == "free" else data | {"tie": tie}


def check_tie(per_stage: Prior | tuple[Prior, ...], tie: Tie) -> None:
    """Refuse a tie that the stages' priors cannot keep.

    Raises:
        ValueError: the sentence says why.
    """
    if (
        tie == "free"
        or isinstance(per_stage, Prior)
        or all(prior == per_stage[0] for prior in per_stage)
    ):
        return
    if tie == "shared":
        raise ValueError("tie shared needs the same prior in all stages")
    if any(prior.values is None for prior in per_stage):
        raise ValueError(f"tie {tie} needs the same prior in all stages, or lists of values")
    ordered = per_stage if tie == "non_decreasing" else per_stage[::-1]
    least: Any = None
    for prior in ordered:
        numbers = [value for value in prior.values or () if isinstance(value, int | float)]
        least = min((v for v in numbers if least is None or v >= least), default=None)
        if least is None:
            raise ValueError(f"no values of the stages are {tie.replace('_', '-')}")


def _is_one_value(priors: tuple[Prior, ...]) -> bool:
    return all(prior.is_fixed for prior in priors) and len({p.values for p in priors}) == 1


def _finite_values(data: Any) -> tuple[Value, ...]:
    listed = tuple(data) if isinstance(data, list | tuple) else (data,)
    if not listed or not all(map(is_value, listed)):
        raise ValueError("must give values: one, or a list of them")
    if any(isinstance(value, int | float) and not is_finite(value) for value in listed):
        raise ValueError("may hold finite numbers, not infinite ones")
    return tuple(map(plain, listed))
