from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings

from dse.errors import UserError
from dse.space.language.design_space import (
    DesignSpace,
    differences,
    load_space,
    space_from_definition,
)
from tests.space.language.strategies import spaces
from tests.spaces import CONVNEXT, CONVNEXT_FILE, changed

TOO_SLOW = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@settings(TOO_SLOW, max_examples=300)
@given(data=spaces())
def test_any_space_survives_its_definition_with_its_hash(
    data: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    space = space_from_definition(data)
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(yaml.safe_dump(space.definition()))
    for again in (
        load_space(path),
        space_from_definition(json.loads(json.dumps(space.definition()))),
    ):
        assert again.definition() == space.definition()
        assert again.hash == space.hash
        order = [name for name in space.parameters.order if name in again.parameters.given]
        assert list(again.parameters.order) == order
        assert again.dimension == space.dimension
        assert again.log10_size == space.log10_size
        free = [{n: p for n, p in s.slots.items() if not p.is_fixed} for s in (space, again)]
        assert list(free[0]) == list(free[1])
        assert [p.definition() for p in free[0].values()] == [
            p.definition() for p in free[1].values()
        ]


@settings(TOO_SLOW, max_examples=50)
@given(data=spaces())
def test_a_file_is_the_space_that_it_spells(
    data: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    assert load_space(path).hash == space_from_definition(data).hash


def test_the_convnext_space_frees_every_choice_of_the_modernization_walk() -> None:
    free = {name.split(".")[0] for name, prior in CONVNEXT.slots.items() if not prior.is_fixed}
    assert free == {
        "depths", "dims", "kernel_sizes", "expansion_ratio", "block_order", "norm_layer",
        "act_layer", "norms_per_block", "acts_per_block", "pointwise", "stem", "downsampling",
        "ls_init_value",
    }  # fmt: skip


def test_what_is_drawn_has_names_in_a_fixed_order() -> None:
    space = changed(
        depths={"any_of": [[3, 4, 6, 3], [3, 3, 9, 3]]},
        dims={"growth": {"shared": {"log_uniform": [1, 2]}}, "first": {"choice": [32, 64]}},
        kernel_sizes=7,
        expansion_ratio={"per_stage": {"choice": [1, 2]}},
        group_width={"per_stage": {"power_of_two": [1, 4]}, "tie": "shared"},
    )
    assert list(space.slots)[:12] == [
        "depths", "dims.growth", "dims.first", "kernel_sizes", "expansion_ratio.1",
        "expansion_ratio.2", "expansion_ratio.3", "expansion_ratio.4", "group_width",
        "block_order", "groups", "norm_layer",
    ]  # fmt: skip
    assert space.slots["depths"].values == ("3-4-6-3", "3-3-9-3")


@pytest.mark.parametrize(
    ("dims", "names"),
    [
        ({"growth": {"per_stage": {"log_uniform": [1, 2]}}}, "growth.1 growth.2 growth.3"),
        ({"per_stage": {"choice": [8, 16]}}, "1 2 3 4"),
        ({"per_stage": {"choice": [8, 16]}, "tie": "non_decreasing"}, "1 2 3 4"),
        ({"per_stage": {"choice": [8, 16]}, "tie": "shared"}, ""),
        ([96, 192, 384, 768], "1 2 3 4"),
        (
            {"quantized_linear": {"depth": 9, "initial": 24, "slope": 8, "multiplier": 2}},
            "depth initial slope multiplier",
        ),
    ],
)
def test_each_way_to_draw_widths_has_its_names(dims: Any, names: str) -> None:
    data = CONVNEXT.definition()
    data["parameters"]["dims"] = dims
    if "quantized_linear" in dims:
        del data["parameters"]["depths"]
    slots = [name for name in space_from_definition(data).slots if name.startswith("dims")]
    assert slots == [f"dims.{name}".rstrip(".") for name in names.split(" ")]


def test_every_choice_has_a_description_and_a_source() -> None:
    for name, parameter in CONVNEXT.parameters.given.items():
        if name in CONVNEXT.definition()["parameters"]:
            assert parameter.description, name
            assert parameter.source, name


@pytest.mark.parametrize("change", [{"description": "other words"}, {"name": "renamed"}])
def test_name_and_prose_of_a_space_do_not_change_its_hash(change: dict[str, str]) -> None:
    assert CONVNEXT.model_copy(update=change).hash == CONVNEXT.hash


def test_what_is_left_at_its_default_is_not_in_the_definition() -> None:
    spelled_out = changed(
        norm_layer=CONVNEXT.definition()["parameters"]["norm_layer"],
        grn=False,
        bias=None,
        stem_width=None,
        stem_ratio=1,
        group_width={"shared": {"choice": [None]}},
        drop_path_rate={"uniform": [0, 0]},
        patch_size={"choice": [4.0], "description": "as in ConvNeXt"},
    )
    assert spelled_out.definition() == CONVNEXT.definition()


SAME = [
    {"kernel_sizes": spelling}
    for spelling in (
        7,
        7.0,
        [7, 7, 7, 7],
        {"choice": [7]},
        {"shared": 7},
        {"per_stage": 7},
        {"any_of": [[7, 7, 7, 7]]},
        {"uniform": [7, 7]},
        {"per_stage": {"choice": [7]}, "tie": "non_decreasing"},
    )
]
ALSO_SAME = [
    {"depths": spelling}
    for spelling in (
        {"uniform": [1, 3], "step": 1},
        {"shared": {"uniform": [1.0, 3], "step": 1.0}},
        {"per_stage": {"uniform": [1, 3], "step": 1}, "tie": "shared"},
        {"per_stage": [{"uniform": [1, 3], "step": 1}] * 4, "tie": "shared"},
    )
]


@pytest.mark.parametrize(("spellings"), [SAME, ALSO_SAME])
def test_spellings_of_one_space_have_one_hash(spellings: list[dict[str, Any]]) -> None:
    assert len({changed(**parameters).hash for parameters in spellings}) == 1


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"norm_layer": {"choice": ["ln"]}}, "norm_layer: may hold .*, rms_norm, not 'ln'"),
        ({"norm_layer": "ln"}, "norm_layer: may hold .*, rms_norm, not 'ln'"),
        ({"norm_layer": None}, "norm_layer: may hold .*, rms_norm, not null"),
        ({"norm_layer": {"uniform": [0, 1]}}, "norm_layer: give a choice of layer_norm"),
        ({"norm_layer": ["layer_norm"]}, "norm_layer: must hold keys and values"),
        ({"norms_per_block": {"choice": [4]}}, "norms_per_block: may hold 0, 1, 2 or 3, not 4"),
        ({"norms_per_block": {"uniform": [1, 3]}}, "may hold 0, 1, 2 or 3; add a step"),
        ({"norms_per_block": {"choice": [True]}}, "norms_per_block: may not be true"),
        ({"norms_per_block": True}, "norms_per_block: may not be true"),
        ({"act_layer": {"choice": [True]}}, "act_layer: may not be true .* quote a name"),
        ({"grn": "on"}, "grn: may hold true and false, not 'on'"),
        ({"grn": 1}, "grn: may hold true and false, not 1"),
        ({"grn": None}, "grn: may hold true and false, not null"),
        ({"bias": 0}, "bias: may hold true, false and null, not 0"),
        ({"bias": {"uniform": [0, 1]}}, "bias: give a choice of true, false and null"),
        ({"groups": 0}, "groups: may hold whole numbers from 1 to 65536 and null, not 0"),
        ({"patch_size": None}, "patch_size: may hold whole numbers from 1 to 255, not null"),
        ({"drop_path_rate": 1}, "drop_path_rate: may hold numbers from 0 to below 1, not 1"),
        ({"stem_ratio": 0}, "stem_ratio: may hold numbers from 1/65536"),
        ({"stem_ratio": 2, "stem_width": 8}, "stem_ratio: may not stand beside stem_width"),
        ({"expansion_ratio": 0}, "expansion_ratio: may hold positive numbers up to 64, not 0"),
        ({"expansion_ratio": {"choice": [1e300]}}, "positive numbers up to 64, not 1e.300"),
        ({"expansion_ratio": {"uniform": [1, 65]}}, "positive numbers up to 64, not 65"),
        ({"expansion_ratio": {"choice": [float("inf")]}}, "choice: may hold finite numbers"),
        ({"ls_init_value": {"choice": [1, float("nan")]}}, "choice: may hold finite numbers"),
        ({"expansion_ratio": {"choice": ["x"]}}, "expansion_ratio: may hold positive numbers"),
        ({"ls_init_value": {"choice": ["x"]}}, "ls_init_value: may hold numbers and null"),
        ({"ls_init_value": {"uniform": [0, 1e31]}}, "ls_init_value: may hold numbers and null"),
        ({"kernel_sizes": 4}, "odd whole numbers from 1 to 255, not 4"),
        ({"kernel_sizes": {"choice": [99999999999]}}, "from 1 to 255, not 99999999999"),
        ({"kernel_sizes": {"per_stage": [3, 5, 7]}}, r"per_stage: must have 4 entries, .* not 3"),
        ({"depths": {"uniform": [1, 4]}}, "whole numbers from 1 to 1000; add a step"),
        ({"depths": {"choice": [9 * 10**18]}}, r"whole numbers from 1 to 1000, not 9e\+18"),
        ({"depths": {"uniform": [1, 10**6], "step": 1}}, "too fine .* 10,000 values"),
        ({"depths": 0}, "whole numbers from 1 to 1000, not 0"),
        ({"depths": {}}, "exactly one of shared, per_stage and any_of"),
        ({"depths": {"per_stage": [1]}}, "per_stage: must have 4 entries, one for each stage"),
        ({"depths": [1, 2, 3]}, "depths: must have 4 entries, one for each stage, not 3"),
        ({"dims": 96}, "dims: must hold keys and values"),
        ({"dims": {"growth": [1, 2, 2, 2]}}, "must have 3 entries, .* but the first, not 4"),
        ({"dims": {"growth": -1}}, r"dims\.growth: may hold numbers from 1/65536"),
        ({"dims": {"growth": 2, "maximum": 10**9}}, "equal to 65536"),
        ({"dims": {"growth": 2, "minimum": 9, "maximum": 8}}, "above"),
    ],
)
def test_a_value_that_cannot_be_drawn_is_refused(parameters: dict[str, Any], sentence: str) -> None:
    data = CONVNEXT.definition()
    data["parameters"] |= parameters
    with pytest.raises(UserError, match=sentence):
        space_from_definition(data)


