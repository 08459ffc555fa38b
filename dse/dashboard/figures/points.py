"""Which networks of a large population are drawn as points; every number is still of all."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dse.analysis.population import outcomes

MOST_DRAWN: Final = 2000
MOST_IN_SMALL: Final = 600
"""In each of many small panels."""
_GOLDEN: Final = (5**0.5 - 1) / 2


def drawn(
    rows: pd.DataFrame, *, always: Collection[int] = (), most: int = MOST_DRAWN
) -> NDArray[np.bool_]:
    """Which of `rows` (n, one a network) are drawn: at most `most`, as evenly as may be by index.

    The network of the least and of the largest error are among them, and those with an index in
    `always` (which may be more than `most`). It is the same for any order of the rows, and a
    network that is not drawn will not be when more have come, but for these.
    """
    index = rows["index"].to_numpy(dtype=np.int64)
    if len(index) <= most:
        return np.ones(len(index), dtype=np.bool_)
    chosen = np.isin(index, list(always)) | _extremes(rows)
    # Multiples of the golden ratio: even, and in step with no list of all combinations of choices.
    order = np.lexsort((index, index * _GOLDEN % 1))
    rest = order[~chosen[order]]
    chosen[rest[: max(most - int(chosen.sum()), 0)]] = True
    return chosen


def equal_share(sizes: Sequence[int], most: int = MOST_DRAWN) -> int:
    """So many networks of each of several studies are drawn, so that it is at most `most` in all.

    What a small study leaves goes to the others.
    """
    left, share = most, 0
    for number, size in enumerate(sorted(sizes)):
        share = left // (len(sizes) - number)
        if size > share:
            break
        left -= size
        share = most
    return max(share, 1)


def drawn_words(shown: int, n: int) -> str:
    """What a page says where not all networks are drawn; empty where they are."""
    if shown >= n:
        return ""
    return f"{shown:,} of {n:,} networks drawn; every number is of all."


def _extremes(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """The first network of the least and of the largest error, where any has one."""
    errors = outcomes(rows)
    ends = np.zeros(len(errors), dtype=np.bool_)
    known = np.flatnonzero(np.isfinite(errors))
    if known.size:
        known = known[np.argsort(rows["index"].to_numpy()[known], kind="stable")]
        ends[known[[np.argmin(errors[known]), np.argmax(errors[known])]]] = True
    return ends
