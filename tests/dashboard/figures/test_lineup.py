from __future__ import annotations

import numpy as np
import pytest

from dse.dashboard.figures.lineup import lineup

NARROW = {"depths": [1, 1, 2, 1], "dims": [10, 20, 40, 80]}
WIDE = {"depths": [3, 3, 9, 3], "dims": [20, 40, 80, 160]}


def test_each_network_is_a_row_of_blocks_at_one_scale():
    narrow, wide = lineup([("first <b>", NARROW), ("second", WIDE)]).data
    assert (len(narrow.x), len(wide.x)) == (5, 18)
    assert np.asarray(wide.y)[[0, -1]] / np.asarray(narrow.y)[[0, -1]] == pytest.approx([2, 2])
    assert max(np.asarray(narrow.base) + narrow.y) < min(wide.base)


def test_blocks_of_a_row_lie_side_by_side_without_overlap():
    wide = lineup([("", WIDE)]).data[0]
    ends = np.asarray(wide.x) + wide.width / 2
    assert (np.asarray(wide.x)[1:] - wide.width / 2 > ends[:-1]).all()


def test_each_row_says_which_network_it_is():
    texts = [note.text for note in lineup([("1. <x>", NARROW), ("2.", WIDE)]).layout.annotations]
    assert texts[0] == "<b>1. &lt;x&gt;</b><br>1-1-2-1 × 10-20-40-80"
    assert len(texts) == 2
