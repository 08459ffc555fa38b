from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings

from dse.errors import UserError
from dse.space.language.design_space import DesignSpace, load_space
from tests.space.language.strategies import spaces
from tests.space.language.test_design_space import TOO_SLOW

PARENT: dict[str, Any] = {
    "name": "parent",
    "description": "not handed down",
    "stages": 4,
    "parameters": {
        "depths": {"per_stage": {"uniform": [1, 16], "step": 1}, "description": "Blocks."},
        "dims": {
            "per_stage": {"uniform": [8, 1024], "step": 8},
            "minimum": 8,
            "maximum": 1024,
            "multiple_of": 8,
        },
        "kernel_sizes": [3, 5, 7, 7],
        "expansion_ratio": {"per_stage": {"uniform": [1, 6]}},
        "group_width": {"per_stage": {"power_of_two": [1, 32]}, "tie": "non_decreasing"},
        "norm_layer": {"choice": ["layer_norm", "batch_norm"], "source": "Table 10."},
        "act_layer": {"choice": ["gelu", "relu"], "when": {"norm_layer": "layer_norm"}},
        "grn": {"choice": [True, False], "when": {"act_layer": "gelu"}, "otherwise": False},
        "norms_per_block": {"uniform": [1, 3], "step": 1},
        "bias": {"choice": [True], "when": {"act_layer": "relu"}},
        "ls_init_value": {"log_uniform": [1e-6, 1]},
    },
    "require": ["depths[1] <= depths[2]"],
}


def extended(folder: Path, child: dict[str, Any], parent: dict[str, Any] = PARENT) -> DesignSpace:
    (folder / "parent.yaml").write_text(yaml.safe_dump(parent, sort_keys=False))
    data = {"name": "child", "extends": "parent.yaml", **child}
    (folder / "child.yaml").write_text(yaml.safe_dump(data, sort_keys=False))
    return load_space(folder / "child.yaml")


def restricted(folder: Path, **parameters: Any) -> dict[str, Any]:
    space = extended(folder, {"parameters": parameters})
    found: dict[str, Any] = space.definition()["parameters"]
    return found


def test_a_child_alone_is_its_parent(tmp_path: Path) -> None:
    child = extended(tmp_path, {})
    parent = load_space(tmp_path / "parent.yaml")
    assert child.hash == parent.hash
    assert child.name == "child"
    assert child.description == ""
    assert child.extends == "parent.yaml"
    assert "extends" not in child.definition()
    assert child.parameters.depths == parent.parameters.depths


