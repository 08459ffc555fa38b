"""The views that people query by hand, and every example of docs/store.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from dse.store.records import MeasurementRecord
from dse.store.store import Store
from tests.store.doctored import query
from tests.store.records import candidate, fill, result, study, trial

DOCUMENT = (Path(__file__).parents[2] / "docs" / "store.md").read_text()
EXAMPLES = re.findall(r"^```sql\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)


@pytest.fixture
def lived(store: Store) -> Store:
    """Three networks, two of them with two seeds; one diverged, one is running, one repeated."""
    fill(store, 3)
    store.add_trials([trial(0, 1), trial(1, 1)])
    store.add_candidates([candidate(-1, architecture={"reference": "x"})])
    store.add_trials([trial(-1)])
    store.claim("doomed")
    store.crashed("doomed", "killed")
    bad = result(None, state="diverged", reason="the loss became nan", epochs=())
    for outcome in (result(0.125), result(0.5), result(0.25), bad, result(0.75)):
        claim = store.claim("worker")
        assert claim is not None
        assert store.complete(claim, outcome)
    last = store.claim("worker", run="run")
    assert last is not None
    store.heartbeat(last, step=3, steps=20, loss=1.5)
    store.add_measurements(
        MeasurementRecord(index=index, name="latency", value=0.5, unit="s", n=11, device="a device")
        for index in (0, 1, -1)
    )
    return store


def test_the_population_is_that_of_python(lived: Store) -> None:
    table = lived.population()
    rows = query(lived, "SELECT * FROM dse_population ORDER BY network, replicate")
    assert [row["network"] for row in rows] == table["index"].tolist()
    same = ["study", "replicate", "state", "reason", "seconds", "device", "flops", "params"]
    for name in same:
        assert [row[name] for row in rows] == table[name].replace({float("nan"): None}).tolist()
    assert [row["error"] for row in rows] == [0.5, 0.75, 0.25, None, None]
    assert [row["last_reason"] for row in rows] == [None] * 5
    assert {row["kind"] for row in rows} == {"survey"}


def test_curves_are_those_of_python(lived: Store) -> None:
    table = lived.curves()
    rows = query(lived, "SELECT * FROM dse_curves ORDER BY network, replicate, epoch")
    assert [row["network"] for row in rows] == table["index"].tolist()
    for name in table.columns.drop("index"):
        assert [row[name] for row in rows] == table[name].tolist()


def test_the_best_are_in_the_order_of_their_mean_error_with_its_n(lived: Store) -> None:
    names = "place, network, seeds, mean_error, lowest_error, highest_error"
    rows = query(lived, f"SELECT {names} FROM dse_best ORDER BY place")
    assert [list(row.values()) for row in rows] == [
        [1, 1, 1, 0.25, 0.25, 0.25],
        [2, 0, 2, 0.625, 0.5, 0.75],
    ]


def test_progress_counts_every_training_and_every_study(lived: Store) -> None:
    with Store.open(lived.target, study="empty", create=True) as empty:
        empty.create_study(study(name="empty"))
    first, second = query(lived, "SELECT * FROM dse_progress ORDER BY study DESC")
    assert (first["study"], first["kind"], first["trials"]) == ("toy", "survey", 6)
    counts = vars(lived.counts())
    assert {state: first[state] for state in counts} == counts
    assert (first["crashes"], first["best_error"]) == (1, 0.25)
    assert first["last_finished"] > first["first_started"]
    assert (second["study"], second["trials"], second["best_error"]) == ("empty", 0, None)


def test_what_is_under_way_and_what_was_measured_can_be_seen(lived: Store) -> None:
    assert query(lived, "SELECT network, replicate, worker, run, step, steps FROM dse_running") == [
        {"network": 1, "replicate": 1, "worker": "worker", "run": "run", "step": 3, "steps": 20}
    ]
    measured = "SELECT network, name, value, n, unit FROM dse_measured ORDER BY network"
    assert [tuple(row.values()) for row in query(lived, measured)] == [
        (0, "latency", 0.5, 11, "s"),
        (1, "latency", 0.5, 11, "s"),
    ]


def test_the_document_names_every_column_of_every_view(lived: Store) -> None:
    table = re.findall(r"^\| `(dse_\w+)` \|(.*)\|$", DOCUMENT, re.MULTILINE)
    assert len(table) == 6
    for view, words in table:
        with lived._database._engine.connect() as connection:
            columns = set(connection.execute(text(f"SELECT * FROM {view}")).keys())
        named = set(re.findall(r"`(\w+)`", words))
        summed_up = {"study", "kind"}
        if "costs" in words:
            summed_up |= {"flops", "params", "activations"}
        if "each state" in words:
            summed_up |= set(vars(lived.counts()))
        assert columns == named | summed_up, view


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_finds_something(lived: Store, number: int) -> None:
    full = study(name="toy-full-1", kind="training", design={"of": "toy"})
    lived.record_training(full, candidate(0), 7, result(0.125))
    found: list[dict[str, Any]] = query(lived, EXAMPLES[number].replace(":", r"\:"))
    assert found, EXAMPLES[number]
