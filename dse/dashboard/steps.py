"""Networks of a study that are steps of the ConvNeXt paper's walk, at its widths or at others."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy import stats

from dse.analysis.order.game import Game, game
from dse.analysis.order.walk import Walk
from dse.analysis.population import ENDED_STATES, capped, outcomes
from dse.architecture.roadmap import ROADMAPS, Step
from dse.architecture.roadmap_steps import (
    NEEDS,
    NUMBERS,
    RESNET50,
    RESNET200,
    STEPS,
    Start,
    applied,
)
from dse.architecture.spec import Architecture
from dse.dashboard.view import StudyData

STARTS: Final[Mapping[str, Start]] = {"resnet50": RESNET50, "resnet200": RESNET200}
FEWEST_ROWS: Final = 2


@dataclass(frozen=True, kw_only=True)
class Walked:
    """A study of roadmap networks.

    Attributes:
        start: where the walk starts, a key of `ROADMAPS`.
        at_own_widths: whether the networks are those of the paper; else widths were solved for.
        steps: that some networks have taken and others have not, in the order of the paper.
        trained: one row a training: a true-or-false column for each of `STEPS`, `number` of the
            side branch it is (0 for none), `outcome`, `classes`, `flops`.
        seed_std: standard deviation of a training by its seed [error fraction] with its degrees of
            freedom, by networks that were trained again at random; None where it is not known.
    """

    start: str
    at_own_widths: bool
    steps: tuple[str, ...]
    trained: pd.DataFrame
    seed_std: tuple[float, int] | None

    @cached_property
    def game(self) -> Game:
        """The error with each set of steps, its seed noise by networks trained again at random."""
        needs = {
            step: NEEDS[step] & set(self.steps)
            for step in self.steps
            if NEEDS.get(step, frozenset()) & set(self.steps)
        }
        on_walk = self.trained[self.trained["number"] == 0]
        found = game(Walk(steps=self.steps, needs=needs), on_walk)
        if self.seed_std is None:
            return found
        std, degrees = self.seed_std
        return dataclasses.replace(found, seed_variance=std**2, degrees=degrees)

    def path(self) -> pd.DataFrame:
        """The rows of the paper's Table 10 that were trained, in its order.

        `number`, `name`, `is_side`, `error` with `lower` and `upper` [fraction; NaN where the seed
        noise is not known], `n` trainings, `flops`, and what the paper prints: `printed_gflops`,
        `printed_error` and `printed_std` [fraction], NaN where it prints none.
        """
        rows = [self._row(step, chosen) for step, chosen in self._chosen() if len(chosen)]
        return pd.DataFrame(rows)

    def _chosen(self) -> list[tuple[Step, pd.DataFrame]]:
        by_number = {step.number: step for step in ROADMAPS[self.start]}
        sides = sorted(set(by_number) - {0, 1, *NUMBERS})
        numbers = sorted([1, *NUMBERS, *(sides if self.at_own_widths else [])])
        found, taken = [], set()
        for number in numbers:
            if number in sides:
                found.append((by_number[number], self.trained[self.trained["number"] == number]))
                continue
            step = STEPS[NUMBERS.index(number)] if number > 1 else None
            if step is not None:
                taken.add(step)
            if step is None or step in self.steps:
                on = [name in taken for name in self.steps]
                same = (self.trained[list(self.steps)] == on).all(axis=1)
                found.append(
                    (by_number[number], self.trained[same & (self.trained["number"] == 0)])
                )
        return found

    def _row(self, step: Step, chosen: pd.DataFrame) -> dict[str, Any]:
        n, error, half = len(chosen), float(chosen["capped"].mean()), float("nan")
        if self.seed_std is not None:
            std, degrees = self.seed_std
            half = float(stats.t.ppf(0.975, degrees)) * std / np.sqrt(n)
        nan = float("nan")
        printed = step.printed_top1
        return {
            "number": step.number,
            "name": step.name,
            "is_side": step.number not in (1, *NUMBERS),
            **{"error": error, "lower": error - half, "upper": error + half, "n": n},
            "flops": float(chosen["flops"].mean()),
            "printed_gflops": step.printed_gflops if step.printed_gflops else nan,
            "printed_error": 1 - printed / 100 if printed else nan,
            "printed_std": (step.printed_top1_std or nan) / 100,
        }


def walked(study: StudyData) -> Walked | None:
    """What of the walk a study has trained; None where any of its networks is not of the walk."""
    rows = _trainings(study)
    if rows.empty or "architecture" not in rows:
        return None
    for name, start in STARTS.items():
        sets, numbers, own = _recognised(rows, name, start)
        if sets is None:
            continue
        table = pd.DataFrame(
            [[step in each for step in STEPS] for each in sets], columns=list(STEPS)
        )
        steps = _varied(table[[number == 0 for number in numbers]])
        if not steps:
            continue
        trained = table.assign(
            number=numbers,
            outcome=outcomes(rows),
            capped=capped(outcomes(rows), rows["classes"]),
            classes=rows["classes"].to_numpy(),
            flops=rows["flops"].to_numpy(dtype=np.float64),
        )
        return Walked(
            start=name, at_own_widths=own, steps=steps, trained=trained, seed_std=_noise(study)
        )
    return None


def _trainings(study: StudyData) -> pd.DataFrame:
    """All that have ended where every network has as many seeds, else the first of each network.

    Seeds that only chosen networks were given would make these look worse than they are.
    """
    ended = study.population[study.population["state"].isin(ENDED_STATES)]
    if ended.groupby("index").size().nunique() > 1:
        ended = study.networks
    return ended.reset_index(drop=True)


def _recognised(
    rows: pd.DataFrame, name: str, start: Start
) -> tuple[list[frozenset[str]] | None, list[int], bool]:
    """The steps of each training's network, its side branch or 0, and whether as the paper's."""
    sides = {
        step.architecture: step.number
        for step in ROADMAPS[name]
        if step.number > 1 and step.number not in NUMBERS
    }
    known: dict[str, tuple[frozenset[str], int, bool]] = {}
    keys = []
    for data in rows["architecture"]:
        key = json.dumps(data, sort_keys=True, default=str)
        keys.append(key)
        if key in known:
            continue
        if "depths" not in data or tuple(data["depths"]) not in (start.depths, start.ratio):
            return None, [], False
        a = Architecture.from_dict(data)
        if a in sides:
            known[key] = (frozenset(), sides[a], True)
            continue
        taken = applied(start, a)
        if taken is None:
            return None, [], False
        known[key] = (taken, 0, _is_own(name, a))
    found = [known[key] for key in keys]
    own = sum(each[2] for each in known.values()) >= FEWEST_ROWS
    return [each[0] for each in found], [each[1] for each in found], own


def _is_own(name: str, a: Architecture) -> bool:
    return any(step.architecture == a for step in ROADMAPS[name])


def _varied(table: pd.DataFrame) -> tuple[str, ...]:
    """The steps in which networks differ, but kernel size 5 where it only comes with 7."""
    steps = [step for step in STEPS if table[step].nunique() > 1]
    if "kernel size 7" in steps and (table["kernel size 5"] == table["kernel size 7"]).all():
        steps.remove("kernel size 5")
    return tuple(steps)


def _noise(study: StudyData) -> tuple[float, int] | None:
    found = study.summary.reliability if study.summary else None
    if found is None or found.seed_std is None:
        return None
    return found.seed_std.value, found.seed_std.n * (found.seeds - 1)