@settings(TOO_SLOW, max_examples=40)
@given(data=spaces())
def test_any_space_restricts_itself(
    data: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    child = {key: data[key] for key in data if key not in ("name", "require")}
    for written in ({}, child):
        assert extended(folder, written, data).hash == load_space(folder / "parent.yaml").hash


@pytest.mark.parametrize(
    ("name", "written", "found"),
    [
        (
            "depths",
            {"tie": "non_decreasing"},
            {"per_stage": {"uniform": [1, 16], "step": 1}, "tie": "non_decreasing"},
        ),
        ("depths", {"tie": "shared"}, {"uniform": [1, 16], "step": 1}),
        ("depths", [3, 4, 6, 3], [3, 4, 6, 3]),
        ("depths", 2, 2),
        ("depths", {"any_of": [[3, 4, 6, 3], [3, 3, 9, 3]]}, None),
        ("depths", {"choice": [2, 3]}, {"choice": [2, 3]}),
        ("group_width", {"choice": [8, 16]}, {"choice": [8, 16]}),
        ("group_width", [1, 2, 2, 32], [1, 2, 2, 32]),
        ("group_width", {"any_of": [[1, 1, 2, 2], [8, 8, 8, 8]]}, None),
        (
            "group_width",
            {"per_stage": {"power_of_two": [2, 8]}},
            {"per_stage": {"power_of_two": [2, 8]}, "tie": "non_decreasing"},
        ),
        ("expansion_ratio", {"shared": {"choice": [1, 4]}}, {"choice": [1, 4]}),
        ("expansion_ratio", {"per_stage": {"log_uniform": [2, 3]}}, None),
        ("norm_layer", "layer_norm", None),
        ("norms_per_block", 2, 2),
        ("ls_init_value", {"choice": [1e-6, 0.5]}, {"choice": [1e-6, 0.5]}),
        ("grn", False, None),
        ("grn", {"choice": [True]}, {"choice": [True], "when": {"act_layer": "gelu"}}),
        ("grn", {"when": None, "choice": [False]}, None),
    ],
)
def test_a_child_restricts(tmp_path: Path, name: str, written: Any, found: Any) -> None:
    drawn = restricted(tmp_path, **{name: written})
    if found is not None:
        assert drawn[name] == found


def test_limits_of_widths_are_narrowed_in_one_line(tmp_path: Path) -> None:
    before = extended(tmp_path, {}).definition()["parameters"]["dims"]
    assert restricted(tmp_path, dims={"maximum": 512})["dims"] == before | {"maximum": 512}
    assert restricted(tmp_path, dims={"multiple_of": 16})["dims"] == before | {"multiple_of": 16}


def test_widths_along_a_line_replace_widths_and_depths(tmp_path: Path) -> None:
    line = {"depth": {"uniform": [4, 20], "step": 1}, "initial": 24, "slope": 8, "multiplier": 2}
    drawn = restricted(tmp_path, dims={"quantized_linear": line})
    assert drawn["dims"] == {"quantized_linear": line, "maximum": 1024}
    assert "depths" not in drawn


def test_prose_stays_where_the_child_gives_none(tmp_path: Path) -> None:
    child = {"norm_layer": {"choice": ["layer_norm"]}, "depths": {"choice": [1], "source": "mine"}}
    parameters = extended(tmp_path, {"parameters": child}).parameters
    assert parameters.norm_layer.source == "Table 10."
    assert parameters.depths is not None
    assert (parameters.depths.description, parameters.depths.source) == ("Blocks.", "mine")


def test_what_is_required_adds_up(tmp_path: Path) -> None:
    space = extended(tmp_path, {"require": ["depths[3] > 2"]})
    assert space.definition()["require"] == ["depths[1] <= depths[2]", "depths[3] > 2"]


def test_a_condition_that_can_no_longer_hold_leaves_what_stands_in(tmp_path: Path) -> None:
    drawn = restricted(tmp_path, norm_layer="batch_norm")
    assert drawn["norm_layer"] == "batch_norm"
    assert "act_layer" not in drawn  # gelu, as in ConvNeXt-T
    assert drawn["grn"] == {"choice": [True, False], "when": {"act_layer": "gelu"}}
    assert "bias" not in drawn
    drawn = restricted(tmp_path, norm_layer="layer_norm")
    assert drawn["bias"] == {"choice": [True], "when": {"act_layer": "relu"}}


@pytest.mark.parametrize(
    ("child", "sentence"),
    [
        ({"stages": 3}, r"child\.yaml, line 3: stages: must be 4 as in parent\.yaml"),
        ({"stages": "many"}, r"child\.yaml, line 3: stages: must be 4"),
        ({"parameters": 3}, r"child\.yaml, line 3: parameters: must hold keys and values"),
        ({"parameters": {"grm": True}}, r"child\.yaml, line 4: unknown key 'parameters\.grm'"),
        ({"parameters": {"grn": {"chose": 1}}}, r"line 5: unknown key 'parameters\.grn\.chose'"),
        ({"parameters": {"dims": [1, 2]}}, r"child\.yaml, line 4: parameters\.dims"),
        ({"parameters": {"depths": {}, "dims": None}}, r"line 5: parameters\.dims"),
        ({"require": ["depths[2] > 1", "depth[3] > 2"]}, r"line 5: require\.1: there is no param"),
        ({"require": 3}, r"line 3: require: must be a list"),
        ({"extends": 3}, r"line 2: extends: must be text"),
        ({"extends": "none.yaml"}, r"line 2: extends: there is no file 'none\.yaml' beside"),
        ({"extends": "n" * 300}, r"line 2: extends: there is no file 'n"),
        ({"extends": "a\0b"}, r"line 2: extends: there is no file"),
        ({"extends": "child.yaml"}, r"line 2: extends: is a circle: child.yaml extends child.yaml"),
        ({"name": None}, r"line 1: name: must be text"),
    ],
)
def test_a_mistake_of_the_child_is_told_with_its_file_and_line(
    tmp_path: Path, child: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence) as caught:
        extended(tmp_path, child)
    assert "\n" not in str(caught.value)


def test_a_mistake_of_the_parent_is_told_with_the_parents_file(tmp_path: Path) -> None:
    parent = PARENT | {"parameters": PARENT["parameters"] | {"stem": "ptch"}}
    with pytest.raises(UserError, match=r"parent\.yaml, line \d+: parameters\.stem"):
        extended(tmp_path, {}, parent)


def test_files_that_extend_each_other_in_a_circle_are_refused(tmp_path: Path) -> None:
    for name, other in (("a", "b"), ("b", "c"), ("c", "b")):
        (tmp_path / f"{name}.yaml").write_text(f"name: {name}\nextends: {other}.yaml\n")
    circle = r"c\.yaml, line 2: extends: is a circle: b\.yaml extends c\.yaml extends b\.yaml"
    with pytest.raises(UserError, match=circle):
        load_space(tmp_path / "a.yaml")


def test_a_row_of_sixteen_files_is_allowed_and_no_longer_one(tmp_path: Path) -> None:
    (tmp_path / "0.yaml").write_text(yaml.safe_dump(PARENT))
    for k in range(1, 17):
        (tmp_path / f"{k}.yaml").write_text(f"name: s{k}\nextends: {k - 1}.yaml\n")
    assert load_space(tmp_path / "15.yaml").hash == load_space(tmp_path / "0.yaml").hash
    with pytest.raises(UserError, match="16 files at most may extend each other"):
        load_space(tmp_path / "16.yaml")


def test_a_space_in_another_folder_is_found_from_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "parent.yaml").write_text(yaml.safe_dump(PARENT))
    (tmp_path / "sub" / "child.yaml").write_text("name: child\nextends: ../parent.yaml\n")
    monkeypatch.chdir(tmp_path / "sub")
    assert load_space("child.yaml").hash == load_space(tmp_path / "parent.yaml").hash
