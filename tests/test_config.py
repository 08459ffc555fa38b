from __future__ import annotations

from pathlib import Path
from typing import Self

import pytest
from pydantic import model_validator

from dse.config import Config, load_config, load_yaml
from dse.errors import UserError


class Inner(Config):
    size: int = 1
    rate: float = 0.0


class Checked(Config):
    size: int = 1

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.size < 0:
            raise ValueError("too small")
        return self


class Outer(Config):
    name: str
    inner: Inner = Inner()
    several: tuple[Inner, ...] = ()
    either: Checked | tuple[Checked, ...] = ()
    chosen: bool = False


def load(folder: Path, text: str) -> Outer:
    path = folder / "x.yaml"
    path.write_text(text)
    return load_config(Outer, path)


def test_a_file_becomes_a_model(tmp_path: Path) -> None:
    assert load(tmp_path, "name: a\ninner: {size: 3}") == Outer(name="a", inner=Inner(size=3))


def test_a_float_without_a_point_is_a_number(tmp_path: Path) -> None:
    assert load(tmp_path, "name: a\ninner: {rate: 1e-6}").inner.rate == 1e-6


def test_a_boolean_is_a_boolean_where_one_is_asked_for(tmp_path: Path) -> None:
    assert load(tmp_path, "name: a\nchosen: true").chosen is True


def test_a_merged_key_may_be_overridden(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("a: {b: &one {k: 1}, c: &two {<<: *one, k: 2}}\nd: {<<: *two, k: 3}")
    assert load_yaml(path) == {"a": {"b": {"k": 1}, "c": {"k": 2}}, "d": {"k": 3}}


def test_text_that_begins_like_a_float_stays_text(tmp_path: Path) -> None:
    assert load(tmp_path, "name: 1e-6 in ConvNeXt").name == "1e-6 in ConvNeXt"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name: a\ninner: {sise: 3}", r"x.yaml, line 2: unknown key 'inner.sise'; did you mean 's"),
        ("name: a\ninner:\n  rate: 0\n  size: big", "x.yaml, line 4: inner.size: .*integer"),
        ("name: a\nseveral:\n - {size: 1}\n - {sze: 1}", r"line 4: unknown key 'several.1.sze'"),
        ("inner: {size: 1}", r"x.yaml, line 1: name: field required"),
        ("name: [a", r"x.yaml, line 1: is not valid YAML"),
        ("name: a\n\tb: 1", r"x.yaml, line 2: is not valid YAML"),
        ("- a", r"x.yaml: must hold keys and values, not a list"),
        ("", r"x.yaml: must hold keys and values, not nothing"),
        ("name: 2024-13-45", r"x.yaml, line 1: .*: '2024-13-45' cannot be read; quote a text"),
        ("a: 1\nname: !!int many", r"x.yaml, line 2: .*: 'many' cannot be read; quote a text"),
        ("name: !!int ''", r"x.yaml, line 1: .*: '' cannot be read"),
        ("name: !!bool maybe", r"x.yaml, line 1: .*: 'maybe' cannot be read"),
        ("name: " + "9" * 5000, r"x.yaml, line 1: .*: '9{200}...' cannot be read"),
        ("? [a, b]\n: 1", r"x.yaml, line 1: is not valid YAML"),
        ("1: a\nname: a", r"x.yaml, line 1: 1: must hold keys that are names"),
        ("name: {a: b}", r"x.yaml, line 1: name: must be text"),
        ("name: a\ninner: &i {size: *i}", r"x.yaml, line 2: inner.size"),
        ("name: a\nseveral: 3", r"x.yaml, line 2: several: must be a list"),
        ("name: a\ninner: true", r"x.yaml, line 2: inner: must hold keys and values"),
        ("name: !!python/object/apply:os.system ['true']", r"x.yaml, line 1: is not valid YAML"),
        ("[" * 3000, r"x.yaml.* is not valid YAML"),
        ("name: a\ninner: {size: 1, size: 2}", r"x.yaml, line 2: .* key 'size' is there twice"),
        ("name: a\nname: a", r"x.yaml, line 2: is not valid YAML: the key 'name' is there twice"),
        ("name: on", r"x.yaml, line 1: name: may not be true or false"),
        ("name: a\ninner: {size: true}", r"x.yaml, line 2: inner.size: may not be true or false"),
        ("name: a\ninner: 3", r"x.yaml, line 2: inner: must hold keys and values"),
        ("name: a\neither: [3]", r"x.yaml, line 2: either.0: must hold keys and values"),
        ("name: a\neither: {size: -1}", r"x.yaml, line 2: either: too small"),
    ],
)
def test_a_mistake_is_told_with_file_line_key_and_what_is_allowed(
    tmp_path: Path, text: str, sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence) as caught:
        load(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_a_missing_file_a_folder_and_binary_data_are_told(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00\x80")
    for path, sentence in (
        (tmp_path / "none.yaml", "there is no such file"),
        (tmp_path, "cannot be read"),
        (tmp_path / "binary.yaml", "not UTF-8"),
        (tmp_path / ("n" * 300), "cannot be read: File name too long"),
    ):
        with pytest.raises(UserError, match=sentence):
            load_yaml(path)