@pytest.mark.parametrize(
    ("written", "instead", "sentence"),
    [
        ("kernel_sizes:", "kernel_size:", r"line \d+: unknown key .*'kernel_sizes'"),
        (
            "[1, 2, 3]\n\n  act",
            "[true]\n\n  act",
            r"line \d+: parameters\.norms_per_block: may not",
        ),
        ("[gelu, relu, silu, hardswish]", "[on]", r"line \d+: parameters\.act_layer: may not be"),
        ("[null, 1e-6, 0.1]", "[.inf]", r"line \d+: parameters\.ls_init_value\.choice: .* finite"),
        (
            "step: 0.5",
            "stp: 0.5",
            r"line \d+: unknown key 'parameters.expansion_ratio.stp'; .*'step'",
        ),
        (
            "{choice: [3, 5, 7, 9]}",
            "[3, 5, 7, 8]",
            r"line \d+: parameters\.kernel_sizes: may hold odd whole numbers",
        ),
        (
            "choice: [1, 2, 3]",
            "{choice: [1, 2], when: {stem: ptch}}",
            r"line \d+: parameters\.norms_per_block\.when\.stem: may hold patch",
        ),
    ],
)
def test_a_mistake_in_a_file_is_told_with_its_line_and_key(
    tmp_path: Path, written: str, instead: str, sentence: str
) -> None:
    path = tmp_path / "mine.yaml"
    text = CONVNEXT_FILE.read_text()
    assert written in text
    if instead.startswith("{choice"):
        instead = instead[1:-1].replace(", when", "\n    when")
    path.write_text(text.replace(written, instead, 1))
    with pytest.raises(UserError, match=rf"mine\.yaml, {sentence}") as caught:
        load_space(path)
    assert "[_" not in str(caught.value)
    assert "Prior" not in str(caught.value)


