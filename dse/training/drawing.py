"""The global generators of Python, NumPy and torch, from which timm draws, started from a key."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np
import torch

ORDER: Final = 0
ITEM: Final = 1
MIXING: Final = 2


@contextmanager
def drawn_from(*key: int) -> Iterator[None]:
    """Within this context the generators start from `key`; afterwards they go on as before.

    Of torch it is the CPU's generator alone.
    """
    states = random.getstate(), np.random.get_state(), torch.default_generator.get_state()
    seeds = np.random.SeedSequence(key).generate_state(3)
    try:
        random.seed(int(seeds[0]))
        np.random.seed(int(seeds[1]))
        torch.default_generator.manual_seed(int(seeds[2]))
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.default_generator.set_state(states[2])
