from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from dse.config import load_yaml
from dse.space.language.design_space import space_from_definition
from dse.space.language.schema import space_schema
from tests.space.language.strategies import spaces
from tests.space.language.test_design_space import TOO_SLOW
from tests.spaces import CONVNEXT_FILE

jsonschema = pytest.importorskip("jsonschema")

FILES = sorted(CONVNEXT_FILE.parent.glob("*.yaml"))


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = space_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_shipped_space_keeps_to_the_schema(file: Any, validator: Any) -> None:
    assert not list(validator.iter_errors(load_yaml(file)))


@settings(TOO_SLOW, max_examples=50)
@given(data=spaces())
def test_every_valid_space_keeps_to_the_schema(data: dict[str, Any]) -> None:
    check = jsonschema.Draft202012Validator(space_schema())
    for spelling in (data, space_from_definition(data).definition()):
        assert not list(check.iter_errors(spelling))


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"name": "a"},
        {"name": "a", "parameters": {"dims": [8], "depths": 1}},
        {"name": "a", "extends": "b.yaml", "stages": 9},
        {"name": "a", "extends": "b.yaml", "parameters": {"norm": "layer_norm"}},
        {"name": "a", "extends": "b.yaml", "parameters": {"norm_layer": "ln"}},
        {"name": "a", "extends": "b.yaml", "parameters": {"norm_layer": {"choice": ["ln"]}}},
        {"name": "a", "extends": "b.yaml", "parameters": {"grn": "on"}},
        {"name": "a", "extends": "b.yaml", "parameters": {"depths": {"choise": [1]}}},
        {"name": "a", "extends": "b.yaml", "parameters": {"depths": {"tie": "falling"}}},
        {"name": "a", "extends": "b.yaml", "require": [3]},
    ],
)
def test_what_an_editor_can_know_to_be_wrong_is(wrong: dict[str, Any], validator: Any) -> None:
    assert list(validator.iter_errors(wrong))


def test_a_space_that_extends_another_may_leave_out_all_but_its_name(validator: Any) -> None:
    assert not list(validator.iter_errors({"name": "a", "extends": "b.yaml"}))


def test_every_key_is_described() -> None:
    schema = space_schema()
    parts = [schema, *schema["$defs"].values()]
    for part in parts:
        fields = part.get("anyOf", [part])[0].get("properties", {})
        assert not [name for name, field in fields.items() if not field.get("description")]
