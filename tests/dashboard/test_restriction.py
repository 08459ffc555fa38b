from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from dse.dashboard.filters import Filter
from dse.dashboard.restriction import restriction, restriction_yaml
from dse.errors import UserError
from dse.space import Budget, DesignSpace, Sampler, load_space
from dse.store.plain import flat_columns
from tests.spaces import CONVNEXT, SPACES, changed


def said(text: str, space: DesignSpace = CONVNEXT) -> dict[str, Any]:
    return dict(restriction(Filter.parse(text), space).parameters)


def read(text: str, space: DesignSpace, folder: Path) -> DesignSpace:
    """The narrower space as it is read from its file, beside that of the space."""
    (folder / f"{space.name}.yaml").write_text(yaml.safe_dump(space.definition()))
    path = folder / "narrower.yaml"
    path.write_text(restriction_yaml(Filter.parse(text), space), encoding="utf-8")
    return load_space(path)


def test_conditions_on_choices_become_parameters() -> None:
    found = said("arch.norm_layer=batch_norm&arch.depths.3=4..9&arch.kernel_sizes.1=5,7")
    assert found["norm_layer"] == {"choice": ["batch_norm"]} or found["norm_layer"] == "batch_norm"
    assert found["depths"]["per_stage"][2] == {"log_uniform": [4, 9], "step": 1}
    assert found["kernel_sizes"]["per_stage"][0] == {"choice": [5, 7]}


def test_the_file_is_a_narrower_space_that_keeps_what_the_filter_keeps(tmp_path: Path) -> None:
    text = "arch.norm_layer=batch_norm&arch.depths.1=2..3&arch.kernel_sizes.3=7..&error=..0.3"
    space = read(text, CONVNEXT, tmp_path)
    sampler = Sampler(space=space, budget=Budget.parse("4.5GFLOPs", tolerance="5%"))
    networks = [sample.architecture.to_dict() for sample in sampler.samples(20)]
    table = pd.DataFrame(flat_columns(networks)).add_prefix("arch.")
    on_paper = Filter.parse(text.removesuffix("&error=..0.3"))
    assert on_paper.mask(table).all()


def test_what_a_space_cannot_say_is_said_in_the_file(tmp_path: Path) -> None:
    text = restriction_yaml(
        Filter.parse("arch.stem=patch&error=..0.3&arch.dims.1=48..96&index=1,2"), CONVNEXT
    )
    comments = [line for line in text.splitlines() if line.startswith("#")]
    assert [line.split()[4] for line in comments[2:]] == ["error,", "arch.dims.1,", "index,"]
    assert "follows from other choices" in comments[3]


def test_a_choice_for_all_stages_is_narrowed_by_any_of_its_columns() -> None:
    space = changed(kernel_sizes={"shared": {"choice": [3, 5, 7, 9]}})
    found = said("arch.kernel_sizes.2=5..&arch.kernel_sizes.4=3,5,7", space)
    assert found["kernel_sizes"] == {"shared": {"choice": [5, 7]}}


def test_whole_lists_are_left_out_by_the_stage_that_a_condition_looks_at() -> None:
    space = changed(depths={"any_of": [[3, 3, 9, 3], [2, 2, 6, 2], [3, 4, 6, 3]]})
    found = said("arch.depths.3=6&arch.depths.1=3..", space)
    assert found["depths"] == {"any_of": [[3, 4, 6, 3]]}


def test_widths_are_never_said_as_a_budget_scales_them() -> None:
    space = load_space(SPACES / "anynetx_a.yaml")
    found = restriction(Filter.parse("arch.dims.1=..64"), space)
    assert not found.parameters
    assert "from the budget" in found.unsaid[0]


def test_null_and_yes_are_levels() -> None:
    space = changed(ls_init_value={"choice": [None, 1e-6]}, grn={"choice": [True, False]})
    assert said("arch.ls_init_value=none", space)["ls_init_value"] is not None
    assert said("arch.ls_init_value=1e-6&arch.grn=False", space) == {
        "ls_init_value": {"choice": [1e-6]},
        "grn": {"choice": [False]},
    }


def test_a_condition_that_leaves_all_values_says_nothing() -> None:
    assert said("arch.depths.3=1..100&arch.norm_layer=batch_norm,layer_norm,rms_norm") == {}


@pytest.mark.parametrize(
    "text",
    [
        "arch.norm_layer=nowhere",
        "arch.kernel_sizes.1=4..4",
        "arch.depths.1=100..",
        "arch.kernel_sizes.1=..3&arch.depths.1=..0",
    ],
)
def test_a_filter_that_leaves_no_value_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="no value of convnext would be left"):
        restriction(Filter.parse(text), CONVNEXT)


def test_a_filter_of_no_choice_is_no_space() -> None:
    with pytest.raises(UserError, match=r"no condition narrows .* error, as a space says choices"):
        restriction_yaml(Filter.parse("error=..0.3"), CONVNEXT)


def test_a_continuum_is_narrowed_by_its_ends_alone() -> None:
    space = changed(expansion_ratio={"uniform": [1, 6]})
    for text, ends in (("2..3", [2, 3]), ("0..3", [1, 3])):
        found = said(f"arch.expansion_ratio={text}", space)
        assert found == {"expansion_ratio": {"shared": {"uniform": ends}}}
    for text, why in (("2,3", "from a continuum"), ("7..", "no value")):
        with pytest.raises(UserError, match=why):
            said(f"arch.expansion_ratio={text}", space)


def test_names_cannot_leave_their_comment(tmp_path: Path) -> None:
    evil = "arch.stem=patch&arch.x=%0Aname:%20evil%E2%80%A8parameters:%20%00{}"
    text = restriction_yaml(Filter.parse(evil), CONVNEXT)
    assert yaml.safe_load(text)["name"] == "convnext-selected"
    assert read(evil, CONVNEXT, tmp_path).name == "convnext-selected"


@pytest.mark.parametrize("file", sorted(SPACES.glob("*.yaml")), ids=lambda file: file.stem)
def test_every_column_of_the_librarys_networks_is_said_or_told(file: Path, tmp_path: Path) -> None:
    space = load_space(file)
    sampler = Sampler(space=space, budget=Budget.parse("4.5GFLOPs", tolerance="5%"))
    networks = [sample.architecture.to_dict() for sample in sampler.samples(3)]
    first = flat_columns(networks)
    for column, values in first.items():
        asked = Filter.from_plain({f"arch.{column}": [values[0]]})
        found = restriction(asked, space)
        assert len(found.unsaid) <= 1
        if found.parameters:
            assert not found.unsaid
            assert read(str(asked), space, tmp_path).hash != space.hash
