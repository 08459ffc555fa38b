from __future__ import annotations

import numpy as np
import pandas as pd

from dse.analysis.population import capped, outcomes


def test_a_network_that_ended_badly_is_worse_than_every_error_or_in_a_mean_one_that_guesses():
    rows = pd.DataFrame(
        {
            "state": ["complete", "diverged", "complete", "failed"],
            "error": [0.95, np.nan, 0.2, np.nan],
            "classes": [10, 10, 4, 4],
        }
    )
    assert outcomes(rows).tolist() == [0.95, np.inf, 0.2, np.inf]
    assert capped(rows).tolist() == [0.95, 0.9, 0.2, 0.75]
