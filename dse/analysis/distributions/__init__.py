"""The distribution of a population's errors: EDF, quantiles, and how good the best one is.

Networks that diverged, ran out of memory or failed are counted in n and are never below an
error: the EDF levels off below 1, and a quantile that falls among them is infinite.
"""

from dse.analysis.distributions.bands import BandKind
from dse.analysis.distributions.best_of import BestOf, best_of, share_beyond_best
from dse.analysis.distributions.edf import Edf, edf, effective_n, weighted_edf
from dse.analysis.distributions.quantiles import QUARTILES, mean, quantile, quartiles

__all__ = [
    "QUARTILES",
    "BandKind",
    "BestOf",
    "Edf",
    "best_of",
    "edf",
    "effective_n",
    "mean",
    "quantile",
    "quartiles",
    "share_beyond_best",
    "weighted_edf",
]
