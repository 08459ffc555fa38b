"""YAML files into pydantic models, with errors a person can act on."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from dse.errors import UserError

Model = TypeVar("Model", bound=BaseModel)
Location = tuple[int | str, ...]

NOT_A_BOOLEAN = "may not be true or false; YAML also reads on, off, yes and no so: quote a name"


class _Loader(yaml.SafeLoader):
    """The safe loader, with YAML 1.2's floats and unique keys: PyYAML alone reads 1e-6 as text,
    and takes the last of two equal keys."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Read one mapping, whose keys must differ."""
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                problem = f"the key {key.value!r} is there twice"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            seen.add(key.value)
        return node

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """Make a value of a node."""
        try:
            return super().construct_object(node, deep=deep)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            if not isinstance(node, yaml.ScalarNode):
                raise
            # PyYAML lets Python's errors through, as of a date that does not exist
            problem = f"{_short(node.value)!r} cannot be read; quote a text"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark) from None


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$"),
    list("-+.0123456789"),
)


class Config(BaseModel):
    """Base of everything people write in YAML: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _no_boolean_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        entries = value if isinstance(value, list | tuple) else (value,)
        annotation = cls.model_fields[str(info.field_name)].annotation
        if (
            any(isinstance(entry, bool) for entry in entries)
            and bool not in _types_in(annotation)
            and not _models_in(annotation)  # they say themselves what else than keys they take
        ):
            raise ValueError(NOT_A_BOOLEAN)
        return value


def mistake_at(location: Location, sentence: str) -> ValidationError:
    """What a model's validator raises where the mistake is further inside: at `location`."""
    error = PydanticCustomError("mistake", "{sentence}", {"sentence": sentence})
    details = InitErrorDetails(type=error, loc=location, input=None)
    return ValidationError.from_exception_data("", [details])


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML file as plain data, with the places where it was written."""

    path: Path
    data: dict[str, Any]
    root: yaml.Node | None

    def parse(self, model: type[Model], data: dict[str, Any]) -> Model:
        """Turn data into a model; what is wrong is told with its line, if it is in this file.

        Raises:
            UserError: a key or a value is not allowed.
        """
        return parse_config(model, data, source=str(self.path), root=self.root)

    def mistake(self, location: Location, sentence: str) -> UserError:
        """What is wrong at a place of this file."""
        where = f"{self.path}, line {_line(self.root, location)}"
        return UserError(_one_line(f"{where}: {_dotted(location)}: {sentence}."))


def load_config(model: type[Model], path: str | Path) -> Model:
    """Read one YAML file, safely, into a model.

    Raises:
        UserError: as `load_yaml`, or a key or a value is not allowed; the sentence names its line,
            its key and what is allowed.
    """
    document = load_document(path)
    return document.parse(model, document.data)


def load_document(path: str | Path) -> Document:
    """Read one YAML file, safely, into plain data with its places.

    Raises:
        UserError: as `load_yaml`.
    """
    text = _read(path)
    data = _parse(text, path)
    return Document(path=Path(path), data=data, root=yaml.compose(text, Loader=_Loader))


def load_yaml(path: str | Path) -> dict[str, Any]:
    """Read one YAML file, safely, into plain data.

    Raises:
        UserError: the file is missing, unreadable or malformed (with its line).
    """
    return _parse(_read(path), path)


def _read(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file.") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: cannot be read: it is not UTF-8 text.") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}.") from None


def _parse(text: str, path: str | Path) -> dict[str, Any]:
    try:
        data = yaml.load(text, Loader=_Loader)  # a SafeLoader
    except yaml.YAMLError as error:
        raise UserError(_malformed(path, error)) from None
    except RecursionError:
        raise UserError(f"{path}: is not valid YAML: it is nested too deeply.") from None
    if not isinstance(data, dict):
        raise UserError(f"{path}: must hold keys and values, not {_kind(data)}.")
    return data


def parse_config(
    model: type[Model], data: Any, *, source: str, root: yaml.Node | None = None
) -> Model:
    """Turn plain data into a model; `source` names the file or the place in errors.

    Raises:
        UserError: a key or a value is not allowed.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise UserError(_sentence(error, model, data, source, root)) from None


