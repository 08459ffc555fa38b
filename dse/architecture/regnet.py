"""RegNet's widths (Radosavovic et al. 2020, section 3.3): a line, quantised into stages."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

QUANTUM = 8


def quantized_widths(
    initial: float, slope: float, multiplier: float, depth: int, quantum: int = QUANTUM
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Widths and depths of the stages of a network whose blocks widen along a line.

    Block j would have the width u = initial + slope * j (the paper's equation 2). It has
    initial * multiplier**k, where k is the whole number nearest to log(u / initial) /
    log(multiplier) (equations 3 and 4), as a multiple of `quantum`. Blocks of equal width are a
    stage, and k may leave out numbers.

    >>> quantized_widths(24, 24.48, 2.54, 22)  # RegNetX-400MF
    ((24, 64, 152, 392), (1, 2, 7, 12))

    Args:
        initial: width of the first block.
        slope: what a block is wider than the one before it.
        multiplier: ratio of the widths of neighbouring stages, above 1.
        depth: number of blocks.
        quantum: widths are multiples of this.
    """
    line = (initial + slope * block for block in range(depth))
    ranks = (round(math.log(width / initial) / math.log(multiplier)) for width in line)
    stages = Counter(round(initial * multiplier**rank / quantum) * quantum for rank in ranks)
    return tuple(stages), tuple(stages.values())


def compatible(
    dims: Sequence[int], expansion_ratio: float, group_width: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Widths near `dims` whose hidden widths the groups divide, and the group width of each stage.

    No group is wider than its stage's hidden width, which becomes the nearest multiple of it, and
    of a whole ratio above 1, as in the paper's own code (pycls).

    >>> compatible((24, 64, 152, 392), 1.0, 16)  # RegNetX-400MF
    ((32, 64, 160, 384), (16, 16, 16, 16))
    >>> compatible((48, 96), 0.25, 16)
    ((48, 128), (12, 16))
    """
    widths, groups = [], []
    for dim in dims:
        hidden = max(1, int(expansion_ratio * dim))
        group = min(group_width, hidden)
        unit = math.lcm(group, max(1, int(expansion_ratio)))
        hidden = max(1, round(hidden / unit)) * unit
        widths.append(round(hidden / expansion_ratio))
        groups.append(group)
    return tuple(widths), tuple(groups)
