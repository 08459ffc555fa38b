from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from dse.errors import UserError
from dse.space.language.design_space import space_from_definition
from dse.space.language.parameters import Parameter, Parameters, StageParameter, Widths
from dse.space.language.priors import Prior
from tests.spaces import CONVNEXT, changed


def refused(parameters: dict[str, Any], sentence: str) -> None:
    data = CONVNEXT.definition()
    data["parameters"] |= parameters
    data["parameters"] = {k: v for k, v in data["parameters"].items() if v != "left out"}
    with pytest.raises(UserError, match=sentence):
        space_from_definition(data)


@pytest.mark.parametrize(
    ("written", "values"),
    [
        (7, [(7,)]),
        ([3, 3, 9, 3], [(3,), (3,), (9,), (3,)]),
        ({"choice": [3, 5]}, [(3, 5)]),
        ({"shared": {"choice": [3, 5]}}, [(3, 5)]),
        ({"per_stage": {"choice": [3, 5]}}, [(3, 5)] * 4),
        ({"per_stage": {"choice": [3, 5]}, "tie": "shared"}, [(3, 5)]),
        ({"per_stage": {"choice": [3, 5]}, "tie": "non_decreasing"}, [(3, 5)] * 4),
        ({"per_stage": [3, {"choice": [3, 5]}, 7, 9]}, [(3,), (3, 5), (7,), (9,)]),
        ({"any_of": [[3, 4, 6, 3], [3, 3, 9, 3]]}, [("3-4-6-3", "3-3-9-3")]),
    ],
)
def test_a_choice_for_each_stage_has_many_spellings(written: Any, values: list[Any]) -> None:
    parameter = StageParameter.model_validate(written)
    assert [prior.values for prior in parameter.priors(4)] == values
    assert parameter.is_shared == (len(values) == 1 and "any_of" not in str(written))


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ({}, "exactly one of shared, per_stage and any_of"),
        ({"shared": 1, "per_stage": 2}, "exactly one of"),
        ({"shared": 1, "tie": "shared"}, "tie goes with per_stage"),
        ({"any_of": [[1, 2]], "tie": "shared"}, "tie goes with per_stage"),
        ({"per_stage": [1, 2], "tie": "shared"}, "tie shared needs the same prior in all stages"),
        ({"per_stage": [2, 1], "tie": "non_decreasing"}, "no values .* are non-decreasing"),
        ({"per_stage": [1, 2], "tie": "non_increasing"}, "no values .* are non-increasing"),
        (
            {"per_stage": [{"uniform": [1, 2]}, {"uniform": [1, 3]}], "tie": "non_decreasing"},
            "tie non_decreasing needs the same prior in all stages, or lists of values",
        ),
        ({"any_of": []}, "must list whole lists"),
        ({"any_of": [3, 3, 9, 3]}, "must list whole lists"),
        ({"any_of": [["a"]]}, "must list whole lists"),
        ({"any_of": [[1, True]]}, "may not be true or false"),
        ({"any_of": [[1, 2], [1.0, 2]]}, "must list each list once"),
        ([1, {"choice": [1]}], "priors go under per_stage"),
        ({"shared": 1, "otherwise": 2}, "otherwise goes with when"),
        ({"shared": 1, "when": {}}, "must give parameters with the values"),
        ({"shared": 1, "when": ["stem"]}, "must give parameters with the values"),
        ({"shared": 1, "when": {"stem": {}}}, "must give values: one, or a list"),
        ({"shared": 1, "when": {"stem": []}}, "must give values: one, or a list"),
        ({"shared": 1, "when": {"stem": float("nan")}}, "finite"),
        ({"shared": 1, "when": {"stem": "patch"}, "otherwise": [1]}, "must be one value"),
    ],
)
def test_what_is_no_choice_for_each_stage_is_refused(written: Any, sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        StageParameter.model_validate(written)


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ({}, "exactly one of growth, per_stage and quantized_linear"),
        ({"growth": 2, "per_stage": 8}, "exactly one of growth, per_stage and quantized_linear"),
        ({"per_stage": 8, "first": 8}, "first goes with growth"),
        ({"growth": 2, "first": 0}, r"first\s.*positive numbers up to 65536, not 0"),
        ({"growth": 2, "tie": "shared"}, "tie goes with per_stage"),
        ({"growth": {"shared": 2, "when": {"grn": True}}}, "may have no condition"),
        ({"per_stage": 8.5}, "whole numbers from 1 to 65536, not 8.5"),
        ({"per_stage": {"uniform": [8, 16]}}, "whole numbers from 1 to 65536; add a step"),
        ({"per_stage": [16, 8], "tie": "non_decreasing"}, "no values .* are non-decreasing"),
        ({"per_stage": 12}, "no width of per_stage is a multiple of 8 from 8 to 4096"),
        ({"per_stage": [8, 8192]}, "no width of per_stage is a multiple of 8 from 8 to 4096"),
        ({"growth": 2, "minimum": 9, "maximum": 15}, "no multiple of 8 is from 9 to 15"),
        ({"quantized_linear": {}}, "depth\n.*required"),
    ],
)
def test_what_are_no_widths_is_refused(written: Any, sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        Widths.model_validate(written)


@pytest.mark.parametrize(
    ("key", "written", "sentence"),
    [
        ("depth", 0, "whole numbers from 1 to 1000, not 0"),
        ("depth", {"uniform": [1, 9]}, "add a step"),
        ("initial", 0, "positive numbers up to 65536, not 0"),
        ("slope", -1, "numbers from 0 to 65536, not -1"),
        ("multiplier", 1, "numbers above 1 up to 65536, not 1"),
    ],
)
def test_a_line_of_widths_has_its_limits(key: str, written: Any, sentence: str) -> None:
    line = {"depth": 9, "initial": 24, "slope": 8.5, "multiplier": 2}
    Widths.model_validate({"quantized_linear": line})
    with pytest.raises(ValidationError, match=sentence):
        Widths.model_validate({"quantized_linear": line | {key: written}})


def test_a_line_of_widths_gives_the_depths() -> None:
    line = {"quantized_linear": {"depth": 9, "initial": 24, "slope": 8.5, "multiplier": 2}}
    assert changed(dims=CONVNEXT.definition()["parameters"]["dims"]).parameters.depths is not None
    refused({"dims": line}, "parameters.depths: may not stand beside dims.quantized_linear")
    refused({"depths": "left out"}, "parameters: depths is missing")


def test_only_widths_that_can_be_built_are_allowed() -> None:
    widths = Widths.model_validate(
        {"per_stage": {"uniform": [4, 40], "step": 4}, "minimum": 10, "maximum": 30}
    )
    assert isinstance(widths.per_stage, Prior)
    assert widths.allowed(widths.per_stage) == (16, 24)


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        (
            {"grn": {"choice": [True], "when": {"depths": 3}}},
            r"grn\.when\.depths: is no choice for",
        ),
        (
            {"grn": {"choice": [True], "when": {"nrm": 3}}},
            "nrm: is no choice for the whole network",
        ),
        ({"grn": {"choice": [True], "when": {"stem_width": 3}}}, "stem_width: is no choice for"),
        ({"grn": {"choice": [True], "when": {"stem": "ptch"}}}, "stem: may hold patch"),
        ({"grn": {"choice": [True], "when": {"stem": True}}}, "stem: may not be true or false"),
        (
            {"grn": {"choice": [True], "when": {"norm_layer": "rms_norm"}}},
            "norm_layer is never 'rms_norm', only 'layer_norm', 'batch_norm'",
        ),
        (
            {
                "grn": {"choice": [True], "when": {"drop_path_rate": 0.5}},
                "drop_path_rate": {"uniform": [0, 0.9]},
            },
            "needs a choice or a step for drop_path_rate",
        ),
        ({"grn": {"choice": [True], "when": {"grn": True}}}, "is a circle of conditions: grn, grn"),
        (
            {
                "grn": {"choice": [True], "when": {"act_layer": "relu"}},
                "act_layer": {"choice": ["relu"], "when": {"bias": True}},
                "bias": {"choice": [True], "when": {"act_layer": "relu"}},
            },
            "is a circle of conditions: act_layer, bias, act_layer",
        ),
        (
            {"norms_per_block": {"choice": [1], "when": {"grn": False}, "otherwise": 9}},
            "norms_per_block: may hold 0, 1, 2 or 3, not 9",
        ),
        ({"depths": {"choice": [1], "when": {"grn": False}}}, r"depths\.when: needs an otherwise"),
    ],
)
def test_a_condition_that_cannot_be_is_refused(parameters: dict[str, Any], sentence: str) -> None:
    refused(parameters, sentence)


