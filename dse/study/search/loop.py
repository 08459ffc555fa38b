"""The search: generation after generation, from the first, whatever has been done before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from dse.study.search.asking import ask
from dse.study.search.history import History
from dse.study.search.plan import Search
from dse.study.search.records import Asked, Found, Told, Trainings
from dse.study.search.rungs import Ladder


class Board(Protocol):
    """Shows a search to others while it runs; nothing is ever read back from it."""

    def begin(self, asked: Sequence[Asked]) -> AbstractContextManager[None]:
        """Show networks as running, with signs of life for as long as the context lasts."""
        ...

    def tell(self, found: Sequence[Found]) -> None:
        """Show what has become of them."""
        ...


def run(
    search: Search,
    trainings: Trainings,
    board: Board,
    *,
    warm: Sequence[Found] = (),
    on_generation: Callable[[Sequence[Found]], None] = lambda found: None,
) -> list[Found]:
    """Do a search, or what is still missing of it.

    The same inputs give the same networks for any number of workers and after any number of kills,
    and a longer search has the networks of a shorter one: what a generation asks for depends on
    the generations before it alone. A killed search begins again at its first generation, and
    finds there what was asked for and trained, so that there is no other way through it.

    Args:
        search: what is looked for; more networks that `trainings` has already are trained too.
        trainings: keeps and trains the networks.
        board: shows them.
        warm: trainings of a survey, in the same order each time.
        on_generation: called with all that was found so far.

    Returns:
        every network with its first training, by number.
    """
    stored = list(trainings.asked())
    networks = max(search.networks, len(stored))
    ladder = Ladder(study=search.name, pruner=search.pruner, epochs=search.proxy.epochs)
    found: list[Found] = []
    for start in range(0, networks, search.generation):
        stop = min(start + search.generation, networks)
        asked = stored[start:stop]
        if len(asked) < stop - start:
            history = History(search=search, warm=warm, found=tuple(found))
            new = ask(history, start // search.generation)[len(asked) : stop - start]
            trainings.add(new)
            asked += new
        with board.begin(asked):
            told = ladder.train(asked, trainings)
        new_found = [Found(asked=a, told=t) for a, t in zip(asked, told, strict=True)]
        board.tell(new_found)
        found += new_found
        on_generation(found)
    return found


def finalists(search: Search, found: Sequence[Found]) -> list[int]:
    """The networks that get a fresh seed: those with the lowest first errors."""
    whole = [each for each in found if each.told.error is not None]
    whole.sort(key=lambda each: (each.told.error, each.asked.number))
    return [each.asked.number for each in whole[: search.finalists]]


def retrain(search: Search, found: Sequence[Found], trainings: Trainings) -> list[Told]:
    """Train the finalists from a fresh seed, or those that still need it."""
    return list(trainings.train(finalists(search, found), replicate=1))
