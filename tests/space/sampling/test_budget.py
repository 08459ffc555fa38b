from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.errors import UserError
from dse.space.sampling.budget import METRICS, Budget, Limit


def test_the_window_is_symmetric_around_the_target() -> None:
    budget = Budget.parse("4.5GFLOPs", tolerance="2%")
    assert budget.window == pytest.approx((4.41e9, 4.59e9))
    assert budget.contains(4.41e9 + 1)
    assert not budget.contains(4.4e9)
    assert str(budget) == "4.500 GFLOPs ± 2 % at 224 px"


def test_a_range_is_a_target_with_its_own_tolerance() -> None:
    budget = Budget.parse("360-400MFLOPs", tolerance="1%")
    assert budget.target == pytest.approx(380e6)
    assert budget.window == pytest.approx((360e6, 400e6))


def test_several_terms_are_one_target_and_limits_in_a_fixed_order() -> None:
    texts = ["memory<=200MB", "params = 25M", "flops<=5GFLOPs", "latency<=5ms"]
    budget = Budget.parse(texts, resolution=160)
    assert (budget.metric, budget.target, budget.resolution) == ("params", 25e6, 160)
    assert [(limit.metric, limit.most) for limit in budget.limits] == [
        ("flops", 5e9),
        ("latency", 0.005),
        ("memory", 200e6),
    ]
    assert [limit.metric for limit in budget.measured] == ["latency", "memory"]
    assert str(budget) == (
        "25.000 M params ± 1 % at 160 px, flops at most 5.000 GFLOPs, latency at most 5 ms for "
        "one image in float32, as measured, memory at most 200.000 MB for one image in float32, "
        "as measured"
    )


@given(
    target=st.floats(1e3, 1e15),
    metric=st.sampled_from(("flops", "params", "activations")),
    limits=st.lists(st.sampled_from(METRICS), unique=True),
)
def test_a_budget_survives_the_store(target: float, metric: str, limits: list[str]) -> None:
    kept = tuple(Limit(metric=name, most=target) for name in limits)
    budget = Budget(target=target, metric=metric, limits=kept)
    assert Budget.from_dict(budget.to_dict()) == budget


def test_a_budget_of_the_first_version_is_still_read() -> None:
    stored = {"flops": 4.5e9, "tolerance": 0.01, "resolution": 224}
    assert Budget.from_dict(stored) == Budget.parse("4.5GFLOPs")


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        ("4.5", "write a positive number with FLOPs"),
        ("4.5GB", "write a positive number with FLOPs"),
        ("speed=3M", "'speed=3M': write 4.5GFLOPs, or flops, params"),
        ("latency=5ms", "or latency<=5ms"),
        ("latency<=5", "positive number with ms, such as 5ms"),
        ("params<=30M", "give exactly one target, such as 4.5GFLOPs .* not 0"),
        (["4.5GFLOPs", "params=25M"], "not 2"),
        (["4.5GFLOPs", "params<=2M", "params<=3M"], "one limit for each metric"),
        ("400-360MFLOPs", "the range must rise"),
        ("0GFLOPs", "write a positive number"),
    ],
)
def test_what_is_no_budget_is_refused(texts: str | list[str], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        Budget.parse(texts)


def test_a_resolution_out_of_range_is_refused() -> None:
    with pytest.raises(UserError, match="resolution must be from 16 to 4096 pixels, not 8"):
        Budget(target=1e9, resolution=8)
