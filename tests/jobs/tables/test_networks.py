"""From a file to networks: what columns are taken for, in which units, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dse.errors import UserError
from dse.jobs.tables.columns import Asked, Columns, find_columns
from dse.jobs.tables.networks import find_networks
from dse.jobs.tables.numbers import MARKS, OTHER, Mark
from dse.jobs.tables.reading import read_table
from dse.store.records import ImportedNetwork
from tests.jobs.tables.test_numbers import written

PUBLISHED = Path(__file__).parents[4] / "shared" / "data" / "nas-bench-macro_cifar10.json"


def read(folder: Path, content: str, **asked: Any) -> tuple[Columns, list[ImportedNetwork]]:
    path = folder / "zoo.csv"
    path.write_text(content, encoding="utf-8")
    table = read_table(path)
    columns = find_columns(table, Asked(**asked))
    return columns, find_networks(table, columns)


def networks(folder: Path, content: str, **asked: Any) -> list[ImportedNetwork]:
    return read(folder, content, **asked)[1]


def errors(network: ImportedNetwork) -> list[float | None]:
    return [training.error for training in network.trainings]


def test_obvious_columns_are_found_by_their_names_and_told(tmp_path: Path) -> None:
    content = "Model;Top-1 (%);FLOPs (G);#Params;Stem;Depth\nA;82,1;4,5;28.589.128;patch;18\n"
    columns, (network,) = read(tmp_path, content)
    assert network.name == "A"
    assert network.choices == {"Stem": "patch", "Depth": 18}
    assert (network.flops, network.params, network.activations) == (4_500_000_000, 28_589_128, None)
    assert errors(network) == [pytest.approx(0.179)]
    told = " ".join(columns.guessed)
    for column in ("Model", "Top-1 (%)", "FLOPs (G)", "#Params"):
        assert f"{column!r} is taken for" in told


numbers = st.integers(1, 9999)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    mark=st.sampled_from(MARKS),
    spaced=st.booleans(),
    percent=st.sampled_from(["", "%", " %"]),
    rows=st.lists(st.tuples(numbers, st.integers(1, 10**7), st.integers(1, 10**8)), min_size=1),
)
def test_a_table_says_the_same_in_every_habit_of_writing_numbers(
    tmp_path: Path, mark: Mark, spaced: bool, percent: str, rows: list[tuple[int, int, int]]
) -> None:
    """Accuracies in hundredths of a per cent, FLOPs in thousands of M, whole parameters."""
    separator = "\u202f" if spaced else OTHER[mark]
    lines = ["acc;flops;params"]
    for accuracy, flops, params in rows:
        cells = [
            written(accuracy, 2, mark=mark, separator="") + percent,
            written(flops, 3, mark=mark, separator=separator, scale="M"),
            written(params + 1000, 0, mark=mark, separator=separator),
        ]
        lines.append(";".join(cells))
    found = networks(tmp_path, "\n".join(lines), unit="percent")
    assert [n.flops for n in found] == [1000 * flops for _, flops, _ in rows]
    assert [n.params for n in found] == [params + 1000 for *_, params in rows]
    assert [errors(n) for n in found] == [[pytest.approx(1 - acc / 1e4)] for acc, *_ in rows]


def test_the_published_space_is_read_whole(tmp_path: Path) -> None:
    if not PUBLISHED.exists():
        pytest.skip("the published space is not beside this repository (../shared/data)")
    table = read_table(PUBLISHED)
    columns = find_columns(table, Asked(split_key="layer"))
    found = {network.name: network for network in find_networks(table, columns)}
    truth = json.loads(PUBLISHED.read_text())
    assert len(found) == len(truth) == 6561
    for name, told in truth.items():
        network = found[name]
        assert list(network.choices.values()) == [int(digit) for digit in name]
        assert (network.flops, network.params) == (told["flops"], told["params"])
        assert errors(network) == pytest.approx([1 - acc / 100 for acc in told["test_acc"]])
    assert list(network.choices) == [f"layer.{k}" for k in range(1, 9)]
    assert "'mean_acc', 'std'" in columns.guessed[-1]


def test_a_column_can_be_named_and_renamed_and_left_out(tmp_path: Path) -> None:
    content = "id,good,also acc,n,cost,acts,k\nx,0.7,0.6,28.6,4.5,9.1,3\n"
    (network,) = networks(
        tmp_path,
        content,
        accuracy="good",
        params="n:M",
        flops="cost:G",
        choices=(("kernel", "k"), ("activations", "acts:M"), ("accuracy elsewhere", "also acc")),
    )
    assert (network.flops, network.params) == (4_500_000_000, 28_600_000)
    assert network.activations == 9_100_000
    assert network.choices == {"kernel": 3, "accuracy elsewhere": 0.6}
    (network,) = networks(tmp_path, "name,acc,k,n\nx,70,3,4\n", without=("k",))
    assert network.choices == {"n": 4}


def test_a_column_with_another_use_is_not_guessed(tmp_path: Path) -> None:
    content = "model,name,acc,val_acc\na,b,80,81\n"
    (network,) = networks(tmp_path, content, without=("name", "val_acc"))
    assert (network.name, network.choices) == ("a", {})
    (network,) = networks(tmp_path, content, accuracy="val_acc", choices=(("family", "model"),))
    assert (network.name, network.choices) == ("b", {"family": "a"})
    assert errors(network) == pytest.approx([0.19])


@pytest.mark.parametrize(
    ("header", "cell", "flops"),
    [
        ("GFLOPs", "4.5", 4.5e9),
        ("MMACs", "450", 4.5e8),
        ("FLOPs [M]", "450", 4.5e8),
        ("FLOPs (B)", "4.5", 4.5e9),
        ("FLOPs", "4.5G", 4.5e9),
        ("FLOPs (G)", "450M", 4.5e8),
        ("Mult-Adds", "4.5e8", 4.5e8),
        ("MAdds (M)", "450", 4.5e8),
        ("macs", "450 000 000", 4.5e8),
    ],
)
def test_a_cost_is_scaled_by_its_header_or_its_cell(
    tmp_path: Path, header: str, cell: str, flops: float
) -> None:
    (network,) = networks(tmp_path, f"acc,{header}\n82.1,{cell}\n")
    assert network.flops == flops


def test_empty_cells_are_not_trained_and_words_are_bad_ends(tmp_path: Path) -> None:
    ends = ["81", "", "n/a", "–", "diverged", "OOM", "failed", "nan", "inf"]
    content = "\n".join(["name;acc", *(f"{k};{end}" for k, end in enumerate(ends))])
    found = networks(tmp_path, content)
    states = [[training.state for training in network.trainings] for network in found]
    assert states == [
        *(["complete"], [], [], [], ["diverged"]),
        *(["out_of_memory"], ["failed"], [], ["diverged"]),
    ]
    assert found[4].trainings[0].reason == "diverged in zoo.csv"


def test_seeds_are_told_apart_by_their_column(tmp_path: Path) -> None:
    content = "name,acc,seed,k\na,80,2,3\nb,70,0,5\na,82,0,3\na,81,1,3\n"
    first, second = networks(tmp_path, content)
    assert (first.name, second.name) == ("a", "b")
    assert [training.seed for training in first.trainings] == [0, 1, 2]
    assert errors(first) == pytest.approx([0.18, 0.19, 0.20])


def test_rows_without_seeds_are_not_ordered_by_their_error(tmp_path: Path) -> None:
    """A file that is sorted by the error would make every first training the luckiest."""
    rows = [f"n{k},{acc}" for acc in (90, 80, 70) for k in range(200)]
    found = networks(tmp_path, "name,acc\n" + "\n".join(rows))
    firsts = [network.trainings[0].error for network in found]
    assert sum(error == pytest.approx(0.1) for error in firsts) in range(40, 95)
    assert found == networks(tmp_path, "name,acc\n" + "\n".join(rows))
    assert [sorted(errors(n)) for n in found] == [pytest.approx([0.1, 0.2, 0.3])] * 200  # type: ignore[type-var]


def test_a_list_in_a_cell_is_one_training_each(tmp_path: Path) -> None:
    (network,) = networks(tmp_path, 'name;acc\na;"[82, null, 81.5]"\n')
    assert errors(network) == pytest.approx([0.18, 0.185])
    (network,) = networks(tmp_path, '[{"name": "a", "acc": ["82 %", "81 %"]}]')
    assert errors(network) == pytest.approx([0.18, 0.19])


def test_networks_without_names_are_what_their_choices_are(tmp_path: Path) -> None:
    found = networks(tmp_path, "acc,seed,k\n82,0,3\n83,1,3\n84,0,5\n")
    assert [(network.name, len(network.trainings)) for network in found] == [
        ("row 2", 2),
        ("row 4", 1),
    ]
    assert len(networks(tmp_path, "acc,k\n82,3\n83,3\n")) == 2


def test_a_choice_is_numbers_or_texts_but_not_both(tmp_path: Path) -> None:
    content = "acc;a;b;c;d;e\n80;1;1;true;007;\n81;2.5;x;false;010;1e999\n"
    first, second = networks(tmp_path, content)
    assert first.choices == {"a": 1, "b": "1", "c": True, "d": "007", "e": None}
    assert second.choices == {"a": 2.5, "b": "x", "c": False, "d": "010", "e": "1e999"}


def test_a_name_is_split_at_its_separators_or_into_characters(tmp_path: Path) -> None:
    for name in ("0-12-x", "0|12|x"):
        (network,) = networks(tmp_path, f"name;acc\n{name};80\n", split_key="op")
        assert network.choices == {"op.1": "0", "op.2": "12", "op.3": "x"}
    (network,) = networks(tmp_path, '{"021": {"acc": 80}}', split_key="op")
    assert network.choices == {"op.1": 0, "op.2": 2, "op.3": 1}


REFUSED = [
    ("acc,flops\n82,4.5\n", {}, "row 2, column 'flops': '4.5' is too few flops"),
    ("acc,flops\n82,-4.5G\n", {}, "row 2, column 'flops': '-4.5G' is no positive number"),
    ("acc,flops\n82,1e30\n", {}, "row 2, column 'flops': '1e30' is no positive number"),
    ('acc;flops\n82;"4,500"\n', {}, "row 2, column 'flops': '4,500' is 4500 or 4.5: say --decimal"),
    ("acc;flops\n82,1;4.5G\n", {}, "row 2, column 'acc': '82,1' has a decimal comma and '4.5G'"),
    ("name;acc\na;82\nb;good\n", {}, "row 3, column 'acc': 'good' is no number"),
    ("name;acc\na;82,1\n", {"decimal": "."}, "row 2, column 'acc': '82,1' is no number with a"),
    ("acc\n182\n50\n", {}, "row 2, column 'acc': 182 is not between 0 and 100"),
    ("acc\n-1\n50\n", {}, "row 2, column 'acc': -1 is not between 0 and 100"),
    ("name;acc\na;82 %\nb;81\n", {}, "row 3, column 'acc': has no % sign"),
    ("acc\n82 %\n", {"unit": "fraction"}, "--unit fraction: column 'acc' of zoo.csv has % signs"),
    ("error\n0.4\n0.9\n", {}, "column 'error': no error is above 0.9, which may be per cent or a"),
    ("acc\nn/a\n", {}, "column 'acc': holds no number"),
    ("k\n3\n", {}, "no column is called like an error or an accuracy"),
    ("acc,val_acc\n80,81\n", {}, "'acc', 'val_acc' may all be the error or the accuracy"),
    ("acc,model,name\n80,a,b\n", {}, "'model', 'name' may all be the network"),
    ("acc\n80\n", {"without": ("x",)}, "has no column 'x'"),
    ("acc\n80\n", {"network": "x"}, "has no column 'x'; there are 'acc'"),
    ("acc\n80\n", {"error": "acc", "accuracy": "acc"}, "--error and --accuracy: name one"),
    ("name;acc\n;80\n", {}, "row 2, column 'name': has no name of a network"),
    ("name;acc;k\na;80;3\na;81;5\n", {}, "row 3, column 'k': is 5, and 3 in row 2"),
    ("name;acc;seed\na;80;0\na;81;0\n", {}, "row 3, column 'seed': network 'a' has two trainings"),
    ("name;acc\n01;80\n012;80\n", {"split_key": "op"}, "row 3, column 'name': '012' has 3 parts"),
    ("acc\n80\n", {"split_key": "op"}, "--split-key: zoo.csv has no names"),
    (
        "acc;k\n80;1\n",
        {"accuracy": "acc", "choices": (("x", "acc"),)},
        "--map x=acc: the column is used already",
    ),
    ("acc;k\n80;1\n", {"choices": (("network", "k"),)}, "no choice may be called 'network'"),
    ("acc;k;l\n80;1;2\n", {"choices": (("x", "k"), ("x", "l"))}, "two columns have one new name"),
    ('[{"acc": true}]', {}, "item 1, column 'acc': True is no number"),
]


@pytest.mark.parametrize(("content", "asked", "sentence"), REFUSED)
def test_what_is_unclear_is_refused_with_file_row_and_column(
    tmp_path: Path, content: str, asked: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UserError) as caught:
        read(tmp_path, content, **asked)
    assert sentence in str(caught.value)
    assert "zoo.csv" in str(caught.value) or str(caught.value).startswith("--")