def _malformed(path: str | Path, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or "cannot be parsed"
    where = f"{path}, line {mark.line + 1}" if mark else str(path)
    return _one_line(f"{where}: is not valid YAML: {_short(problem, 300)}.")


def _sentence(
    error: ValidationError, model: type[BaseModel], data: Any, source: str, root: yaml.Node | None
) -> str:
    """One error in one sentence: an unknown key, which explains the others, else the deepest."""
    errors = error.errors(include_url=False)
    unknown = (e for e in errors if e["type"] == "extra_forbidden")
    first = next(unknown, None) or max(errors, key=lambda e: len(_visible(e["loc"], data)))
    missing = first["loc"][-1:] if first["type"] == "missing" else ()
    key = _dotted((*_visible(first["loc"], data), *missing))
    line = _line(root, first["loc"])
    where = f"{source}, line {line}" if line else source
    if first["type"] == "extra_forbidden":
        known = _fields_at(model, first["loc"][:-1])
        near = difflib.get_close_matches(str(first["loc"][-1]), known, n=1, cutoff=0.0)
        hint = f"did you mean {near[0]!r}? Known keys: {', '.join(known)}." if near else ""
        return f"{where}: unknown key {key!r}; {hint}"
    message = _IN_YAML_WORDS.get(first["type"], first["msg"])
    message = message.removeprefix("Value error, ").rstrip(".")
    return _one_line(f"{where}: {key or 'the file'}: {message[:1].lower()}{message[1:]}.")


_IN_YAML_WORDS = {  # where pydantic's own words name Python's types
    "model_type": "must hold keys and values",
    "model_attributes_type": "must hold keys and values",
    "dict_type": "must hold keys and values",
    "invalid_key": "must hold keys that are names",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "string_type": "must be text",
    "recursion_loop": "may not hold itself",
}


def _dotted(location: Location) -> str:
    return ".".join(_short(str(part)) for part in location)


def _short(text: str, most: int = 200) -> str:
    return text if len(text) <= most else f"{text[:most]}..."


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _visible(location: Location, data: Any) -> Location:
    """The part of a location that a person wrote; pydantic adds the names of union members."""
    visible: list[int | str] = []
    for part in location:
        entries = dict(enumerate(data)) if isinstance(data, list | tuple) else data
        if isinstance(entries, dict) and part in entries:
            data = entries[part]
            visible.append(part)
    return tuple(visible)


def _child(node: yaml.Node | None, part: int | str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == str(part)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        item = node.value[part]
        assert isinstance(item, yaml.Node)
        return item
    return None


def _line(root: yaml.Node | None, location: Location) -> int | None:
    if root is None:
        return None
    line, node = root.start_mark.line + 1, root
    for part in location:
        if isinstance(node, yaml.MappingNode):
            for key, _ in node.value:
                if key.value == str(part):
                    line = key.start_mark.line + 1
        child = _child(node, part)
        if child is not None:
            node = child
            if not isinstance(part, str):
                line = child.start_mark.line + 1
    return line


def _fields_at(model: type[BaseModel], location: Location) -> list[str]:
    """The keys known at a location inside the model."""
    current: type[BaseModel] = model
    nested: list[type[BaseModel]] = []
    for part in location:
        tagged = [kind for kind in nested if _is_tagged(kind, part)]
        field = current.model_fields.get(str(part))
        nested = _models_in(field.annotation) if field else []
        if tagged or nested:
            current = (tagged or nested)[0]
    return sorted(current.model_fields)


def _is_tagged(model: type[BaseModel], tag: int | str) -> bool:
    """Whether a union knows this member by `tag`: one of its fields can only be that."""
    return any(_types_in(field.annotation) == [tag] for field in model.model_fields.values())


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    types = _types_in(annotation)
    return [kind for kind in types if isinstance(kind, type) and issubclass(kind, BaseModel)]


def _types_in(annotation: Any) -> list[Any]:
    """A type, or the members of a union or a container, at any depth."""
    arguments = get_args(annotation)
    inner = [kind for argument in arguments for kind in _types_in(argument)]
    return inner if arguments else [annotation]


def _kind(data: Any) -> str:
    return "nothing" if data is None else f"a {type(data).__name__}"
