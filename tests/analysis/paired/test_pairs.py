from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dse.analysis.paired.pairs import find_pairs, pairs_of


def trainings(**changes: object) -> pd.DataFrame:
    """Four networks: 0 and 1 differ in the norm, 2 and 3 in norm and kernel."""
    columns = {
        "study": "s",
        "index": [0, 1, 2, 3],
        "replicate": 0,
        "state": "complete",
        "error": [0.3, 0.2, 0.5, 0.4],
        "classes": 10,
        "flops": [100, 200, 300, 400],
        "arch.norm": ["bn", "ln", "bn", "ln"],
        "arch.kernel": [3, 3, 3, 5],
        "arch.layer_scale": [None, None, None, None],
    }
    return pd.DataFrame(columns | changes)


def test_pairs_are_networks_equal_in_all_but_one_column():
    found = find_pairs(trainings(), "arch.norm", ("bn", "ln"))
    assert found["index"].tolist() == [0, 1]
    pairs = pairs_of(found, ("bn", "ln"))
    assert pairs.outcomes.tolist() == [[0.3, 0.2]]
    assert pairs.costs.tolist() == [150]


def test_a_free_column_may_differ_and_coinciding_networks_are_paired_in_order():
    found = find_pairs(trainings(), "arch.norm", ("bn", "ln"), free=["arch.kernel"])
    assert found.groupby("pair")["index"].apply(list).tolist() == [[0, 1], [2, 3]]


def test_a_missing_value_is_an_arm_too():
    scaled = trainings(**{"arch.norm": "bn", "arch.layer_scale": [None, 1e-6, None, 1e-6]})
    pairs = pairs_of(
        find_pairs(scaled, "arch.layer_scale", (None, 1e-6), free=["arch.kernel"]),
        ("None", "1e-06"),
    )
    assert pairs.differences == pytest.approx([0.1, 0.1])


def test_only_equal_replicates_and_equal_seeds_are_paired():
    assert find_pairs(trainings(replicate=[0, 1, 0, 0]), "arch.norm", ("bn", "ln")).empty
    assert find_pairs(trainings(seed=[7, 8, 7, 7]), "arch.norm", ("bn", "ln")).empty
    assert len(find_pairs(trainings(seed=7), "arch.norm", ("bn", "ln"))) == 2


def test_two_studies_are_arms_like_any_other_column():
    both = pd.concat([trainings(), trainings(study="t", error=[0.1, 0.1, 0.1, 0.1])])
    pairs = pairs_of(find_pairs(both, "study", ("s", "t")), ("s", "t"))
    assert sorted(pairs.differences.round(9)) == [0.1, 0.2, 0.3, 0.4]


def test_a_training_without_an_end_is_in_no_pair_and_one_that_ended_badly_is():
    assert find_pairs(
        trainings(state=["complete", "running", "complete", "complete"]), "arch.norm", ("bn", "ln")
    ).empty
    bad = trainings(state=["complete", "diverged", "complete", "complete"])
    bad.loc[1, "error"] = np.nan
    pairs = pairs_of(find_pairs(bad, "arch.norm", ("bn", "ln")), ("bn", "ln"))
    assert pairs.outcomes.tolist() == [[0.3, np.inf]]
    assert pairs.capped.tolist() == [[0.3, 0.9]]
    assert pairs.bad.tolist() == [[False, True]]


def test_seeds_of_a_pair_are_averaged_over_those_that_both_arms_have():
    frame = pd.DataFrame(
        {
            "pair": [1, 1, 1, 1, 1, 0, 0, 2],
            "arm": ["a", "b", "a", "b", "a", "a", "b", "a"],
            "replicate": [0, 0, 1, 1, 2, 0, 0, 0],
            "outcome": [0.2, 0.3, 0.4, np.inf, 0.9, 0.5, 0.6, 0.1],
            "classes": 4,
        }
    )
    pairs = pairs_of(frame.sample(frac=1, random_state=0), ("a", "b"))
    assert pairs.outcomes[0].tolist() == [0.5, 0.6]
    assert pairs.outcomes[1] == pytest.approx([0.3, np.inf])
    assert pairs.capped[1] == pytest.approx([0.3, (0.3 + 0.75) / 2])
    assert len(pairs) == 2
