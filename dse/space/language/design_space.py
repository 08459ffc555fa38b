"""A design space: a YAML file that says what may be built and how it is drawn."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from dse.config import Config, Location, load_document, mistake_at, parse_config
from dse.space.language.choices import StageParameter
from dse.space.language.extends import extended_file, merged
from dse.space.language.parameters import Parameters, Widths
from dse.space.language.predicates import Predicate
from dse.space.language.priors import Prior
from dse.space.language.restrict import loosened
from dse.space.language.size import dimension, log10_size

_NEEDED = ("depths", "dims", "kernel_sizes")


class DesignSpace(Config):
    """What may be built: named choices with their priors.

    Attributes:
        format: version of this file format.
        name: short name, used for the study and its store.
        description: what the space is for.
        extends: path of the space that this one restricts, relative to the file; `load_space`
            has already merged it in.
        stages: number of stages of every network.
        parameters: the choices.
        require: expressions that every network must fulfil.
    """

    format: Literal[1] = 1
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
    description: str = ""
    extends: str | None = None
    stages: int = Field(default=4, ge=1, le=8)
    parameters: Parameters
    require: tuple[Predicate, ...] = ()

    @model_validator(mode="after")
    def _one_entry_for_each_stage(self) -> Self:
        for name, parameter in self.parameters.given.items():
            place: Location = ("parameters", name)
            count = self.stages
            if isinstance(parameter, Widths):
                self._check_entries((*place, "per_stage"), parameter.per_stage, count)
                if parameter.growth is None:
                    continue
                place, count, parameter = (*place, "growth"), count - 1, parameter.growth
            if isinstance(parameter, StageParameter):
                self._check_entries((*place, "per_stage"), parameter.per_stage, count)
                for k, values in enumerate(parameter.any_of or ()):
                    self._check_entries((*place, "any_of", k), values, count)
        return self

    @model_validator(mode="after")
    def _requirements_can_be_checked(self) -> Self:
        for predicate in self.require:
            if predicate.last_stage > self.stages:
                lack = f"stage {predicate.last_stage}; there are {self.stages}"
            elif missing := predicate.names - {*self.parameters.given, "depths"}:
                lack = f"{min(missing)}, which this space does not draw"
            else:
                continue
            raise mistake_at(("require",), f"{predicate.predicate!r} speaks of {lack}")
        return self

    def _check_entries(self, place: Location, listed: Any, count: int) -> None:
        if isinstance(listed, tuple) and len(listed) != count:
            but = " but the first" if count < self.stages else ""
            raise mistake_at(
                place, f"must have {count} entries, one for each stage{but}, not {len(listed)}"
            )

    @cached_property
    def slots(self) -> dict[str, Prior]:
        """The prior of every value that is drawn, fixed ones too, by name and in a fixed order.

        A value for stage 1 of depths is `depths.1`; what all stages share, or a list drawn whole
        (`any_of`), is `depths`. Widths are `dims.growth.1`, ... and `dims.first`, or `dims.1`, ...,
        or the numbers of `dims.quantized_linear`, such as `dims.slope`.
        """
        slots: dict[str, Prior] = {}
        for name, parameter in self.parameters.given.items():
            if isinstance(parameter, StageParameter):
                slots |= _stage_slots(name, parameter, self.stages)
            elif isinstance(parameter, Prior):
                slots[name] = parameter
            elif parameter.quantized_linear is not None:
                priors = parameter.quantized_linear.priors
                slots |= {f"{name}.{key}": prior for key, prior in priors.items()}
            elif parameter.absolute is not None:
                slots |= _stage_slots(name, parameter.absolute, self.stages)
            else:
                assert parameter.growth is not None
                slots |= _stage_slots(f"{name}.growth", parameter.growth, self.stages - 1)
                if parameter.first is not None:
                    slots[f"{name}.first"] = parameter.first
        return slots

    @property
    def dimension(self) -> int:
        """Number of values that are really free; a width scale that a budget sets is not."""
        return dimension(self)

    @property
    def log10_size(self) -> float:
        """log10 of the number of shapes, as `dse.space.language.size` counts them."""
        return log10_size(self)

    def definition(self) -> dict[str, Any]:
        """Name and what is drawn, in its shortest spelling, without prose.

        What is left at its default is left out, so that a space keeps its hash when there are new
        things to choose.
        """
        data: dict[str, Any] = {"format": self.format, "name": self.name, "stages": self.stages}
        usual = _usual_definitions()
        drawn = self.parameters.definitions(self.stages)
        data["parameters"] = {
            name: value for name, value in drawn.items() if value != usual.get(name)
        }
        if self.require:
            data["require"] = [requirement.predicate for requirement in self.require]
        return data

    @property
    def hash(self) -> str:
        """Twelve hexadecimal digits of what is drawn, the same under any name on every machine."""
        drawn = {key: value for key, value in self.definition().items() if key != "name"}
        text = json.dumps(drawn, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def _stage_slots(name: str, parameter: StageParameter, stages: int) -> dict[str, Prior]:
    priors = parameter.priors(stages)
    if parameter.is_shared or parameter.any_of is not None:
        return {name: priors[0]} if stages else {}
    return {f"{name}.{stage}": prior for stage, prior in enumerate(priors, start=1)}


@lru_cache
def _usual_definitions() -> dict[str, Any]:
    """What is left out of a definition where it is as here."""
    needed = {"depths": 1, "dims": {"growth": 1}, "kernel_sizes": 1, "stem_ratio": 1}
    usual = Parameters.model_validate(needed).definitions(1)
    return {name: value for name, value in usual.items() if name not in _NEEDED}


def load_space(path: str | Path) -> DesignSpace:
    """Read a space from its YAML file, and from those that it extends.

    Raises:
        UserError: a file, a key or a value is wrong, or allows what the space that it extends does
            not; the sentence names them.
    """
    return _load(Path(path), ())[0]


class _Own(Config):
    require: tuple[Predicate, ...] = ()


def _load(path: Path, children: tuple[Path, ...]) -> tuple[DesignSpace, dict[str, Any]]:
    """A space and its data, merged with those of the spaces that it extends."""
    document = load_document(path)
    file = extended_file(document, children)
    if file is None:
        return document.parse(DesignSpace, document.data), document.data
    parent, inherited = _load(file, (*children, path.resolve()))
    if "require" in document.data:  # its lines are those of this file alone
        document.parse(_Own, {"require": document.data["require"]})
    if document.data.get("stages", parent.stages) != parent.stages:
        raise document.mistake(("stages",), f"must be {parent.stages} as in {file.name}")
    data = merged(inherited, document.data)
    space = document.parse(DesignSpace, data)
    for place, sentence in loosened(parent.parameters, space.parameters, space.stages):
        raise document.mistake(("parameters", *place), f"{sentence}, to restrict {file.name}")
    return space, data


def space_from_definition(data: dict[str, Any]) -> DesignSpace:
    """The space that a store remembers.

    Raises:
        UserError: a key or a value is not allowed.
    """
    return parse_config(DesignSpace, data, source="the space in the store")


def differences(a: DesignSpace, b: DesignSpace) -> list[tuple[str, str, str]]:
    """The choices in which two spaces differ: name, value in `a`, value in `b`."""
    rows = [("stages", str(a.stages), str(b.stages))] if a.stages != b.stages else []
    old, new = (space.parameters.definitions(space.stages) for space in (a, b))
    for name in Parameters.model_fields:
        if old.get(name) != new.get(name):
            rows.append((name, _brief(old.get(name)), _brief(new.get(name))))
    before, after = ([predicate.predicate for predicate in space.require] for space in (a, b))
    if before != after:
        rows.append(("require", _brief(before), _brief(after)))
    return rows


def _brief(data: Any) -> str:
    return json.dumps(data).replace('"', "")