@pytest.mark.parametrize(
    ("require", "sentence"),
    [
        (["depths[5] > 1"], r"require: 'depths\[5\] > 1' speaks of stage 5; there are 4"),
        (["max(group_width) > 1"], "group_width, which this space does not draw"),
        (["stem_width == null"], "stem_width, which this space does not draw"),
        ("depths[1] > 1", "require: must be a list"),
        (["depths[1]"], r"require\.0: 'depths\[1\]' is neither true nor false"),
        ([{"description": "x"}], r"require\.0.*field required"),
        ([3], r"require\.0: must hold keys and values"),
    ],
)
def test_what_cannot_be_required_is_refused(require: Any, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        space_from_definition(CONVNEXT.definition() | {"require": require})


def test_what_is_required_is_part_of_the_space() -> None:
    data = CONVNEXT.definition() | {"require": ["depths[3] >= max(depths)"]}
    space = space_from_definition(data)
    assert space.hash != CONVNEXT.hash
    described = {"predicate": "depths[3]  >=  max(depths)", "description": "most in stage 3"}
    assert space_from_definition(data | {"require": [described]}).hash == space.hash
    assert differences(CONVNEXT, space) == [("require", "[]", "[depths[3] >= max(depths)]")]


def test_two_spaces_are_told_apart_choice_by_choice() -> None:
    narrower: DesignSpace = changed(norm_layer="layer_norm", grn={"choice": [True, False]})
    assert differences(CONVNEXT, narrower) == [
        ("norm_layer", "{choice: [layer_norm, batch_norm]}", "layer_norm"),
        ("grn", "false", "{choice: [true, false]}"),
    ]


def test_the_tie_of_fixed_widths_is_part_of_the_space() -> None:
    """Solving keeps their order, and widths that are one."""
    free = changed(dims={"per_stage": [64, 64, 128, 128]})
    tied = changed(dims={"per_stage": [64, 64, 128, 128], "tie": "non_decreasing"})
    assert free.hash != tied.hash
    assert space_from_definition(tied.definition()).parameters.dims.tie == "non_decreasing"
    one, shared = (changed(dims={"per_stage": 64, "tie": tie}) for tie in ("free", "shared"))
    assert one.hash == shared.hash
