"""Control variates, prediction-powered estimates and finalists."""

from __future__ import annotations

import numpy as np

from dse.analysis.efficient.control import Measured, adjusted_difference, adjusted_mean
from dse.analysis.efficient.features import paper_features
from dse.analysis.efficient.finalists import confirm_finalists
from dse.analysis.efficient.predicted import predicted_mean, predicted_quantile
from speed_cases.trials import Speed, Trials


def measured(trials: Trials, part: slice) -> Measured:
    """Choices one-hot and logarithms of the costs."""
    x = np.column_stack(
        [
            *(trials.layers == 1).T,
            *(trials.layers == 2).T,
            np.log(trials.flops),
            np.log(trials.params),
        ]
    )
    return Measured(
        features=x[part], outcomes=np.log(trials.errors[part]), space_means=x.mean(axis=0)
    )


def difference(trials: Trials) -> object:
    """Of two halves."""
    half = len(trials.errors) // 2
    return adjusted_difference(measured(trials, slice(half)), measured(trials, slice(half, None)))


def cheap(trials: Trials) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Half of all under the dear proxy, all under one that is biased."""
    rows = np.arange(len(trials.errors) // 2)
    return trials.errors[rows], 0.1 + 0.8 * trials.errors, rows


def finalists(trials: Trials) -> object:
    """A thousand of them, ten fresh seeds each."""
    fresh = trials.errors[:10_000].reshape(1000, 10)
    return confirm_finalists(fresh[:, 0], fresh, [str(i) for i in range(1000)])


CASES = (
    Speed(name="adjusted mean", run=lambda trials: adjusted_mean(measured(trials, slice(None)))),
    Speed(name="adjusted difference", run=difference),
    Speed(name="features on paper", run=lambda trials: paper_features([trials.population])),
    Speed(name="prediction-powered mean", run=lambda trials: predicted_mean(*cheap(trials))),
    Speed(
        name="prediction-powered median",
        run=lambda trials: predicted_quantile(*cheap(trials), 0.5),
    ),
    Speed(name="1,000 finalists, 10 fresh seeds each", run=finalists),
)