def test_what_a_condition_asks_for_comes_first() -> None:
    order = changed(
        kernel_sizes={"choice": [3], "when": {"stem": ["patch", "overlap"]}},
        norm_layer={"choice": ["batch_norm"], "when": {"ls_init_value": None, "grn": True}},
        grn={"choice": [True, False], "when": {"downsampling": "in_block"}},
    ).parameters.order
    place = order.index
    assert sorted(order) == sorted(CONVNEXT.parameters.given)
    assert order[:2] == ("depths", "dims")
    assert place("stem") < place("kernel_sizes")
    assert max(place("ls_init_value"), place("grn")) < place("norm_layer")
    assert place("downsampling") < place("grn")
    assert CONVNEXT.parameters.order == tuple(CONVNEXT.parameters.given)


def test_a_value_stands_in_where_a_condition_does_not_hold() -> None:
    parameters: Parameters = changed(
        grn={"choice": [True], "when": {"norm_layer": "layer_norm"}},
        norms_per_block={"choice": [2], "when": {"norm_layer": "layer_norm"}, "otherwise": 3},
        kernel_sizes={"choice": [3, 5], "when": {"norm_layer": "layer_norm"}},
    ).parameters
    assert parameters.otherwise("grn") is False
    assert parameters.otherwise("norms_per_block") == 3
    assert parameters.otherwise("kernel_sizes") == 7
    assert parameters.possible("grn") == (True, False)
    assert parameters.possible("norms_per_block") == (2, 3)
    assert parameters.grn.holds({"norm_layer": "layer_norm"})
    assert not parameters.grn.holds({"norm_layer": "batch_norm"})
    assert set(parameters.conditional) == {"grn", "norms_per_block", "kernel_sizes"}


def test_null_may_be_what_stands_in() -> None:
    when = {"when": {"norm_layer": "layer_norm"}}
    given = Parameter.model_validate({"choice": [0.1], "otherwise": None, **when})
    assert given.has_otherwise
    parameters = changed(ls_init_value=given.definition_with(1e-6)).parameters
    assert parameters.otherwise("ls_init_value") is None
    assert changed(ls_init_value={"choice": [0.1], **when}).parameters.otherwise(
        "ls_init_value"
    ) == pytest.approx(1e-6)
