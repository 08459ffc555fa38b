from __future__ import annotations

from itertools import pairwise

import pytest

from dse.study.search.loop import run
from dse.study.search.rungs import REDUCTION, rungs
from tests.study.search.fake import EPOCHS, FakeTrainings, NoBoard, curve, make_search


@pytest.mark.parametrize("pruner", ["halving", "hyperband"])
@pytest.mark.parametrize("epochs", [1, 2, 4, 27, 28, 100, 300])
def test_rungs_are_epochs_before_the_last_ever_further_apart(pruner: str, epochs: int) -> None:
    found = rungs(pruner, epochs)
    assert found == sorted(set(found))
    assert all(1 <= epoch < epochs for epoch in found)
    assert all(b == REDUCTION * a for a, b in pairwise(found))
    assert (found == []) is (epochs == 1)


@pytest.mark.parametrize("pruner", ["halving", "hyperband"])
def test_stopped_networks_were_no_better_than_the_third_that_goes_on(pruner: str) -> None:
    trainings = FakeTrainings()
    found = run(make_search(networks=48, pruner=pruner), trainings, NoBoard())
    states = {each.told.state for each in found}
    assert states == {"complete", "stopped"}
    errors = [curve(each.asked.architecture) for each in found]
    first = rungs(pruner, EPOCHS)[0]
    for number, each in enumerate(found):
        if each.told.state == "stopped" and max(each.told.curve) == first:
            better = sum(errors[k][first] < errors[number][first] for k in range(number))
            assert better >= 1  # so it is not in the best third of those before it
    epochs = sum(max(each.told.curve) for each in found)
    assert epochs == len(trainings.trained) < 0.75 * 48 * EPOCHS


def test_a_good_network_reaches_the_end() -> None:
    found = run(make_search(networks=48, pruner="halving"), FakeTrainings(), NoBoard())
    best = min(found, key=lambda each: curve(each.asked.architecture)[EPOCHS])
    assert best.told.state == "complete"


def test_halving_decides_as_its_rule_says() -> None:
    found = run(make_search(networks=24, pruner="halving"), FakeTrainings(), NoBoard())
    first: list[float] = []
    for each in found:
        error = each.told.curve[1]
        first.append(error)
        best = sorted(first)[max(0, len(first) // REDUCTION - 1)]
        assert (max(each.told.curve) > 1) is (error <= best)


def test_a_network_that_ends_badly_is_out_of_the_contest() -> None:
    trainings = FakeTrainings(bad={0: "diverged"})
    found = run(make_search(networks=8, pruner="halving"), trainings, NoBoard())
    assert found[0].told.state == "diverged"
    assert [copy for number, _, copy in trainings.trained if number == 0] == [1]
