"""A space that extends another: the files it names, and what it takes from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from dse.config import Document
from dse.space.language.parameters import Parameter, default_value
from dse.space.language.priors import KINDS, Value, is_value, shown

MAX_FILES: Final = 16
"""So many files may extend each other in a row."""

Data = dict[str, Any]

_DRAWN = {*KINDS, "shared", "per_stage", "any_of", "growth", "quantized_linear"}
_GOES_WITH = {"tie": "per_stage", "first": "growth"}
_KEPT = ("description", "source", "when", "otherwise", "multiple_of", "minimum", "maximum")


def extended_file(document: Document, children: tuple[Path, ...]) -> Path | None:
    """The file that a document extends, if it does.

    Args:
        document: one file.
        children: the files that extend it, resolved, from the first on.

    Raises:
        UserError: there is no such file, or the files extend each other in a circle or too long a
            row.
    """
    name = document.data.get("extends")
    if not isinstance(name, str):
        return None
    path = document.path.parent / name
    try:
        is_there = path.is_file()
    except OSError:  # a name too long
        is_there = False
    if not is_there:
        raise document.mistake(("extends",), f"there is no file {shown(name)} beside this one")
    files = (*children, document.path.resolve())
    if path.resolve() in files:
        row = files[files.index(path.resolve()) :]
        names = " extends ".join(file.name for file in (*row, row[0]))
        raise document.mistake(("extends",), f"is a circle: {names}")
    if len(files) >= MAX_FILES:
        raise document.mistake(("extends",), f"{MAX_FILES} files at most may extend each other")
    return path


def merged(parent: Data, child: Data) -> Data:
    """The data of a space that extends another.

    Parameters that the child does not give, and what must hold for a network, are the parent's. A
    child that says what is drawn replaces that; the parent's prose, condition and limits stay where
    the child gives none. Else its keys are laid over the parent's.

    Args:
        parent: data of a valid space, merged already.
        child: data as written.
    """
    own = {key: parent[key] for key in parent if key not in ("name", "description", "extends")}
    data = own | child
    if isinstance(child.get("require"), list):
        data["require"] = [*parent.get("require", ()), *child["require"]]
    given = child.get("parameters", {})
    if isinstance(given, dict):
        data["parameters"] = _parameters(parent["parameters"], given)
    return data


def _parameters(parent: Data, child: Data) -> Data:
    data = dict(parent)
    for name, written in child.items():
        before, after = (_spelled_out(name, value) for value in (parent.get(name, {}), written))
        data[name] = _laid_over(before, after)
    if "quantized_linear" in _keys(child.get("dims")) and "depths" not in child:
        data.pop("depths", None)
    inherited = [name for name in parent if "when" not in _keys(child.get(name))]
    changed = True
    while changed:
        changed = False
        for name in inherited:
            changed |= name in data and _forget_impossible(data, name)
    return data


def _spelled_out(name: str, written: Any) -> Any:
    """Keys and values instead of a shorthand."""
    if is_value(written) and name != "dims":
        return {"choice": [written]}
    return {"per_stage": written} if isinstance(written, list) else written


def _laid_over(parent: Data, child: Any) -> Any:
    if not isinstance(child, dict):
        return child
    kept = set(parent)
    if child.keys() & _DRAWN:
        kept = {*_KEPT, *(key for key, way in _GOES_WITH.items() if way in child)}
    if "when" in child and child["when"] is None:
        kept.discard("otherwise")
    return {key: value for key, value in parent.items() if key in kept} | child


def _forget_impossible(data: Data, name: str) -> bool:
    """Drop from an inherited condition what the child's restrictions no longer allow."""
    parameter = data[name]
    if not isinstance(parameter, dict) or not isinstance(parameter.get("when"), dict):
        return False
    when: dict[str, Any] = {}
    for key, asked in parameter["when"].items():
        possible = _possible(key, data.get(key, default_value(key)))
        when[key] = [value for value in _list(asked) if possible is None or value in possible]
    if all(when.values()):
        asked = {key: _list(values) for key, values in parameter["when"].items()}
        data[name] = parameter | {"when": when}
        return when != asked
    prose = {key: parameter[key] for key in ("description", "source") if key in parameter}
    data[name] = prose | {"choice": [parameter.get("otherwise", default_value(name))]}
    return True


def _keys(written: Any) -> set[Any]:
    return set(written) if isinstance(written, dict) else set()


def _list(asked: Any) -> list[Any]:
    return asked if isinstance(asked, list) else [asked]


def _possible(name: str, written: Any) -> tuple[Value, ...] | None:
    """The values of a choice for the whole network; None if that cannot be said."""
    try:
        parameter = Parameter.model_validate(written)
    except ValidationError:  # which is told when the whole space is read
        return None
    if parameter.when is None or parameter.values is None:
        return parameter.values
    other = parameter.otherwise if parameter.has_otherwise else default_value(name)
    return (*parameter.values, other)
