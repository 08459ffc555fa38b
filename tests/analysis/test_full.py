from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from dse.analysis.agreement import MINIMUM_NETWORKS
from dse.analysis.full import (
    FullStudy,
    FullTraining,
    agreements,
    full_trainings,
    json_row,
    table_row,
)

STUDY = FullStudy(name="toy-full", data="toy")


def trainings(errors: dict[int, float], **columns: Any) -> pd.DataFrame:
    """The first training of each network; NaN for one that diverged."""
    bad = np.isnan(list(errors.values()))
    values: dict[str, Any] = {
        "index": list(errors),
        "replicate": 0,
        "state": np.where(bad, "diverged", "complete"),
        "reason": None,
        "error": list(errors.values()),
        "test_images": 200,
    }
    return pd.DataFrame(values | columns)


def full_of(full: pd.DataFrame, proxy: pd.DataFrame, study: FullStudy = STUDY) -> Any:
    curves = pd.DataFrame({"index": full["index"], "replicate": full["replicate"], "epoch": 300})
    return full_trainings(study, full, curves, proxy)


PROXY = trainings({k: 0.1 * (k + 1) for k in range(8)})


def test_a_full_training_stands_beside_its_networks_proxy() -> None:
    first, second = full_of(trainings({1: 0.05, 4: float("nan")}, reason="NaN"), PROXY)
    assert (first.index, first.error, first.proxy, first.epochs) == (1, 0.05, 0.2, 300)
    assert (second.state, second.error, second.interval) == ("diverged", None, None)
    assert json_row(second)["error"] is None


def test_the_interval_is_the_exact_one_of_the_held_out_images() -> None:
    (training,) = full_of(trainings({1: 0.0}), PROXY)
    assert training.interval.lower == 0
    assert training.interval.upper == pytest.approx(1 - 0.025 ** (1 / 200))
    assert "(n = 200)" in table_row(training)["interval"]


def test_a_proxy_training_that_has_not_ended_is_no_pair() -> None:
    (training,) = full_of(trainings({9: 0.1}), PROXY)
    assert training.proxy is None
    (found,) = agreements([training], PROXY)
    assert found.indices == ()
    assert found.needed == MINIMUM_NETWORKS


@pytest.mark.parametrize("n", range(1, MINIMUM_NETWORKS + 1))
def test_it_says_how_many_more_are_needed(n: int) -> None:
    full = full_of(trainings({k: 0.01 * (k + 1) for k in range(n)}), PROXY)
    (found,) = agreements(full, PROXY)
    assert found.needed == MINIMUM_NETWORKS - n
    if found.needed:
        assert found.tau is None
        assert f"{found.needed} more must be trained fully" in found.sentences[0]
    else:
        assert found.tau is not None
        assert found.tau.value == 1
        assert f"n = {n}" in found.sentences[0]


def test_tau_is_kendalls_over_first_seeds_with_bad_ends_worst() -> None:
    errors = {0: 0.3, 1: 0.2, 2: 0.1, 3: 0.4, 4: float("nan")}
    full = pd.concat([trainings(errors), trainings({0: 0.01}, replicate=1)])
    (found,) = agreements(full_of(full, PROXY), PROXY)
    assert found.tau is not None
    assert found.tau.value == pytest.approx((7 - 3) / 10)  # three pairs among 0, 1, 2 are turned
    assert found.tau.lower < found.tau.value < found.tau.upper
    assert {row["n"] for row in found.rows()} == {5}


def test_it_says_that_the_networks_were_selected_and_how() -> None:
    full = full_of(trainings({0: 0.1, 1: 0.2, 7: 0.3}), PROXY)
    (found,) = agreements(full, PROXY)
    assert (found.top, found.surveyed) == (2, 8)
    assert "2 of these 3 are among its 3 best of 8" in found.sentences[1]
    assert "no random sample" in found.sentences[1]


def test_errors_that_do_not_differ_give_no_correlation() -> None:
    (found,) = agreements(full_of(trainings(dict.fromkeys(range(6), 0.5)), PROXY), PROXY)
    assert found.tau is None
    assert found.needed == 0
    assert "do not differ" in found.sentences[0]


def test_full_trainings_of_two_kinds_are_not_mixed() -> None:
    other = FullStudy(name="toy-full-2", data="toy", initial="timm:convnext_tiny")
    rows: list[FullTraining] = [
        *full_of(trainings({0: 0.1, 1: 0.2}), PROXY),
        *full_of(trainings({0: 0.1}), PROXY, other),
    ]
    assert [(a.study, a.indices) for a in agreements(rows, PROXY)] == [
        (STUDY, (0, 1)),
        (other, (0,)),
    ]
