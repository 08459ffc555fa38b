from __future__ import annotations

from typing import Any

import pytest

from dse.store.records import MeasurementRecord
from dse.store.store import Store
from tests.store.records import candidate, fill


def latency(index: int = 0, value: float = 0.5, **changes: Any) -> MeasurementRecord:
    values: dict[str, Any] = {
        "index": index,
        "name": "latency",
        "value": value,
        "low": value / 2,
        "high": value * 2,
        "n": 11,
        "unit": "s",
        "device": "a device",
        "dtype": "float32",
        "batch": 1,
        "layout": "channels_last",
        "resolution": 224,
        "versions": {"torch": "2.13.0"},
    }
    return MeasurementRecord(**values | changes)


def test_measurements_come_back_as_a_long_table(store: Store) -> None:
    fill(store, 2)
    few = MeasurementRecord(index=0, name="score", value=-3.0, unit="")
    store.add_measurements([latency(1), latency(0), few])
    table = store.measurements()
    assert table[["index", "name", "value"]].to_numpy().tolist() == [
        [0, "latency", 0.5],
        [0, "score", -3.0],
        [1, "latency", 0.5],
    ]
    assert table.iloc[2].to_dict() == {
        key: value for key, value in vars(latency(1)).items() if key != "versions"
    }
    assert table.iloc[1][["device", "batch", "n"]].tolist() == ["", 0, 1]
    assert table["low"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize(
    "change",
    [
        {"name": "throughput"},
        {"device": "another"},
        {"dtype": "bfloat16"},
        {"batch": 64},
        {"layout": "channels_first"},
        {"resolution": 32},
    ],
)
def test_other_conditions_are_another_number(store: Store, change: dict[str, Any]) -> None:
    fill(store, 1)
    store.add_measurements([latency()])
    store.add_measurements([latency(**change)])
    assert len(store.measurements()) == 2


def test_the_newest_number_under_the_same_conditions_counts(store: Store) -> None:
    fill(store, 2)
    store.add_measurements([latency(0, 0.5), latency(1, 0.5)])
    store.add_measurements([latency(0, 0.3), latency(0, 0.25)])
    store.add_measurements([])
    assert store.measurements()["value"].tolist() == [0.25, 0.5]


def test_an_empty_table_has_its_columns(store: Store) -> None:
    empty = store.measurements()
    fill(store, 1)
    store.add_measurements([latency()])
    full = store.measurements()
    assert list(empty.columns) == list(full.columns)
    assert empty.dtypes.to_dict() == full.dtypes.to_dict()


def test_references_are_measured_but_in_no_table_of_networks(store: Store) -> None:
    fill(store, 1)
    store.add_candidates([candidate(-1, architecture={"reference": "x"})])
    store.add_measurements([latency(-1)])
    assert store.measurements().empty


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_no_measurement(value: float) -> None:
    with pytest.raises(AssertionError):
        latency(value=value)
