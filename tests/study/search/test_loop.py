from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from dse.architecture import cost
from dse.study.search.loop import finalists, retrain, run
from dse.study.search.plan import Search
from dse.study.search.records import Asked, Found, Told
from tests.study.search.fake import EPOCHS, FakeTrainings, NoBoard, make_search
from tests.study.searched import SPACES

QUICK = ("tpe", "cmaes", "nsga2")


class KilledError(Exception):
    """Ends a search as a kill would."""


class Mortal:
    """Trainings and a board that kill the search before or after one of their steps.

    Attributes:
        real: outlives the kill, as a store does.
        left: steps until the kill.
    """

    def __init__(self, real: FakeTrainings, left: int) -> None:
        self.real, self.left = real, left

    def asked(self) -> list[Asked]:
        return self.real.asked()

    def add(self, asked: Sequence[Asked]) -> None:
        self._step()
        self.real.add(asked)
        self._step()

    def train(
        self, numbers: Sequence[int], *, replicate: int = 0, until_epoch: int | None = None
    ) -> list[Told]:
        options: dict[str, Any] = {"replicate": replicate, "until_epoch": until_epoch}
        for number in reversed(numbers):  # workers end in any order
            self._step()
            self.real.train([number], **options)
        self._step()
        return self.real.train(numbers, **options)

    @contextlib.contextmanager
    def begin(self, asked: Sequence[Asked]) -> Iterator[None]:
        self._step()
        yield
        self._step()

    def tell(self, found: Sequence[Found]) -> None:
        self._step()

    def _step(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise KilledError


def undisturbed(search: Search, **options: Any) -> tuple[FakeTrainings, list[Found]]:
    trainings = FakeTrainings(**options)
    return trainings, run(search, trainings, NoBoard())


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("algorithm", QUICK)
def test_every_network_of_a_search_is_in_the_budget(name: str, algorithm: str) -> None:
    if (name, algorithm) == ("roadmap", "cmaes"):
        pytest.skip("a space without numbers")
    search = make_search(name, algorithm=algorithm, networks=24)
    trainings, found = undisturbed(search)
    assert [each.asked.number for each in found] == list(range(24))
    for each in found:
        counted = cost(each.asked.architecture, resolution=224)
        assert counted == each.asked.cost
        assert search.budget.contains(getattr(counted, search.budget.metric))
    assert trainings.trained == [(n, 0, e) for n in range(24) for e in range(1, EPOCHS + 1)]


def test_a_gaussian_process_asks_for_networks_in_the_budget_and_learns() -> None:
    search = make_search(algorithm="gp", networks=12)
    _, found = undisturbed(search)
    errors = [each.told.curve[EPOCHS] for each in found]
    assert all(search.budget.contains(each.asked.cost.flops) for each in found)
    assert min(errors[8:]) < min(errors[:8])


@pytest.mark.parametrize(
    ("algorithm", "space", "options"),
    [
        ("tpe", "convnext", {}),
        ("tpe", "convnext", {"pruner": "halving"}),
        ("tpe", "other priors", {"pruner": "hyperband", "generation": 3}),
        ("cmaes", "conditions", {"generation": 4}),
        ("nsga2", "convnext", {"generation": 4, "objectives": ("error", "params")}),
        ("nsga2", "other priors", {"generation": 4}),
    ],
)
def test_a_search_that_is_killed_at_any_step_ends_as_an_undisturbed_one(
    algorithm: str, space: str, options: dict[str, Any]
) -> None:
    search = make_search(space, algorithm=algorithm, networks=9, **options)
    whole, found = undisturbed(search, bad={3: "diverged"})
    for left in range(1, 1000):
        trainings = FakeTrainings(bad={3: "diverged"})
        mortal = Mortal(trainings, left)
        try:
            again = run(search, mortal, mortal)
        except KilledError:
            again = run(search, trainings, NoBoard())
        else:
            assert left > 20
            break
        assert trainings.texts == whole.texts
        assert again == found
        assert sorted(trainings.trained) == sorted(whole.trained)  # nothing is trained twice


def test_a_search_that_is_killed_again_and_again_ends_as_an_undisturbed_one() -> None:
    search = make_search(networks=16, pruner="halving")
    whole, found = undisturbed(search)
    trainings, lives = FakeTrainings(), 0
    while True:
        lives += 1
        mortal = Mortal(trainings, lives)
        with contextlib.suppress(KilledError):
            assert run(search, mortal, mortal) == found
            break
    assert lives > 20
    assert trainings.texts == whole.texts
    assert sorted(trainings.trained) == sorted(whole.trained)


@pytest.mark.parametrize("algorithm", QUICK)
@pytest.mark.parametrize("pruner", ["none", "halving", "hyperband"])
def test_a_longer_search_begins_with_the_networks_of_a_shorter_one(
    algorithm: str, pruner: str
) -> None:
    trainings, short = undisturbed(make_search(algorithm=algorithm, pruner=pruner, networks=11))
    _, whole = undisturbed(make_search(algorithm=algorithm, pruner=pruner, networks=20))
    assert whole[:11] == short
    longer = run(make_search(algorithm=algorithm, pruner=pruner, networks=20), trainings, NoBoard())
    assert longer == whole


def test_all_networks_that_were_asked_for_are_trained_though_fewer_are_wanted() -> None:
    trainings, found = undisturbed(make_search(networks=12))
    assert run(make_search(networks=4), trainings, NoBoard()) == found


def test_searches_of_other_seeds_and_algorithms_ask_for_other_networks() -> None:
    first = [
        undisturbed(make_search(networks=4, **options))[1][3].asked.architecture
        for options in ({}, {"seed": 1}, {"algorithm": "cmaes"})
    ]
    assert len(set(first)) == 3


def test_the_best_by_their_first_error_get_a_fresh_seed_once() -> None:
    search = make_search(networks=16, repeat=0.25, pruner="halving")
    trainings, found = undisturbed(search, bad={2: "failed"})
    whole = sorted(
        (each.told.error, each.asked.number) for each in found if each.told.error is not None
    )
    chosen = finalists(search, found)
    assert chosen == [number for _, number in whole[:4]]
    for _ in range(2):
        assert [told.number for told in retrain(search, found, trainings)] == chosen
    fresh = [(number, epoch) for number, copy, epoch in trainings.trained if copy == 1]
    assert fresh == [(number, epoch) for number in chosen for epoch in range(1, EPOCHS + 1)]


@pytest.mark.parametrize("algorithm", QUICK)
@pytest.mark.parametrize("state", ["diverged", "out_of_memory", "failed"])
def test_a_search_goes_on_after_trainings_that_come_to_nothing(algorithm: str, state: str) -> None:
    bad = dict.fromkeys(range(9), state)
    _, found = undisturbed(make_search(algorithm=algorithm, networks=24), bad=bad)
    assert [each.told.state for each in found] == [state] * 9 + ["complete"] * 15


def test_the_search_tells_what_it_has_found_after_each_generation() -> None:
    seen: list[int] = []
    search = make_search(networks=20)
    run(
        search,
        FakeTrainings(),
        NoBoard(),
        on_generation=lambda found: seen.append(len(found)),
    )
    assert seen == [8, 16, 20]
