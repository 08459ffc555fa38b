"""Spaces with random mistakes: each is a space, or is refused in one plain sentence."""

from __future__ import annotations

import copy
import datetime
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dse.config import load_yaml, parse_config
from dse.errors import UserError
from dse.space.language.design_space import DesignSpace, load_space, space_from_definition
from tests.spaces import CONVNEXT_FILE

DATA, TEXTS = 3_000, 10_000  # mutations of parsed data, and of files as texts, which take longer
FILES = sorted(CONVNEXT_FILE.parent.glob("*.yaml"))

OF_THE_CODE = re.compile(
    r"pydantic|Prior|Parameter|Conditional|QuantizedLinear|DesignSpace|Widths|Predicate"
    r"|NoneType|\bdict|tuple|\bstr\b|\bint\b|Error|Traceback|<class|object at|\[type=|instance of"
)
JUNK: list[Any] = [
    None, True, False, 0, 1, -1, 3, 7.5, 1e-6, 1e308, -1e308, 10**30, 10**400, float("nan"),
    float("inf"), "", "x", "layer_norm", "3", "on", "\0", "é\u2028\n", "a" * 10_000, [], {}, [[]],
    [1, 2], [3, 3, 9, 3], [None], [True], ["a", 1], {"choice": []}, {"choice": [1, "a", None]},
    {"uniform": [1, 2]}, {"uniform": [2, 1]}, {"log_uniform": [0, 1]}, {"normal": [1, 5]},
    {"power_of_two": [1, 8]}, {"power_of_two": [1, 6]}, {"per_stage": [1, 2]}, {"shared": 3},
    {"any_of": [[1, 2], [3]]}, {"tie": "shared"}, {"per_stage": 3, "tie": "non_increasing"},
    {"when": {"stem": "patch"}}, {"when": {"grn": [True]}, "choice": [1]}, {"when": 3}, {1: 2},
    {None: 1}, {"otherwise": 1, "choice": [1]}, {"step": 1}, {"uniform": [1, 10**9], "step": 1},
    b"bytes", {1, 2}, datetime.date(2026, 1, 1), ["depths[1] < 3"], {"predicate": "grn"},
    ["depths[9] < 3"], {"growth": 2}, {"quantized_linear": {"depth": 9}},
]  # fmt: skip
TOKENS = [
    "", "null", "true", "no", "0", "-1", "1e999", ".inf", ".nan", "0x" + "f" * 5000, "9" * 5000,
    "[", "]", "{", "}", ":", ": ", "- ", "&a", "*a", "*b", "<<: *a", "!!int", "!!int ''",
    "!!float x", "!!bool x", "!!set {a}", "!!binary AA==", "!!python/object:os.x {}",
    "!!timestamp x", "!x y", "2026-13-45", "2026-01-01", "1:30", "'", '"', "|", ">", "%", "@", "`",
    "#", "\t", "---", "...", "? ", "é", "\x85", "\u2028", "\ufeff", "\x00", "choice", "uniform",
    "[1, 2]", "{choice: [1, 2]}", "{per_stage: 3, tie: shared}", "depths", "tie", "when", "extends",
    "[" * 500, "{a: " * 500, "step: 1", "x" * 2000, "12" * 200, "0.1", "64", "any_of: [[1]]",
]  # fmt: skip


def check(load: Callable[[], DesignSpace]) -> bool:
    """Whether it loads; else it must be refused in one sentence."""
    try:
        space = load()
    except UserError as error:
        sentence = str(error)
        assert sentence.endswith("."), sentence
        assert sentence.isprintable(), sentence
        assert len(sentence) < 3_000, sentence
        of_dse = re.sub(r"'[^']*'|\"[^\"]*\"", "", sentence.split(".yaml", 1)[-1])  # no quotations
        assert not OF_THE_CODE.search(of_dse), sentence
        return False
    assert space_from_definition(space.definition()).hash == space.hash
    assert space.log10_size >= 0
    assert len(space.slots) >= space.dimension
    return True


def containers(data: Any) -> list[Any]:
    """All mappings and lists with something inside."""
    items = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    inside = [container for item in items for container in containers(item)]
    return [data, *inside] if items else inside


def any_key(rng: random.Random, container: Any) -> Any:
    return rng.choice(list(container) if isinstance(container, dict) else range(len(container)))


