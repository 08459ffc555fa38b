from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from dse.space.language.predicates import Predicate

Columns = dict[str, NDArray[Any]]
STAGED = ("depths", "dims", "kernel_sizes", "expansion_ratio", "group_width")


def objects(values: list[Any]) -> NDArray[Any]:
    table = np.empty(len(values), dtype=object)
    table[:] = values
    return table


@st.composite
def networks(draw: Any) -> Columns:
    """A few networks of two stages, in columns."""
    n = draw(st.integers(1, 4))

    def column(values: list[Any], size: int = n) -> list[Any]:
        return draw(st.lists(st.sampled_from(values), min_size=size, max_size=size))

    staged = {
        "depths": [1.0, 2.0, 3.0],
        "dims": [8.0, 16.0],
        "kernel_sizes": [3.0, 5.0],
        "expansion_ratio": [0.25, 1.5, 4.0],
        "group_width": [0.0, 1.0, 8.0],
    }
    found: Columns = {
        name: np.array(column(values, 2 * n)).reshape(n, 2) for name, values in staged.items()
    }
    return found | {
        "groups": objects(column([None, 1, 32])),
        "patch_size": objects(column([1, 4])),
        "ls_init_value": np.array(column([0.0, 1e-6])),
        "norm_layer": objects(column(["layer_norm", "batch_norm"])),
        "grn": objects(column([True, False])),
        "bias": objects(column([True, False, None])),
    }


def numbers() -> st.SearchStrategy[str]:
    stages = st.builds("{}[{}]".format, st.sampled_from(STAGED), st.integers(1, 2))
    functions = st.sampled_from(("sum", "min", "max", "len"))
    over = st.builds("{}({})".format, functions, st.sampled_from(STAGED))
    arithmetic = st.sampled_from(("+", "-", "*", "/", "//", "%"))
    names = st.sampled_from(("groups", "patch_size", "ls_init_value", "0", "1", "2.5", "8"))
    return st.recursive(
        st.one_of(stages, over, names),
        lambda inner: st.one_of(
            inner.map("-{}".format),
            st.builds("({} {} {})".format, inner, arithmetic, inner),
        ),
        max_leaves=4,
    )


def conditions() -> st.SearchStrategy[str]:
    order = st.sampled_from(("<", "<=", ">", ">=", "==", "!="))
    number = numbers()
    leaves = st.one_of(
        st.builds("{} {} {}".format, number, order, number),
        st.builds("{} {} {} {} {}".format, number, order, number, order, number),
        st.builds("{} {} [1, 2.5, -3]".format, number, st.sampled_from(("in", "not in"))),
        st.sampled_from(
            (
                "grn",
                "bias",
                "bias == null",
                "groups != null",
                "grn == false",
                "norm_layer == 'layer_norm'",
                "norm_layer not in ['batch_norm', 'rms_norm']",
                "group_width[2] == null",
            )
        ),
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            inner.map("not ({})".format),
            st.builds("({}) and ({})".format, inner, inner),
            st.builds("({}) or ({})".format, inner, inner),
        ),
        max_leaves=4,
    )


REFUSED = r"is not allowed|there is no parameter|is no number, text|a list goes with in"


class Stages(list[Any]):
    """A list that counts from 1."""

    def __getitem__(self, stage: Any) -> Any:
        return super().__getitem__(stage - 1)


def by_python(text: str, columns: Columns, row: int) -> bool:
    """What Python says of one network; what it cannot work out is not fulfilled."""
    words: dict[str, Any] = {"true": True, "false": False, "null": None}
    for name, values in columns.items():
        value = values.tolist()[row]
        words[name] = value
        if name in STAGED:
            words[name] = Stages(None if name == "group_width" and v == 0 else v for v in value)
    try:
        return bool(eval(text, {"sum": sum, "min": min, "max": max, "len": len}, words))
    except (TypeError, ZeroDivisionError):
        return False


