from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from dse.errors import UserError
from dse.jobs.tables.reading import Table, read_table


def read(folder: Path, content: str | bytes) -> Table:
    path = folder / "zoo.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(path)


def cells(table: Table) -> list[dict[str, object]]:
    return [row.cells for row in table.rows]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_csv_is_read_whatever_delimits_it(tmp_path: Path, delimiter: str, newline: str) -> None:
    lines = [["name", "note"], ["a", '"x, y; ""z"""'], [], [" b ", '"two\nlines"'], ["", ""]]
    table = read(tmp_path, newline.join(delimiter.join(line) for line in lines))
    assert table.columns == ("name", "note")
    assert cells(table) == [{"name": "a", "note": 'x, y; "z"'}, {"name": "b", "note": "two\nlines"}]
    assert [row.place for row in table.rows] == ["row 2", "row 4"]
    assert not table.keyed


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path, encoding: str) -> None:
    content = "modèle,acc\nà,1\n".encode(encoding)
    table = read(tmp_path, content)
    assert cells(table) == [{"modèle": "à", "acc": "1"}]
    assert (table.name, table.sha256) == ("zoo.txt", hashlib.sha256(content).hexdigest())


def test_one_column_is_a_table(tmp_path: Path) -> None:
    assert cells(read(tmp_path, "acc\n1\n2\n")) == [{"acc": "1"}, {"acc": "2"}]


def test_a_column_without_a_name_is_left_out_and_told(tmp_path: Path) -> None:
    table = read(tmp_path, ",acc,\n0,82,\n1,83,\n")
    assert cells(table) == [{"acc": "82"}, {"acc": "83"}]
    assert table.notes == ("Column 1 has no name, and is left out.",)


@pytest.mark.parametrize(
    ("content", "expected", "places"),
    [
        ('[{"a": 1}, {"a": [1, 2]}]', [{"a": 1}, {"a": [1, 2]}], ["item 1", "item 2"]),
        ('{"a": 1}\n\n{"a": null}\n', [{"a": 1}, {"a": None}], ["line 1", "line 3"]),
        ('[{"a": {"b": 1, "c": [2]}}]', [{"a.b": 1, "a.c.1": 2}], ["item 1"]),
    ],
)
def test_json_is_read_as_a_list_or_a_line_each(
    tmp_path: Path, content: str, expected: list[dict[str, object]], places: list[str]
) -> None:
    table = read(tmp_path, content)
    assert cells(table) == expected
    assert [row.place for row in table.rows] == places
    assert not table.keyed


def test_the_keys_of_an_object_of_objects_are_a_column(tmp_path: Path) -> None:
    table = read(tmp_path, '{"00": {"acc": 1}, "01": {"acc": 2}}')
    assert cells(table) == [{"key": "00", "acc": 1}, {"key": "01", "acc": 2}]
    assert table.keyed
    assert table.rows[1].place == "object '01'"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "zoo.txt: is empty"),
        ("a,b\n", "zoo.txt: holds no rows"),
        ("[]", "zoo.txt: holds no rows"),
        ("a,b\n1,2\n1,2,3\n", "row 3: has 3 cells, the first row has 2"),
        ("a,a\n1,2\n", "has two columns 'a'"),
        ('a,b\n1,"2\n', "line 2: is no CSV"),
        ("[1]", "item 1: is no object"),
        ('{"a":', "line 1: is no JSON"),
        ('{"a": 1}\n{"a"\n', "line 2: is no JSON"),
        ('{"a": {}, "a": {}}', "the key 'a' is there twice"),
        ('{"a": {"key": 1}}', "object 'a': has a column 'key'"),
        ("[" * 100_000, "is no JSON that can be read"),
        (b"a,b\n\xff\xff,1\n", "is no text in UTF-8"),
        (b"a,b\n\0,1\n", "is no text"),
        ('[{"a": "\\u0000"}]', "item 1: holds characters that are no text"),
        ('[{"\\ud800": 1}]', "item 1: holds characters that are no text"),
    ],
)
def test_what_is_no_table_is_refused_with_its_place(
    tmp_path: Path, content: str | bytes, sentence: str
) -> None:
    with pytest.raises(UserError) as caught:
        read(tmp_path, content)
    assert sentence in str(caught.value)
    assert "zoo.txt" in str(caught.value)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.csv: cannot be read: No such file"):
        read_table(tmp_path / "none.csv")
