from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

from dse.space import Budget, Sampler, load_space
from dse.space.describe.description import (
    compare_rows,
    describe,
    feasibility_text,
    population_text,
    restricts,
)
from dse.space.describe.regions import feasibility
from dse.space.describe.words import marginal_text, meaning_text, percent, prior_text, size_text
from dse.space.language.priors import Prior
from dse.space.sampling.streams import Design
from tests.spaces import CONVNEXT, CONVNEXT_FILE, changed

SPACES = CONVNEXT_FILE.parent
BUDGET = Budget.parse("4.5GFLOPs")


def test_without_a_budget_there_are_priors_alone() -> None:
    found = describe(CONVNEXT)
    assert {row["section"] for row in found.rows()} == {"space", "parameter"}
    rows = {row["slot"]: row for row in found.parameters}
    assert rows["norm_layer"]["prior"] == "one of layer_norm, batch_norm"
    assert rows["norm_layer"]["p"] is None
    assert rows["expansion_ratio"]["tie"] == "the same in all stages"
    assert (rows["grn"]["free"], rows["grn"]["prior"]) == (False, "fixed at false")


def test_under_a_budget_every_section_is_there_with_stable_keys() -> None:
    found = describe(CONVNEXT, Sampler(space=CONVNEXT, budget=BUDGET), draws=300)
    keys: dict[str, set[str]] = {}
    for row in found.rows():
        json.dumps(row, allow_nan=False)
        assert keys.setdefault(row["section"], set(row)) == set(row)
    assert list(keys) == [
        "space", "parameter", "width", "feasibility", "region", "cost", "example",
    ]  # fmt: skip
    tested = [row for row in found.parameters if row["p"] is not None]
    assert len(tested) == found.space["dimension"]
    assert min(row["p_holm"] for row in tested) > 1e-3
    assert all(row["n"] == 300 for row in tested)
    assert all(BUDGET.contains(row["flops"]) for row in found.examples)
    shares = [row["share"] for row in found.regions]
    assert shares == sorted(shares)


def test_a_budget_that_only_some_shapes_meet_shifts_the_prior() -> None:
    space = changed(dims={"growth": 2, "minimum": 64})
    found = describe(space, Sampler(space=space, budget=Budget.parse("1GFLOPs")), draws=1000)
    rows = {row["slot"]: row for row in found.parameters}
    assert rows["expansion_ratio"]["p_holm"] < 1e-6
    assert rows["expansion_ratio"]["deviation"] > 3 * rows["expansion_ratio"]["deviation_error"]
    assert rows["act_layer"]["p"] > 1e-3
    assert found.regions[0]["high"] < found.feasibility[1]["low"]
    reasons = {row["what"] for row in found.feasibility[2:]}
    assert "refused: too dear even at the narrowest width" in reasons


def test_feasibility_counts_each_draw_once() -> None:
    space = load_space(SPACES / "regnetx_pycls.yaml")
    sampler = Sampler(space=space, budget=Budget.parse("360-400MFLOPs"), population="conditioned")
    found = feasibility(sampler, 2000)
    assert found.inside.of == 2000
    assert found.feasible.of == found.inside.n < 2000
    assert found.feasible.n + found.reasons.total() == 2000
    depth = [share for slot, _, share in found.regions if slot == "dims.depth"]
    assert sum(share.of for share in depth) == found.inside.n
    assert sum(share.n for share in depth) == found.feasible.n


def test_feasible_draws_are_the_samplers_own_first_ones() -> None:
    sampler = Sampler(space=CONVNEXT, budget=Budget.parse("300MFLOPs"))
    batch = sampler.batch(np.arange(200))
    assert feasibility(sampler, 200).feasible.n == sum(not r for r in batch.refusals)


def test_a_slot_whose_prior_is_conditioned_anyway_has_no_p() -> None:
    space = load_space(SPACES / "regnetx_pycls.yaml")
    found = describe(space, Sampler(space=space, budget=Budget.parse("400MFLOPs")), draws=200)
    rows = {row["slot"]: row for row in found.parameters}
    assert rows["dims.slope"]["note"] == "conditioned on 4 stages"
    assert rows["dims.slope"]["p"] is None
    assert all(row["realised"] for row in rows.values() if row["free"])
    assert rows["group_width"]["p"] is not None
    assert "for 1 test the" in meaning_text(found.space, found.parameters, found.refused)
    data = CONVNEXT.definition() | {"require": ["sum(depths) >= 10"]}
    space = type(CONVNEXT).model_validate(data)
    found = describe(space, Sampler(space=space, budget=BUDGET), draws=100)
    rows = {row["slot"]: row for row in found.parameters}
    assert rows["depths.1"]["note"] == "conditioned on require"
    assert rows["depths.1"]["p"] is None
    assert rows["stem"]["p"] is not None
    assert found.feasibility[0]["share"] < 1


def test_a_conditional_slot_counts_only_where_it_is_drawn() -> None:
    space = changed(
        stem_act={"when": {"stem": "patch"}, "choice": [True, False], "otherwise": None}
    )
    found = describe(space, Sampler(space=space, budget=BUDGET), draws=300)
    rows = {row["slot"]: row for row in found.parameters}
    patches = next(c["n"] for c in rows["stem"]["cells"] if c["label"] == "patch")
    assert rows["stem_act"]["n"] == patches < 300
    assert rows["stem_act"]["when"] == "when stem is patch, else none"
    assert rows["stem_act"]["p"] is not None


