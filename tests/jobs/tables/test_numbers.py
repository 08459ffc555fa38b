from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dse.jobs.tables.numbers import (
    MARKS,
    OTHER,
    Mark,
    is_ambiguous,
    possible_marks,
    read_number,
    shown_marks,
)

SCALES = {"": 0, "k": 3, "K": 3, "M": 6, "G": 9, "B": 9, "T": 12}
UNITS = {"": "", "k": "", "K": " FLOPs", "M": "", "G": "FLOPs", "B": " params", "T": "MACs"}


def written(digits: int, decimals: int, *, mark: Mark, separator: str, scale: str = "") -> str:
    """`digits` * 10 ** -`decimals`, as a habit has it."""
    whole, rest = divmod(abs(digits), 10**decimals)
    text = f"{whole:,}".replace(",", separator)
    text += f"{mark}{rest:0{decimals}}" if decimals else ""
    return ("−" if digits < 0 else "") + text + scale + UNITS[scale]


habits = st.sampled_from(MARKS).flatmap(
    lambda mark: st.tuples(
        st.just(mark), st.sampled_from(["", OTHER[mark], " ", "\u00a0", "\u202f", "'", "’", "_"])
    )
)
amounts = st.tuples(st.integers(-(10**13), 10**13), st.integers(0, 6))


@given(amount=amounts, habit=habits, scale=st.sampled_from(sorted(SCALES)))
def test_numbers_written_in_many_habits_come_back_equal(
    amount: tuple[int, int], habit: tuple[Mark, str], scale: str
) -> None:
    digits, decimals = amount
    mark, separator = habit
    text = written(digits, decimals, mark=mark, separator=separator, scale=scale)
    found = read_number(f" {text} ", mark)
    assert found is not None
    assert math.isclose(found.value, digits * 10 ** (SCALES[scale] - decimals), rel_tol=1e-12)
    assert found.plain == (scale == "")


@given(digits=st.integers(0, 1000), mark=st.sampled_from(MARKS), space=st.sampled_from(["", " "]))
def test_per_cent_is_told_from_a_plain_number(digits: int, mark: Mark, space: str) -> None:
    text = written(digits, 1, mark=mark, separator="")
    found, plain = read_number(f"{text}{space}%", mark), read_number(text, mark)
    assert found is not None
    assert plain is not None
    assert (found.percent, plain.percent) == (True, False)
    assert found.value == plain.value == digits / 10


@given(amount=amounts, habit=habits)
def test_no_text_shows_the_wrong_mark(amount: tuple[int, int], habit: tuple[Mark, str]) -> None:
    """A text is read with the mark it was written with, or it could be either."""
    mark, separator = habit
    text = written(*amount, mark=mark, separator=separator)
    assert mark in possible_marks(text)
    assert shown_marks([text]) <= {mark}
    other = read_number(text, OTHER[mark])
    assert is_ambiguous(text) == (other is not None and other != read_number(text, mark))


@given(amount=amounts, habit=habits)
def test_two_decimals_always_show_their_mark(
    amount: tuple[int, int], habit: tuple[Mark, str]
) -> None:
    assume(amount[1] not in (0, 3))
    mark, separator = habit
    assert shown_marks([written(*amount, mark=mark, separator=separator)]) == {mark}


@pytest.mark.parametrize(
    "text",
    [
        *("", "-", ".", ",", "e5", "12 34", "1,23,456", "1.2.3", "3,3,9,3", "1 2", "4.5X", "nan"),
        *("0x1", "1,234.5,6", "82.1 ± 0.3", "4.5 %G", "1'23", "--1"),
    ],
)
def test_what_is_no_number_is_none(text: str) -> None:
    assert [read_number(text, mark) for mark in MARKS] == [None, None]


@pytest.mark.parametrize(
    ("text", "ambiguous"), [("1,234", True), ("1.234", True), ("4,089M", True)]
)
def test_one_group_of_three_may_be_thousands_or_decimals(text: str, ambiguous: bool) -> None:
    assert is_ambiguous(text) == ambiguous


@pytest.mark.parametrize(
    "text", ["0,123", "1,23", "1,2345", "1,234,567", "12", "1 234", "1234,567"]
)
def test_what_can_only_be_one_number_is_not_ambiguous(text: str) -> None:
    assert not is_ambiguous(text)
