from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from dse.study.importance import fanova, has_fanova
from tests.analysis.factors.made import factor, made


def test_without_scikit_learn_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert not has_fanova()
    assert fanova(made()) == {}


@pytest.mark.skipif(not has_fanova(), reason="scikit-learn is not installed")
@pytest.mark.parametrize("ordered", [False, True])
def test_the_parameter_that_matters_has_most_of_the_variance(ordered: bool) -> None:
    found = made(200, ordered=ordered)
    shares = fanova(found)
    assert shares.keys() == {each.name for each in found.factors}
    assert shares["p0"] > 0.5 > shares["p1"] > shares["p3"]
    assert sum(shares.values()) == pytest.approx(1)
    assert fanova(found) == shares


@pytest.mark.skipif(not has_fanova(), reason="scikit-learn is not installed")
def test_one_parameter_has_nothing_to_share_with() -> None:
    from dse.analysis.factors.levels import Networks

    one = Networks(outcome=np.arange(9.0), factors=(factor(np.arange(9) % 2),))
    assert fanova(one) == {}