@settings(max_examples=300, deadline=None)
@given(text=conditions().filter(lambda text: len(text) <= 200), columns=networks())
def test_expressions_mean_what_python_means(text: str, columns: Columns) -> None:
    assume(any(name in text for name in columns))
    predicate = Predicate.model_validate(text)
    found = predicate.evaluate({name: columns[name] for name in predicate.names})
    assert found.dtype == np.bool_
    expected = [by_python(text, columns, row) for row in range(len(columns["depths"]))]
    assert found.tolist() == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("depths", r"depths has a value for each stage; take depths\[1\] or sum\(depths\)"),
        ("depths[0] < 1", "stages have numbers from 1"),
        ("depths[1.5] < 1", "is not allowed"),
        ("depths[true] < 1", "is not allowed"),
        ("depths[1:2] == 1", "is not allowed"),
        ("depths[-1] < 1", "is not allowed"),
        ("grn[1] == 1", "grn has one value for the whole network"),
        ("depth[1] == 1", "there is no parameter 'depth'; did you mean 'depths'"),
        ("sum(depth) == 1", "there is no parameter 'depth'"),
        ("sum(grn) == 1", "grn has one value for the whole network"),
        ("norm_layer < 3", "'norm_layer' is no number"),
        ("grn + 1 > 1", "'grn' is no number"),
        ("-norm_layer == 1", "'norm_layer' is no number"),
        ("not patch_size", "'patch_size' is neither true nor false"),
        ("grn and patch_size", "'patch_size' is neither true nor false"),
        ("patch_size", "'patch_size' is neither true nor false; compare it"),
        ("norm_layer == 'ln'", "norm_layer may be layer_norm, .*, never 'ln'"),
        ("norm_layer in ['rms_norm', 'ln']", "norm_layer may be layer_norm, .*, never 'ln'"),
        ("norm_layer == 3", "'norm_layer' is never '3'"),
        ("groups == true", "'groups' is never 'true'"),
        ("norm_layer in act_layer", "'act_layer': a list goes with in"),
        ("patch_size in (3, 4)", "is not allowed"),
        ("patch_size == [3]", "a list goes with in"),
        ("grn in [[true]]", "is no number, text"),
        ("norm_layer in [act_layer]", "'act_layer' is no number, text, true, false or null"),
        ("norm_layer is null", "with == and != instead of is"),
        (
            "norms_per_bloc < 3",
            "there is no parameter 'norms_per_bloc'; did you mean 'norms_per_block'",
        ),
        ("1 < 2", "must speak of a parameter"),
        ("depths[1] <", "'depths.1. <' is not an expression"),
        ("", "'' is not an expression"),
        ("(" * 199, "is not an expression"),
        ("patch_size == 4 " + "#" * 200, "must have 200 characters at most, not 216"),
        ("-" * 30 + "patch_size < 3", "nested 20 deep at most"),
        ("(" * 30 + "grn" + ")" * 30 + " and " + "not " * 25 + "grn", "nested 20 deep at most"),
        ("1e999 < groups", "numbers must be below 1e15"),
        ("patch_size == 1000000000000000", "numbers must be below 1e15"),
        ("grn == '\0'", "null bytes|never|not an expression"),
        ("b'a' == norm_layer", "is no number, text"),
        ("1j < groups", "is no number, text"),
        ("... == groups", "is no number, text"),
    ],
)
def test_what_says_nothing_of_a_network_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        Predicate.model_validate(text)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "depths.append",
        "norm_layer.upper() == 'A'",
        "[x for x in depths] == []",
        "(lambda: grn)()",
        "(grn := true)",
        "2 ** patch_size > 1",
        "patch_size << 9 > 1",
        "patch_size @ 9 > 1",
        "~patch_size > 1",
        "f'{grn}' == 'a'",
        "grn if grn else grn",
        "sum(1) > 1",
        "sum(depths, 1) > 1",
        "sum(start=depths) > 1",
        "sum(depths[1]) > 1",
        "abs(patch_size) > 1",
        "sum(*depths) > 1",
        "{1: grn}[1]",
        "[grn][0]",
        "{grn} == grn",
        "await grn",
        "print",
        "eval",
    ],
)
def test_nothing_but_the_language_is_allowed(text: str) -> None:
    with pytest.raises(ValidationError, match=REFUSED):
        Predicate.model_validate(text)


@given(st.text(max_size=40) | st.text("depths[1] <>=()+-*/%'\"notandrigr,.:", max_size=40))
def test_any_text_is_an_expression_or_is_refused_in_a_sentence(text: str) -> None:
    try:
        assert Predicate.model_validate(text).names
    except ValidationError as error:
        kinds = [mistake["type"] for mistake in error.errors()]
    else:
        kinds = ["value_error"]
    assert kinds == ["value_error"]


def test_a_predicate_knows_what_it_speaks_of() -> None:
    predicate = Predicate.model_validate("depths[1] < depths[3] and max(dims) < 9 or grn == true")
    assert predicate.names == {"depths", "dims", "grn"}
    assert predicate.last_stage == 3
    assert Predicate.model_validate("grn").last_stage == 0


def test_a_million_networks_are_looked_through_in_a_moment() -> None:
    predicate = Predicate.model_validate("depths[1] <= depths[2] and norm_layer != 'batch_norm'")
    rng = np.random.default_rng(0)
    columns: Columns = {
        "depths": rng.integers(1, 9, (1_000_000, 4)),
        "norm_layer": np.array(["layer_norm", "batch_norm"], dtype=object)[
            rng.integers(0, 2, 1_000_000)
        ],
    }
    begin = time.perf_counter()
    share = predicate.evaluate(columns).mean()
    assert time.perf_counter() - begin < 3
    assert share == pytest.approx(0.5 * 9 / 16, abs=0.01)
