"""The format of a space's file as a JSON Schema, by which editors complete and check it."""

from __future__ import annotations

import inspect
import re
from typing import Any

from dse.architecture.spec import CHOICES, Architecture
from dse.space.language.choices import Parameter, StageParameter
from dse.space.language.design_space import DesignSpace
from dse.space.language.parameters import NETWORK_WIDE, Parameters, default_value
from dse.space.language.predicates import Predicate
from dse.space.language.priors import Prior
from dse.space.language.widths import QuantizedLinear, Widths

Schema = dict[str, Any]

_VALUE: Schema = {"type": ["boolean", "number", "string", "null"]}
_VALUES: Schema = {"type": "array", "items": _VALUE}
_SHORTHANDS: dict[type, list[Schema]] = {
    Prior: [_VALUE],
    Parameter: [_VALUE],
    StageParameter: [_VALUE, _VALUES],
    Widths: [_VALUES],
    Predicate: [{"type": "string"}],
}
_FLAGS = {
    "boolean": ("grn", "stem_norm", "downsample_norm", "shortcut_norm"),
    "null": ("bias", "stem_act", "head_norm"),
}


def space_schema() -> Schema:
    """JSON Schema (draft 2020-12) of a space's file.

    It knows keys, shorthands and names; what depends on several keys, only reading the file tells.
    """
    schema = DesignSpace.model_json_schema()
    definitions: dict[str, Schema] = schema.pop("$defs")
    for model in (DesignSpace, Parameters, *_SHORTHANDS, QuantizedLinear):
        _describe(schema if model is DesignSpace else definitions[model.__name__], model)
    prior = definitions["Prior"]["properties"]
    definitions["StageParameter"]["properties"] |= prior  # alone it is short for `shared`
    for name in ("Parameter", "StageParameter"):
        definitions[name]["properties"]["when"]["anyOf"][0]["additionalProperties"] = {
            "anyOf": [_VALUE, _VALUES]
        }
    _name_values(definitions["Parameters"]["properties"])
    _require_unless_extended(schema, definitions["Parameters"])
    for model, shorthands in _SHORTHANDS.items():
        definitions[model.__name__] = {"anyOf": [definitions[model.__name__], *shorthands]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "A design space",
        "$defs": definitions,
    }


def _describe(part: Schema, model: type) -> None:
    """Give each key its lines of the docstrings of its model and that model's bases."""
    lines: dict[str, str] = {}
    for base in reversed(model.__mro__):
        lines |= _attributes(base.__dict__.get("__doc__") or "")
    if model is Parameters:
        lines = _attributes(Architecture.__doc__ or "") | lines
    part["description"] = " ".join(part["description"].partition("\n\nAttributes:\n")[0].split())
    del part["title"]
    for name, field in part["properties"].items():
        field.pop("title", None)
        if isinstance(field.get("default"), dict):
            field["default"] = default_value(name)
        if name in lines:
            field["description"] = lines[name]


def _attributes(docstring: str) -> dict[str, str]:
    text = inspect.cleandoc(docstring).partition("Attributes:\n")[2].partition("\n\n")[0]
    found = re.findall(r"^    (\w+): ((?:.|\n {8})+)", text, flags=re.MULTILINE)
    return {name: " ".join(line.split()) for name, line in found}


def _name_values(properties: dict[str, Schema]) -> None:
    """List the values of choices for the whole network that have few."""
    for name in NETWORK_WIDE:
        allowed: list[Any] = list(CHOICES.get(name, ()))
        if name in _FLAGS["boolean"] or name in _FLAGS["null"]:
            allowed = [True, False, *([None] if name in _FLAGS["null"] else [])]
        if allowed:
            keys = {"choice": {"items": {"enum": allowed}}, "otherwise": {"enum": allowed}}
            one_of = [{"enum": allowed}, {"type": "object", "properties": keys}]
            properties[name]["anyOf"] = one_of


def _require_unless_extended(schema: Schema, parameters: Schema) -> None:
    schema["required"] = ["name"]
    schema["if"] = {"not": {"required": ["extends"]}}
    schema["then"] = {
        "required": ["parameters"],
        "properties": {"parameters": {"required": parameters.pop("required")}},
    }
