from __future__ import annotations

import itertools
import operator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dse.errors import UserError
from dse.space.language.choices import StageParameter
from dse.space.language.design_space import space_from_definition
from dse.space.language.restrict import loosened
from tests.space.language.strategies import staged
from tests.space.language.test_extends import PARENT, extended

NORMS = ("layer_norm", "batch_norm", "rms_norm")
SEVEN = {"kernel_sizes": 7}


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"norm_layer": "rms_norm"}, "norm_layer: may hold 'layer_norm', 'batch_norm', not 'rms_n"),
        ({"pointwise": {"choice": ["linear", "conv"]}}, "pointwise: may hold 'linear', not 'conv'"),
        ({"stem_width": 32}, "stem_width: may hold null, not 32"),
        ({"stem_ratio": 2}, "stem_ratio: may hold 1, not 2"),
        ({"kernel_sizes": 3}, "kernel_sizes: may hold 5, not 3"),
        ({"depths": 17}, "depths: may hold 1, 2, 3, ..., 16, not 17"),
        ({"depths": {"any_of": [[1, 2, 3, 4], [1, 2, 3, 17]]}}, "..., 16, not 17"),
        ({"group_width": {"tie": "free"}}, "must be non-decreasing, with tie: non_decreasing"),
        ({"group_width": {"tie": "non_increasing"}}, "must be non-decreasing, with tie"),
        ({"group_width": {"any_of": [[2, 1, 1, 1]]}}, r"\[2, 1, 1, 1\] is not non-decreasing"),
        ({"group_width": {"any_of": [[1, 1, 2, 1]]}}, r"\[1, 1, 2, 1\] is not non-decreasing"),
        ({"expansion_ratio": {"shared": {"uniform": [0.5, 3]}}}, "from 1 to 6, not 0.5"),
        ({"expansion_ratio": 7}, "may hold numbers from 1 to 6, not 7"),
        ({"drop_path_rate": {"uniform": [0, 0.5]}}, "may hold 0, not all from 0 to 0.5"),
        ({"ls_init_value": None}, "may hold numbers from 1e-06 to 1, not null"),
        ({"norms_per_block": {"choice": [1, 0]}}, "norms_per_block: may hold 1, 2, 3, not 0"),
        ({"grn": {"when": None, "choice": [True]}}, "grn: may hold false, not true"),
        ({"grn": {"when": {"act_layer": ["gelu", "relu"]}}}, "grn: may hold false, not true"),
        ({"grn": {"otherwise": True}}, "grn: may hold false, not true"),
        ({"dims": {"maximum": 2048}}, r"dims\.maximum: must be 1024 at most, not 2048"),
        ({"dims": {"minimum": 4}}, r"dims\.minimum: must be 8 at least, not 4"),
        ({"dims": {"multiple_of": 12}}, r"dims\.multiple_of: must be a multiple of 8"),
        ({"dims": {"growth": 2}}, "dims: must be drawn as per_stage"),
        ({"dims": {"per_stage": {"choice": [8, 2048]}}}, "dims: may hold .*, 1024, not 2048"),
    ],
)
def test_a_child_may_not_loosen(tmp_path: Path, parameters: dict[str, Any], sentence: str) -> None:
    name = next(iter(parameters))
    with pytest.raises(UserError) as caught:
        extended(tmp_path, {"parameters": parameters})
    words = sentence.split(": ", 1)[-1]
    assert caught.match(rf"child\.yaml, line [345]: parameters\.{name}.*{words}")
    assert caught.match(r", to restrict parent\.yaml\.$")


def lists(depths: StageParameter) -> set[tuple[Any, ...]]:
    """All depths of three stages that can come out."""
    if depths.any_of is not None:
        return set(depths.any_of)
    priors = depths.priors(3) * (3 if depths.is_shared else 1)
    compare = {
        "free": lambda a, b: True,
        "shared": operator.eq,
        "non_decreasing": operator.le,
        "non_increasing": operator.ge,
    }[depths.order]
    return {
        values
        for values in itertools.product(*(prior.values or () for prior in priors))
        if all(compare(a, b) for a, b in itertools.pairwise(values))
    }


SMALL = staged(st.sampled_from(({"choice": [1, 2]}, 1, {"choice": [2, 3, 1]})), [1, 2, 3], 3)


@settings(max_examples=300, deadline=None)
@given(parent=SMALL, child=SMALL)
def test_what_counts_as_a_restriction_is_one(parent: Any, child: Any) -> None:
    spaces_of_both = [
        space_from_definition(
            {"name": "any", "stages": 3, "parameters": {"depths": d, "dims": [8, 8, 8], **SEVEN}}
        ).parameters
        for d in (parent, child)
    ]
    if not list(loosened(*spaces_of_both, stages=3)):
        before, after = (p.depths for p in spaces_of_both)
        assert before is not None
        assert after is not None
        assert lists(after) <= lists(before)


