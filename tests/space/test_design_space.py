from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dse.errors import UserError
from dse.space import Budget
from dse.space.describe import compare_rows, describe_rows
from dse.space.design_space import DesignSpace, load_space, space_from_definition
from tests.spaces import CONVNEXT, CONVNEXT_FILE, changed


def test_the_convnext_space_frees_every_choice_of_the_modernization_walk() -> None:
    free = {
        name.split(".")[0]
        for name, prior in CONVNEXT.priors.items()
        if prior.values is None or len(prior.values) > 1
    }
    assert free == {
        "depths", "dims", "kernel_sizes", "expansion_ratio", "block_order", "norm_layer",
        "act_layer", "norms_per_block", "acts_per_block", "pointwise", "stem", "downsampling",
        "ls_init_value",
    }  # fmt: skip


def test_every_choice_has_a_description_and_a_source() -> None:
    for name in type(CONVNEXT.parameters).model_fields:
        parameter = getattr(CONVNEXT.parameters, name)
        assert parameter.description, name
        assert parameter.source, name


def test_the_definition_survives_json_and_keeps_the_hash() -> None:
    again = space_from_definition(json.loads(json.dumps(CONVNEXT.definition())))
    assert again.hash == CONVNEXT.hash
    assert again.parameters.ls_init_value.values == CONVNEXT.parameters.ls_init_value.values


def test_size_counts_the_shapes() -> None:
    one = changed(
        depths={"shared": {"choice": [1, 2]}},
        kernel_sizes={"shared": {"choice": [3, 5, 7, 9, 11]}},
        dims={"growth": {"shared": {"choice": [2]}}},
        **{
            name: {"choice": [getattr(CONVNEXT.parameters, name).values[0]]}
            for name in CONVNEXT.priors
            if "." not in name
        },
    )
    assert one.log10_size == pytest.approx(1.0)
    assert one.dimension == 2


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"norm_layer": {"choice": ["ln"]}}, "norm_layer.*batch_norm, rms_norm, not 'ln'"),
        ({"norm_layer": {"uniform": [0, 1]}}, "norm_layer: give a choice of layer_norm"),
        ({"norms_per_block": {"choice": [4]}}, "norms_per_block: may hold 0, 1, 2 or 3, not 4"),
        ({"norms_per_block": {"uniform": [1, 3]}}, "may hold 0, 1, 2 or 3; add a step"),
        ({"norms_per_block": {"choice": [True]}}, "norms_per_block.choice: may not be true"),
        ({"norms_per_block": True}, "norms_per_block: may not be true"),
        ({"act_layer": {"choice": [True]}}, "act_layer.choice: may not be true .* quote a name"),
        (
            {"expansion_ratio": {"choice": [0]}},
            "expansion_ratio: may hold positive numbers up to 64",
        ),
        ({"expansion_ratio": {"choice": [1e300]}}, "positive numbers up to 64, not 1e.300"),
        ({"expansion_ratio": {"uniform": [1, 65]}}, "positive numbers up to 64, not 65"),
        (
            {"expansion_ratio": {"choice": [float("inf")]}},
            "expansion_ratio: choice may hold finite",
        ),
        ({"ls_init_value": {"choice": [1, float("nan")]}}, "ls_init_value: choice may hold finite"),
        ({"expansion_ratio": {"choice": ["x"]}}, "expansion_ratio: may hold positive numbers"),
        ({"ls_init_value": {"choice": ["x"]}}, "ls_init_value: may hold numbers and null"),
        ({"kernel_sizes": {"shared": {"choice": [4]}}}, "odd whole numbers from 1 to 255, not 4"),
        ({"kernel_sizes": {"shared": {"choice": [99999999999]}}}, "from 1 to 255, not 99999999999"),
        ({"kernel_sizes": {"per_stage": [3, 5, 7, 9]}}, r"sizes\.per_stage\.0: must hold keys"),
        ({"depths": {"shared": {"uniform": [1, 4]}}}, "whole numbers from 1 to 1000; add a step"),
        ({"depths": {"shared": {"choice": [9 * 10**18]}}}, "whole numbers from 1 to 1000, not 9"),
        ({"depths": {"shared": {"uniform": [1, 10**6], "step": 1}}}, "too fine .* 10,000 values"),
        ({"depths": {"shared": {"choice": [0]}}}, "whole numbers from 1 to 1000, not 0"),
        ({"depths": {}}, "exactly one of shared and per_stage"),
        ({"depths": {"per_stage": [{"choice": [1]}]}}, "must list 4 priors, not 1"),
        ({"dims": {"growth": {"shared": {"choice": [-1]}}}}, "dims: may hold numbers from 1/65536"),
        ({"dims": {"growth": {"shared": {"choice": [2]}}, "maximum": 10**9}}, "equal to 65536"),
        ({"dims": {"growth": {"shared": {"choice": [2]}}, "minimum": 9, "maximum": 8}}, "above"),
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
        ("[1, 2, 3]\n\n  act", "[true]\n\n  act", r"line 5\d: parameters\.norms_per_block\.choice"),
        ("[gelu, relu, silu, hardswish]", "[on]", r"line \d+: parameters\.act_layer\.choice"),
        ("[null, 1e-6, 0.1]", "[.inf]", r"line \d+: parameters\.ls_init_value: .* not inf"),
        (
            "{choice: [3, 5, 7, 9]}",
            "[3, 5, 7, 9]",
            r"line 3\d: parameters\.kernel_sizes\.per_stage\.0: ",
        ),
    ],
)
def test_a_mistake_in_a_file_is_told_with_its_line_and_key(
    tmp_path: Path, written: str, instead: str, sentence: str
) -> None:
    path = tmp_path / "mine.yaml"
    text = CONVNEXT_FILE.read_text()
    assert written in text
    path.write_text(text.replace(written, instead, 1))
    with pytest.raises(UserError, match=rf"mine\.yaml, {sentence}") as caught:
        load_space(path)
    assert "[_" not in str(caught.value)
    assert "Prior" not in str(caught.value)


def test_a_space_is_described_by_its_priors_and_realised_marginals() -> None:
    rows = {row["parameter"]: row for row in describe_rows(CONVNEXT, None)}
    assert rows["norm_layer"]["prior"] == "one of layer_norm, batch_norm"
    budget = Budget.parse("4.5GFLOPs")
    realised = {r["parameter"]: r["realised"] for r in describe_rows(CONVNEXT, budget, draws=50)}
    assert "layer_norm" in realised["norm_layer"]
    assert realised["dims.1"].startswith("median")
    assert "95 % interval" in realised["draws used"]


def test_two_spaces_are_told_apart_choice_by_choice() -> None:
    narrower: DesignSpace = changed(norm_layer={"choice": ["layer_norm"]})
    rows = list(compare_rows(CONVNEXT, narrower))
    assert [row["choice"] for row in rows] == [
        "norm_layer",
        "free choices",
        "log10 of the number of shapes",
    ]