def test_even_designs_say_that_p_is_too_large() -> None:
    sampler = Sampler(space=CONVNEXT, budget=BUDGET, design=Design.parse("sobol"))
    found = describe(sampler.space, sampler, draws=64)
    assert "too large" in meaning_text(found.space, found.parameters, found.refused)
    plain = describe(CONVNEXT, Sampler(space=CONVNEXT, budget=BUDGET), draws=64)
    text = meaning_text(plain.space, plain.parameters, plain.refused)
    assert "too large" not in text
    assert "No share can be shifted by more than what is refused, 5.6 % at most" in text


@pytest.mark.parametrize(
    ("prior", "text"),
    [
        ({"choice": [None]}, "fixed at none"),
        ({"choice": [None, 1e-6, True]}, "one of none, 1e-06, true"),
        ({"uniform": [1, 6], "step": 0.5}, "uniform from 1 to 6 in steps of 0.5"),
        ({"log_uniform": [1.25, 2.75]}, "log-uniform from 1.25 to 2.75"),
        (
            {"normal": [1, 7]},
            "normal from 1 to 7, which are 3 standard deviations from the middle",
        ),
        (
            {"log_normal": [8, 64], "step": 8},
            "log-normal from 8 to 64, which are 3 standard deviations from the middle in steps "
            "of 8",
        ),
        ({"power_of_two": [1, 32]}, "a power of two from 1 to 32"),
        (
            {"log_uniform": [8, 256], "step": 8, "round": "up"},
            "log-uniform from 8 to 256, rounded up to steps of 8",
        ),
    ],
)
def test_every_kind_of_prior_has_words(prior: dict[str, object], text: str) -> None:
    assert prior_text(Prior.model_validate(prior)) == text


def test_the_feasibility_has_its_interval_and_reasons() -> None:
    text = feasibility_text(24, Counter({"too cheap even at the widest width": 1}))
    assert text == (
        "24 of 25 drawn shapes could meet it (95 % interval 79.6 % to 99.9 %); "
        "1 too cheap even at the widest width"
    )
    assert feasibility_text(3, Counter()).endswith("(95 % interval 29.2 % to 100 %)")


def test_the_population_is_named_exactly() -> None:
    sampler = Sampler(
        space=CONVNEXT, budget=BUDGET, design=Design.parse("sobol"), stratify=("stem",)
    )
    assert population_text(sampler) == (
        "the prior over shapes, pushed onto the budget by solving for the widths' scale, "
        "a scrambled Sobol sequence, stratified by stem"
    )
    latin = Sampler(space=CONVNEXT, budget=BUDGET, design=Design.parse("latin_hypercube:64"))
    assert population_text(latin).endswith(", Latin hypercubes of 64")
    space = load_space(SPACES / "regnetx_pycls.yaml")
    text = population_text(Sampler(space=space, budget=BUDGET, population="conditioned"))
    assert text == "the prior over networks, conditioned on the window by rejection"


def test_two_spaces_are_told_apart_choice_by_choice() -> None:
    narrower = changed(norm_layer={"choice": ["layer_norm"]})
    rows = list(compare_rows(CONVNEXT, narrower))
    assert [row["choice"] for row in rows] == [
        "norm_layer",
        "free choices",
        "number of shapes",
        "values",
    ]
    assert (rows[-1]["first"], rows[-1]["second"]) == ("", "all allowed by the first")
    assert restricts(CONVNEXT, narrower)
    assert not restricts(narrower, CONVNEXT)
    wider = changed(norm_layer={"choice": ["layer_norm", "rms_norm"]})
    assert "values" not in [row["choice"] for row in compare_rows(CONVNEXT, wider)]


def test_ordered_spaces_have_regnets_count_too() -> None:
    c, d = (load_space(SPACES / f"anynetx_{name}.yaml") for name in "cd")
    rows = {row["choice"]: row for row in compare_rows(c, d)}
    exact = rows["number of shapes"]
    regnet = rows["the same, with orderings counted as 1/stages!, as RegNet's table does"]
    assert exact["first"] == regnet["first"]
    assert (exact["second"], regnet["second"]) == ("1.4e13", "1.3e13")
    assert "1.4e13 shapes" in size_text(describe(d).space)
    assert describe(c).space["log10_size_factorial"] is None


def test_shares_keep_their_last_digits() -> None:
    assert [percent(x) for x in (0, 1, 0.5, 0.123, 0.9994, 0.00061)] == [
        "0 %", "100 %", "50 %", "12.3 %", "99.94 %", "0.061 %",
    ]  # fmt: skip


def test_many_names_are_cut_short() -> None:
    shares = {f"{k}-3": (10 - k) / 55 for k in range(10)}
    text = marginal_text(["0-3", "1-3"], shares)
    assert text == "0-3 18%, 1-3 16%, 2-3 15%, 3-3 13%, 4-3 11%, 5 others"
