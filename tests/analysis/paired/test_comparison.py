from __future__ import annotations

import json

import numpy as np
import pytest

from dse.analysis.paired.comparison import compare, sentences
from dse.analysis.paired.pairs import Pairs


def pairs(shift: float, bad: int = 0, n: int = 40) -> Pairs:
    rng = np.random.default_rng(0)
    network = rng.uniform(0.2, 0.4, n)
    capped = np.column_stack([network + rng.normal(shift, 0.01, n), network])
    capped[:bad, 1] = 0.9
    outcomes = capped.copy()
    outcomes[:bad, 1] = np.inf
    return Pairs(arms=("bn", "ln"), outcomes=outcomes, capped=capped, costs=np.arange(float(n)))


def test_a_shown_difference_is_said_with_its_interval_and_n():
    said = sentences(compare(pairs(-0.05, n=160)))
    assert said[2].startswith("bn has a lower mean error than ln: by -5.1")
    assert said[0].startswith("By the ratio of errors bn is better: with bn an error is 0.8")
    assert all("95 % interval" in line and "n = 160 pairs" in line for line in said[:3])
    assert said[1].startswith("In the median pair the error with bn less that with ln is -5.2")
    assert "bn is better in 160 of 160 pairs (100 %" in " ".join(said)
    worse = sentences(compare(pairs(0.05, n=160)))
    assert worse[0].startswith("By the ratio of errors ln is better")
    assert worse[2].startswith("bn has a higher mean error than ln")


def test_what_is_not_shown_is_said_to_be_not_shown():
    said = sentences(compare(pairs(0.0, n=160)))
    assert said[0].startswith("By the ratio of errors neither is shown to be better")
    assert said[2].startswith("It is not shown that the mean errors of bn and ln differ")
    assert said[-1].startswith("It is not shown that the difference depends on a network's cost")


def test_below_150_pairs_the_mean_difference_has_no_interval_and_that_is_said():
    found = compare(pairs(-0.05, n=149))
    assert (found.difference.lower, found.difference.upper) == (-np.inf, np.inf)
    said = sentences(found)[2]
    assert said.startswith("The mean error with bn less that with ln is -5.1")
    assert "n = 149 pairs; there is no interval" in said
    assert "inf" not in " ".join(sentences(found))


def test_bad_ends_are_said_with_how_they_count():
    found = compare(pairs(0.0, bad=6))
    said = " ".join(sentences(found))
    assert found.bad.only_second == 6
    assert "with ln alone in 6, with both in 0 (exact McNemar test p = 0.031)" in said
    assert "counts as a network that guesses" in said


def test_a_comparison_is_plain_json_and_the_same_each_time():
    found = compare(pairs(0.01))
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain["difference"]["n"] == 40
    assert len(plain["sentences"]) == len(sentences(found))
    assert compare(pairs(0.01)) == found


def test_one_pair_says_hardly_anything_and_that_is_said():
    one = pairs(0.1)
    single = Pairs(
        arms=one.arms, outcomes=one.outcomes[:1], capped=one.capped[:1], costs=one.costs[:1]
    )
    found = compare(single)
    assert (found.pairing_gain, found.cost_dependence) == (None, None)
    assert found.sign_flip_p == pytest.approx(1)
    assert "no interval" in sentences(found)[2]
