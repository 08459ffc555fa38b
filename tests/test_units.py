from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.errors import UserError
from dse.units import (
    format_count,
    format_duration,
    format_quantity,
    parse_percent,
    parse_quantity,
)


@pytest.mark.parametrize(
    ("text", "flops"),
    [
        ("4.5GFLOPs", 4.5e9),
        ("4.5 gflops", 4.5e9),
        ("600MFLOPs", 6e8),
        (".5 GMACs", 5e8),
        ("360M flops", 3.6e8),
        ("1 TFLOP", 1e12),
    ],
)
def test_flops_are_read_in_every_usual_spelling(text: str, flops: float) -> None:
    assert parse_quantity(text, "flops") == pytest.approx(flops, rel=1e-12)


@pytest.mark.parametrize("text", ["4.5 bananas", "", "GFLOPs", "-1GFLOPs", "0GFLOPs", "4.5", "1e9"])
def test_what_is_no_budget_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UserError, match=r"4\.5GFLOPs"):
        parse_quantity(text, "flops")


@pytest.mark.parametrize(
    ("text", "metric", "amount"),
    [
        ("25M", "params", 25e6),
        ("25 M params", "params", 25e6),
        ("10k", "activations", 1e4),
        ("5ms", "latency", 5e-3),
        ("20 us", "latency", 2e-5),
        ("0.1s", "latency", 0.1),
        ("200MB", "memory", 2e8),
        ("2GiB", "memory", 2 * 1024**3),
    ],
)
def test_other_amounts_are_read_with_their_units(text: str, metric: str, amount: float) -> None:
    assert parse_quantity(text, metric) == pytest.approx(amount, rel=1e-12)


def test_amounts_are_written_with_their_units() -> None:
    found = [format_quantity(2e6, m) for m in ("flops", "params", "memory")]
    assert found == ["2.000 MFLOPs", "2.000 M", "2.000 MB"]
    assert format_quantity(0.0123, "latency") == "12.3 ms"


@pytest.mark.parametrize("text", ["1%", "±1%", "+-1 %", "1.0%"])
def test_tolerances_are_read_as_fractions(text: str) -> None:
    assert parse_percent(text) == pytest.approx(0.01)


@pytest.mark.parametrize("text", ["1", "0%", "100%", "x%", "-1%"])
def test_what_is_no_tolerance_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="tolerance"):
        parse_percent(text)


@given(st.integers(1, 10**15))
def test_a_formatted_count_reads_back_to_within_its_last_digit(value: int) -> None:
    assert parse_quantity(format_count(value, "FLOPs"), "flops") == pytest.approx(value, rel=5.1e-4)


def test_durations_read_as_people_say_them() -> None:
    assert [format_duration(s) for s in (0.4, 59.6, 3599.6)] == ["0 s", "1 min 00 s", "1 h 00 min"]
