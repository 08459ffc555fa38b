from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dse.space import load_space
from dse.space.language.design_space import DesignSpace
from dse.space.language.narrow import Limits, narrowed, restricted, settable
from dse.space.language.priors import Prior
from tests.spaces import CONVNEXT_FILE

SPACES = CONVNEXT_FILE.parent


def child(tmp_path: Path, parent: Path, kept: dict[str, Limits]) -> DesignSpace:
    """The narrower space as it is read from a file."""
    data = {
        "name": "child",
        "extends": str(parent),
        "parameters": narrowed(load_space(parent), kept),
    }
    path = tmp_path / "child.yaml"
    path.write_text(yaml.safe_dump(data))
    return load_space(path)


@pytest.mark.parametrize(
    ("prior", "limits", "left"),
    [
        ({"choice": [3, 5, 7, 9]}, (5, None), (5, 7, 9)),
        ({"choice": ["a", "b", "c"]}, frozenset({"b"}), ("a", "c")),
        ({"choice": [None, 1e-6, 0.1]}, frozenset({"none", "0.1"}), (1e-6,)),
        ({"choice": [True, False]}, frozenset({"True"}), (False,)),
        ({"uniform": [1, 6], "step": 0.5}, (2.5, 4), (2.5, 3, 3.5, 4)),
        ({"log_uniform": [1, 18], "step": 1}, (None, 3), (1, 2, 3)),
        ({"power_of_two": [1, 32]}, (4, None), (4, 8, 16, 32)),
    ],
)
def test_a_prior_keeps_the_values_inside(prior: Any, limits: Limits, left: Any) -> None:
    assert restricted(Prior.model_validate(prior), limits).values == left


@given(low=st.floats(1.25, 2.7), wide=st.floats(0, 2))
def test_a_continuum_never_leaves_its_parents_limits(low: float, wide: float) -> None:
    prior = Prior.model_validate({"log_uniform": [1.25, 2.75]})
    least, most = restricted(prior, (low, low + wide)).limits
    assert 1.25 <= least <= most <= 2.75
    assert least == pytest.approx(low, rel=1e-3)


@pytest.mark.parametrize("file", sorted(SPACES.glob("*.yaml")), ids=lambda file: file.stem)
def test_every_settable_slot_of_the_library_can_be_narrowed(file: Path, tmp_path: Path) -> None:
    space = load_space(file)
    for slot in sorted(settable(space)):
        prior = space.slots[slot]
        if prior.values is None:
            low, high = prior.limits
            limits: Limits = ((low + high) / 2, None)
        elif all(type(value) in (int, float) for value in prior.values):
            limits = (None, sorted(prior.values)[-2])  # type: ignore[type-var]
        else:
            value = prior.values[-1]
            limits = frozenset({"none" if value is None else str(value)})
        found = child(tmp_path, file, {slot: limits})
        assert found.hash != space.hash, slot
        assert all(
            found.slots.get(other, space.slots[other]) == space.slots[other]
            for other in settable(space) - {slot}
        )


def test_several_choices_are_narrowed_together(tmp_path: Path) -> None:
    kept: dict[str, Limits] = {
        "depths.3": (3, 9),
        "dims.growth.1": (None, 2.0),
        "norm_layer": frozenset({"batch_norm"}),
    }
    found = child(tmp_path, CONVNEXT_FILE, kept)
    assert found.slots["depths.3"].limits == (3, 9)
    assert found.slots["dims.growth.1"].limits == (1.25, 2.0)
    assert found.slots["dims.growth.2"].limits == (1.25, 2.75)
    assert found.parameters.norm_layer.values == ("layer_norm",)
    assert found.parameters.dims.minimum == load_space(CONVNEXT_FILE).parameters.dims.minimum


def test_choices_with_a_condition_cannot_be_set(tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(
        "name: s\nparameters:\n  depths: 3\n  dims: {growth: 2}\n  kernel_sizes: {choice: [5, 7]}\n"
        "  norm_layer: {choice: [layer_norm, batch_norm]}\n"
        "  ls_init_value: {when: {norm_layer: layer_norm}, choice: [1e-6, 0.1]}\n"
    )
    assert settable(load_space(path)) == {"kernel_sizes", "norm_layer"}