@st.composite
def conditional_grn(draw: st.DrawFn) -> dict[str, Any]:
    values = st.lists(st.booleans(), min_size=1, unique=True)
    norms = st.lists(st.sampled_from(NORMS), min_size=1, unique=True)
    free = draw(norms)
    data: dict[str, Any] = {"norm_layer": {"choice": free}, "grn": {"choice": draw(values)}}
    if draw(st.booleans()):
        when = {"norm_layer": draw(st.sampled_from(free))}
        data["grn"] |= {"when": when, "otherwise": draw(st.booleans())}
    return data


def pairs(data: dict[str, Any]) -> set[tuple[str, bool]]:
    """All norms together with whether there is GRN."""
    grn = data["grn"]
    return {
        (norm, value)
        for norm in data["norm_layer"]["choice"]
        for value in (
            grn["choice"]
            if norm == grn.get("when", {"norm_layer": norm})["norm_layer"]
            else [grn["otherwise"]]
        )
    }


@given(parent=conditional_grn(), child=conditional_grn())
def test_conditions_are_restricted_where_they_hold_and_where_not(
    parent: dict[str, Any], child: dict[str, Any]
) -> None:
    both = [
        space_from_definition(
            {"name": "any", "parameters": {"depths": 1, "dims": [8] * 4, **SEVEN, **data}}
        ).parameters
        for data in (parent, child)
    ]
    assert (not list(loosened(*both, stages=4))) == (pairs(child) <= pairs(parent))


def test_a_line_may_only_be_narrowed(tmp_path: Path) -> None:
    line = {"depth": {"uniform": [4, 20], "step": 1}, "initial": 24, "slope": 8, "multiplier": 2}
    parameters = {k: v for k, v in PARENT["parameters"].items() if k != "depths"}
    parent = PARENT | {"parameters": parameters | {"dims": {"quantized_linear": line}}}
    narrower = {"quantized_linear": line | {"depth": 9}}
    extended(tmp_path, {"parameters": {"dims": narrower}}, parent)
    for dims, sentence in (
        ({"quantized_linear": line | {"slope": 9}}, r"quantized_linear\.slope: may hold 8, not 9"),
        ({"per_stage": 8}, "dims: must be drawn as quantized_linear"),
    ):
        child = {"dims": dims, **({"depths": 1} if "per_stage" in dims else {})}
        with pytest.raises(UserError, match=sentence):
            extended(tmp_path, {"parameters": child}, parent)


def test_growth_may_only_be_narrowed(tmp_path: Path) -> None:
    dims = {"growth": {"per_stage": {"uniform": [1, 3]}}, "first": {"choice": [32, 64]}}
    parent = PARENT | {"parameters": PARENT["parameters"] | {"dims": dims}}
    child = {"growth": {"per_stage": [2, 2, {"uniform": [1, 2]}]}}
    space = extended(tmp_path, {"parameters": {"dims": child}}, parent)
    assert space.parameters.dims.first is not None
    for written, sentence in (
        ({"growth": 4}, r"dims\.growth: may hold numbers from 1 to 3, not 4"),
        ({"first": 16}, r"dims\.first: may hold 32, 64, not 16"),
        ({"per_stage": 16}, "dims: must be drawn as growth"),
    ):
        with pytest.raises(UserError, match=sentence):
            extended(tmp_path, {"parameters": {"dims": written}}, parent)


def test_lists_may_only_be_fewer(tmp_path: Path) -> None:
    lists = {"any_of": [[3, 4, 6, 3], [3, 3, 9, 3], [2, 2, 2, 2]]}
    parent = PARENT | {"parameters": PARENT["parameters"] | {"depths": lists}}
    for written in ([3, 3, 9, 3], 2, {"any_of": [[2, 2, 2, 2], [3, 3, 9, 3]]}):
        extended(tmp_path, {"parameters": {"depths": written}}, parent)
    for written, sentence in (
        (3, r"may hold \[3, 4, 6, 3\], .*, not \[3, 3, 3, 3\]"),
        ({"choice": [2, 3]}, r"may hold \[3, 4, 6, 3\], \[3, 3, 9, 3\], \[2, 2, 2, 2\] only"),
    ):
        with pytest.raises(UserError, match=sentence):
            extended(tmp_path, {"parameters": {"depths": written}}, parent)
