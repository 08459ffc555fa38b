"""The distribution of a population's errors: EDF, quantiles, and how good the best one is.

Networks that diverged, ran out of memory or failed are counted in n and are never below an
error: the EDF levels off below 1, and a quantile that falls among them is infinite.
"""

from dse.analysis.distributions.bands import BandKind
from dse.analysis.distributions.best_of import BestOf, best_of, median_best_of, share_beyond_best
from dse.analysis.distributions.censored import (
    BoundedEdf,
    PartlyKnown,
    kaplan_meier,
    partly_known,
    worst_case_edf,
)
from dse.analysis.distributions.edf import Edf, edf, effective_n, weighted_edf
from dse.analysis.distributions.normalised import Normalisation, complexity_weights
from dse.analysis.distributions.quantiles import (
    QUARTILES,
    column_quantiles,
    mean,
    quantile,
    quartiles,
)

__all__ = [
    "QUARTILES",
    "BandKind",
    "BestOf",
    "BoundedEdf",
    "Edf",
    "Normalisation",
    "PartlyKnown",
    "best_of",
    "column_quantiles",
    "complexity_weights",
    "edf",
    "effective_n",
    "kaplan_meier",
    "mean",
    "median_best_of",
    "partly_known",
    "quantile",
    "quartiles",
    "share_beyond_best",
    "weighted_edf",
    "worst_case_edf",
]