def change_data(rng: random.Random, data: Any, other: Any) -> None:
    kind = rng.randrange(12)
    if kind >= 9 and isinstance(data.get("parameters"), dict):  # another space's parameter
        name = any_key(rng, other["parameters"])
        data["parameters"][name] = copy.deepcopy(other["parameters"][name])
        return
    container = rng.choice(containers(data))
    key = any_key(rng, container)
    if kind <= 2:
        container[key] = copy.deepcopy(rng.choice(JUNK))
    elif kind == 3:
        del container[key]
    elif kind == 4:  # what stands elsewhere
        source = rng.choice(containers(other))
        container[key] = copy.deepcopy(source[any_key(rng, source)])
    elif kind == 5 and isinstance(container, dict):
        name = str(key)
        place = rng.randrange(len(name) + 1)
        container[name[:place] + rng.choice("aeinst_ .") + name[place + 1 :]] = container.pop(key)
    elif kind == 6:
        container[key] = [container[key]] if rng.random() < 0.5 else {"choice": container[key]}
    elif kind == 7:
        for _ in range(rng.choice((3, 50, 2_000))):
            container[key] = [container[key]]
    else:
        container[key] = container  # it holds itself


def test_data_with_mistakes_are_spaces_or_told_in_a_sentence() -> None:
    originals = [load_yaml(file) for file in FILES]
    whole = [data for data in originals if "extends" not in data]
    loaded = 0
    for seed in range(DATA):
        rng = random.Random(seed)
        data = copy.deepcopy(rng.choice(whole))
        for _ in range(rng.choice((1, 1, 2, 4))):
            change_data(rng, data, rng.choice(originals))
            if recursive(data):
                break
        loaded += check(lambda data=data: parse_config(DesignSpace, data, source="x.yaml"))  # type: ignore[misc]
    assert DATA * 0.08 < loaded < DATA * 0.9


def recursive(data: Any, depth: int = 0) -> bool:
    """Whether data go deeper than other changes could follow."""
    items = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return depth > 60 or any(recursive(item, depth + 1) for item in items)


def change_text(rng: random.Random, text: str) -> str:
    lines = text.splitlines(keepends=True) or [""]
    k, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    kind = rng.randrange(10)
    if kind == 0:
        del lines[k]
    elif kind == 1:
        lines.insert(j, lines[k])
    elif kind == 2:
        lines[k], lines[j] = lines[j], lines[k]
    elif kind == 3:
        lines[k] = " " * rng.randrange(5) + (lines[k].lstrip() if rng.random() < 0.5 else lines[k])
    elif kind <= 7:
        tokens = re.split(r"([\w.]+)", lines[k])
        at = rng.randrange(len(tokens))
        tokens[at] = rng.choice(TOKENS) if kind <= 6 else rng.choice(re.findall(r"[\w.]+", text))
        lines[k] = "".join(tokens)
    elif kind == 8:  # an anchor and an alias of it
        lines[k] = lines[k].replace(": ", ": &a ", 1)
        lines[j] = re.sub(r": .*", ": *a", lines[j], count=1)
    else:
        place = rng.randrange(len(text) + 1)
        return text[:place] + rng.choice(TOKENS) + text[place + rng.randrange(40) :]
    return "".join(lines)


def test_files_with_mistakes_are_spaces_or_told_in_a_sentence(tmp_path: Path) -> None:
    for file in FILES:
        (tmp_path / file.name).write_bytes(file.read_bytes())
    loaded = 0
    for seed in range(TEXTS):
        rng = random.Random(seed)
        text = rng.choice(FILES).read_text(encoding="utf-8")
        for _ in range(rng.choice((1, 1, 2, 4))):
            text = change_text(rng, text)
        content = text.encode("utf-8", "surrogatepass")
        if rng.random() < 0.05:
            place = rng.randrange(len(content) + 1)
            content = content[:place] + rng.randbytes(4) + content[place:]
        path = tmp_path / "mutant.yaml"
        path.write_bytes(content)
        loaded += check(lambda path=path: load_space(path))  # type: ignore[misc]
    assert TEXTS * 0.1 < loaded < TEXTS * 0.9


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x, x, x, x, x, x, x, x]\n"
        + "".join(
            f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n"
            for old, new in zip("abcdefgh", "bcdefghi", strict=True)
        )
        + "name: *i\nparameters: {depths: {any_of: *i}, norm_layer: {choice: *i}}\n",
        "name: a\nparameters: &p {depths: *p}\n",
        "name: a\nparameters: &p {depths: 1, kernel_sizes: 3, dims: &d {growth: *d}}\n",
        "name: a\nparameters: {? [a, b] : 1}\n",
        "? {a: b}\n: 1\n",
        "name: a\nrequire: &r [*r]\n",
        "name: a\nparameters: {grn: {when: &w {stem: *w}}}\n",
        "name: " + "[" * 10_000,
        "name: " + "- " * 10_000,
        "name: a\nparameters: {dims: {growth: " + "{shared: " * 400 + "1" + "}" * 400 + "}}\n",
    ],
    ids=range(10),
)
def test_what_is_written_to_do_harm_is_told_in_a_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "harm.yaml"
    path.write_text(text)
    assert not check(lambda: load_space(path))
