from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from dse.analysis.population import LEAST, capped, least_error, outcomes


def test_a_network_that_ended_badly_is_worse_than_every_error_or_in_a_mean_one_that_guesses():
    rows = pd.DataFrame(
        {
            "state": ["complete", "diverged", "complete", "failed"],
            "error": [0.95, np.nan, 0.2, np.nan],
            "classes": [10, 10, 4, 4],
        }
    )
    assert outcomes(rows).tolist() == [0.95, np.inf, 0.2, np.inf]
    assert capped(outcomes(rows), rows["classes"]).tolist() == [0.95, 0.9, 0.2, 0.75]


def test_what_a_bad_end_counts_as_depends_on_no_other_network():
    assert capped([0.2, np.inf], 10).tolist() == [0.2, 0.9]
    assert capped([0.95, np.inf], 10).tolist() == [0.95, 0.9]


@pytest.mark.parametrize("unknown", [0, np.nan])
def test_without_known_classes_it_counts_as_the_largest_error_there_is(unknown):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert capped([0.3, np.inf], unknown).tolist() == [0.3, 1.0]


def test_an_error_of_none_counts_as_half_a_held_out_image():
    assert least_error(pd.DataFrame({"test_images": [2000, 2000]})) == 0.5 / 2000
    for unknown in (pd.DataFrame({"test_images": [0]}), pd.DataFrame({"test_images": []})):
        assert least_error(unknown) == LEAST
