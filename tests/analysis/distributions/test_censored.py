from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.analysis.distributions import (
    PartlyKnown,
    edf,
    kaplan_meier,
    partly_known,
    worst_case_edf,
)

INF = np.inf
pairs = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted)


def known(values):
    array = np.array(values, dtype=float)
    return PartlyKnown(lower=array, upper=array)


@given(
    bounds=st.lists(pairs, min_size=1, max_size=20),
    place=st.floats(0, 1),
    at=st.floats(-0.1, 1.1),
)
def test_whatever_the_unknown_errors_are_their_edf_lies_between_the_bounds(bounds, place, at):
    lower, upper = np.array(bounds).T
    found = worst_case_edf(PartlyKnown(lower=lower, upper=upper))
    errors = np.clip(lower + place * (upper - lower), lower, upper)
    least, most = found.at(at)
    assert least - 1e-12 <= (errors < at).mean() <= most + 1e-12
    low, high = found.band_at(at)
    assert low <= least <= most <= high


def test_bounds_close_where_all_is_known():
    found = worst_case_edf(known([0.2, 0.1, INF]))
    curve = edf([0.1, 0.2], 3)
    assert found.at(0.15) == (curve.at(0.15), curve.at(0.15))
    assert found.band_at(0.15) == curve.band_at(0.15)


def test_states_say_what_is_known_and_the_legend_says_it():
    rows = pd.DataFrame(
        {
            "state": ["complete", "diverged", "running", "stopped", "failed", "waiting"],
            "error": [0.3, np.nan, np.nan, np.nan, np.nan, np.nan],
        }
    )
    found = partly_known(rows)
    assert found.lower.tolist() == [0.3, INF, 0, 0, INF, 0]
    assert found.upper.tolist() == [0.3, INF, INF, INF, INF, INF]
    assert worst_case_edf(found).words == (
        "n = 6, of these 2 ended badly and count as worse than every error; "
        "3 not or only partly known: curve and band by bounds"
    )


def test_kaplan_meier_gives_a_cut_off_training_to_those_above_it():
    # By hand: 1/4 below 0.1; one cut off at 0.2 leaves two; half of the rest each.
    found = kaplan_meier(
        PartlyKnown(lower=np.array([0.1, 0.2, 0.3, 0.4]), upper=np.array([0.1, INF, 0.3, 0.4]))
    )
    assert found.errors.tolist() == [0.1, 0.3, 0.4]
    assert found.fraction == pytest.approx([0.25, 0.625, 1])
    assert found.band_words == "95 % pointwise band (Kaplan-Meier, Greenwood)"


@given(
    errors=st.lists(st.floats(0, 1), min_size=1, max_size=30),
    bad=st.integers(0, 5),
    unknown=st.integers(0, 5),
)
def test_kaplan_meier_is_the_edf_of_the_known_where_nothing_is_bounded_partly(errors, bad, unknown):
    lower = np.array([*errors, *[INF] * bad, *[0.0] * unknown])
    upper = np.array([*errors, *[INF] * bad, *[INF] * unknown])
    found, plain = (
        kaplan_meier(PartlyKnown(lower=lower, upper=upper)),
        edf(errors, len(errors) + bad),
    )
    if 0.0 in errors:  # an unknown one is then cut off at an error, and not before all
        return
    np.testing.assert_allclose(found.errors, plain.errors)
    np.testing.assert_allclose(found.fraction, plain.fraction)
    assert (found.lower <= found.fraction + 1e-12).all()
    assert (found.fraction <= found.upper + 1e-12).all()


def test_kaplan_meiers_band_covers_where_cutting_off_says_nothing():
    rng, held, truth = np.random.default_rng(0), 0, 0.3
    for _ in range(600):
        errors, cut = rng.random(80), 2 * rng.random(80)
        outcomes = PartlyKnown(
            lower=np.minimum(errors, cut), upper=np.where(errors <= cut, errors, INF)
        )
        low, high = kaplan_meier(outcomes).band_at(truth)
        held += low <= truth <= high
    assert 0.93 <= held / 600 <= 0.975


def test_an_outcome_bounded_from_above_is_none_of_kaplan_meiers():
    with pytest.raises(AssertionError, match="below alone"):
        kaplan_meier(PartlyKnown(lower=np.array([0.1, 0.1]), upper=np.array([0.1, 0.5])))
