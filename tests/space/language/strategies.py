"""Arbitrary valid spaces over the whole language, for Hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from dse.architecture.spec import CHOICES
from dse.space.language.choices import Parameter
from dse.space.language.priors import Prior

Data = Any
Draw = Any

RANGES = ("uniform", "log_uniform", "normal", "log_normal")
TIES = ("free", "shared", "non_decreasing", "non_increasing")
FLAGS = ("grn", "stem_norm", "downsample_norm", "shortcut_norm")
OPTIONAL_FLAGS = ("bias", "stem_act", "head_norm")
REQUIRED = (
    "depths[1] <= max(depths)",
    "sum(dims) > 8 * len(dims)",
    "norm_layer != 'batch_norm' or grn",
    "kernel_sizes[1] * 2 - 1 >= -patch_size // 3 % 7",
    "min(expansion_ratio) / groups < 2 and bias == null",
    "not (act_layer in ['relu', 'silu'])",
    "1 <= depths[1] < 2000",
)


def texts() -> st.SearchStrategy[str]:
    return st.text(st.characters(codec="utf-8", categories=("L",)), max_size=8)


@st.composite
def whole_priors(
    draw: Draw, low: int = 1, high: int = 64, *, unit: int = 1, null: bool = False
) -> Data:
    """Data of priors over low, low + unit, ... up to high."""
    values = range(low, high + 1, unit)
    kind = draw(st.sampled_from(("value", "choice", "lattice", "power_of_two")))
    if kind == "power_of_two" and unit == 1:
        powers = [2**k for k in range(12) if low <= 2**k <= high]
        limits = st.lists(st.sampled_from(powers), min_size=2, max_size=2)
        return {"power_of_two": sorted(draw(limits))}
    if kind == "lattice":
        first, last = sorted(draw(st.lists(st.sampled_from(values), min_size=2, max_size=2)))
        name = draw(st.sampled_from(RANGES))
        prior = {name: [first, last], "step": unit * draw(st.integers(1, 3))}
        rounded = name == "log_uniform" and draw(st.booleans())
        return prior | ({"round": "up"} if rounded else {})
    found = draw(st.lists(st.sampled_from(values), min_size=1, max_size=5, unique=True))
    if null and draw(st.booleans()):
        found = [*found, None]
    return found[0] if kind == "value" else {"choice": found}


@st.composite
def real_priors(draw: Draw, low: float = 0.01, high: float = 60.0, *, finite: bool = False) -> Data:
    """Data of priors over positive numbers."""
    numbers = st.floats(low, high).map(lambda value: round(value, 3))
    kind = draw(st.sampled_from(("value", "choice", "range", "lattice", "power_of_two")))
    if kind == "power_of_two":
        powers = [2.0**k for k in range(-6, 7) if low <= 2.0**k <= high]
        return {"power_of_two": sorted(draw(st.tuples(*[st.sampled_from(powers)] * 2)))}
    if kind in ("range", "lattice"):
        first, last = sorted(draw(st.tuples(numbers, numbers)))
        assume(first >= low)
        prior = {draw(st.sampled_from(RANGES)): [first, last]}
        step = draw(st.sampled_from((0.5, 0.125, 0.3, 1)))
        return prior | ({"step": step} if finite or kind == "lattice" else {})
    found = draw(st.lists(numbers, min_size=1, max_size=5, unique=True))
    return found[0] if kind == "value" else {"choice": found}


def finite_priors() -> st.SearchStrategy[Prior]:
    mixed = st.lists(
        st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.sampled_from(("a", "b"))),
        min_size=1,
        max_size=6,
        unique_by=repr,
    ).map(lambda values: {"choice": values})
    data = st.one_of(mixed, whole_priors(1, 300), real_priors(finite=True))
    return data.map(Prior.model_validate)


def continua() -> st.SearchStrategy[Prior]:
    limits = st.tuples(st.floats(1e-3, 1e3), st.floats(1.001, 1e3)).map(
        lambda v: (v[0], v[0] * v[1])
    )
    return st.builds(lambda kind, v: Prior(**{kind: v}), st.sampled_from(RANGES), limits)


@st.composite
def staged(draw: Draw, priors: st.SearchStrategy[Data], values: list[Any], stages: int) -> Data:
    """Data of a choice for each stage, in every spelling."""
    one = st.sampled_from(values)
    whole = st.lists(one, min_size=stages, max_size=stages)
    kind = draw(st.sampled_from(("value", "list", "prior", "shared", "same", "each", "any_of")))
    if kind == "value":
        return draw(one)
    if kind == "list":
        return draw(whole)
    if kind == "prior":
        return draw(priors.filter(lambda data: isinstance(data, dict)))
    if kind == "shared":
        return {"shared": draw(priors)}
    if kind == "any_of":
        return {"any_of": draw(st.lists(whole, min_size=1, max_size=3, unique_by=tuple))}
    if kind == "same":
        return {"per_stage": draw(priors), "tie": draw(st.sampled_from(TIES))}
    common = draw(one)  # which every stage may have, so that any order can be kept
    choices = [
        draw(st.lists(one, max_size=3, unique=True).map(lambda v: [common, *v]))
        for _ in range(stages)
    ]
    listed = [{"choice": list(dict.fromkeys(choice))} for choice in choices]
    if draw(st.booleans()):
        return {"per_stage": [draw(priors) for _ in range(stages)]}
    return {"per_stage": listed, "tie": draw(st.sampled_from(TIES).filter(lambda t: t != "shared"))}


@st.composite
def widths(draw: Draw, stages: int) -> Data:
    """Data of the widths."""
    unit = draw(st.sampled_from((1, 4, 8, 16)))
    low, high = unit * draw(st.integers(1, 4)), unit * draw(st.integers(40, 100))
    limits = {"multiple_of": unit, "minimum": low, "maximum": high}
    absolute = whole_priors(low, high, unit=unit)
    kind = draw(st.sampled_from(("growth", "per_stage", "list", "each", "quantized_linear")))
    if kind == "growth":
        growth = draw(staged(real_priors(0.5, 4), [0.5, 1, 2, 2.5], stages - 1))
        first = {"first": draw(absolute)} if draw(st.booleans()) else {}
        return {"growth": growth} | first | limits
    if kind == "per_stage":
        return {"per_stage": draw(absolute), "tie": draw(st.sampled_from(TIES))} | limits
    if kind == "each":
        return {"per_stage": [draw(absolute) for _ in range(stages)]} | limits
    if kind == "list":
        fixed = st.sampled_from(range(8, 4096, 8))
        return draw(st.lists(fixed, min_size=stages, max_size=stages))
    line = {
        "depth": draw(whole_priors(1, 63)),
        "initial": draw(real_priors(8, 60)),
        "slope": draw(real_priors(0.01, 60)),
        "multiplier": draw(real_priors(1.1, 4)),
    }
    return {"quantized_linear": line} | limits


@st.composite
def network_wide(draw: Draw) -> dict[str, Data]:
    """Data of choices for the whole network."""
    names = {
        name: st.lists(st.sampled_from(allowed), min_size=1, max_size=3, unique=True)
        for name, allowed in CHOICES.items()
    }
    names |= {
        name: st.lists(st.sampled_from((True, False)), min_size=1, unique=True) for name in FLAGS
    }
    names |= {
        name: st.lists(st.sampled_from((True, False, None)), min_size=1, unique=True)
        for name in OPTIONAL_FLAGS
    }
    choices = {
        name: listed.map(lambda v: v[0] if len(v) == 1 else {"choice": v})
        for name, listed in names.items()
    }
    numbers = {
        "groups": whole_priors(1, 64, null=True),
        "norms_per_block": whole_priors(1, 3),
        "acts_per_block": whole_priors(1, 3),
        "patch_size": whole_priors(1, 16),
        draw(st.sampled_from(("stem_width", "stem_ratio"))): whole_priors(1, 8),
        "ls_init_value": real_priors(),
        "drop_path_rate": real_priors(0.01, 0.9).filter(lambda d: "power_of_two" not in str(d)),
    }
    return draw(st.fixed_dictionaries({}, optional={**choices, **numbers}))


@st.composite
def spaces(draw: Draw) -> dict[str, Data]:
    """Data of any valid space."""
    stages = draw(st.integers(1, 5))
    ratios = draw(staged(real_priors(), [0.25, 1, 2, 4.0, 6], stages))
    parameters: dict[str, Data] = {
        "dims": draw(widths(stages)),
        "kernel_sizes": draw(staged(whole_priors(1, 15, unit=2), [3, 5, 7], stages)),
        **draw(network_wide()),
    }
    if "quantized_linear" not in parameters["dims"]:
        parameters["depths"] = draw(staged(whole_priors(), [1, 2, 3, 9], stages))
    if draw(st.booleans()):
        parameters["expansion_ratio"] = ratios
    if draw(st.booleans()):
        parameters["group_width"] = draw(staged(whole_priors(), [1, 8, 16], stages))
    parameters = dict(draw(st.permutations(list(parameters.items()))))
    _add_conditions(draw, parameters)
    for written in parameters.values():
        if isinstance(written, dict) and draw(st.booleans()):
            written["description"] = draw(texts())
    space: dict[str, Data] = {"name": "any", "stages": stages, "parameters": parameters}
    if draw(st.booleans()):
        space["require"] = draw(st.lists(st.sampled_from(REQUIRED), max_size=2))
    return space


def _add_conditions(draw: Draw, parameters: dict[str, Data]) -> None:
    """Let some choices depend on some that come before them."""
    before: list[str] = []
    for name, written in list(parameters.items()):
        if before and name != "dims" and draw(st.integers(0, 3)) == 0:
            asking = draw(st.lists(st.sampled_from(before), min_size=1, max_size=2, unique=True))
            when = {}
            for key in asking:
                values = Parameter.model_validate(parameters[key]).values or ()
                asked = draw(
                    st.lists(st.sampled_from(values), min_size=1, max_size=2, unique_by=repr)
                )
                when[key] = asked[0] if len(asked) == 1 else asked
            spelled = written
            if not isinstance(written, dict):
                spelled = {"per_stage" if isinstance(written, list) else "choice": written}
                spelled = spelled if isinstance(written, list) else {"choice": [written]}
            parameters[name] = spelled | {"when": when}
            if name == "depths" or draw(st.booleans()):
                parameters[name]["otherwise"] = _any_value(name)
        if name in (*CHOICES, *FLAGS, *OPTIONAL_FLAGS, "groups", "patch_size"):
            before.append(name)


def _any_value(name: str) -> Any:
    if name in CHOICES:
        return CHOICES[name][-1]
    return {"drop_path_rate": 0.5}.get(name, True if name in (*FLAGS, *OPTIONAL_FLAGS) else 3)
