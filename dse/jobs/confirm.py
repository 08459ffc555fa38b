"""The finalists of a survey or a search, trained again with fresh seeds: who is really the best?"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from rich.console import Console

from dse.analysis.efficient.finalists import Confirmation, confirm_finalists
from dse.analysis.estimate import Estimate, FloatArray
from dse.analysis.population import ENDED_STATES, OWN_SEEDS, outcomes
from dse.analysis.ranking import Ranked
from dse.analysis.summary import EMBEDDED_SENTENCE
from dse.errors import UserError
from dse.jobs.conclude import load_conclusion, logs_of, place_of
from dse.jobs.conclude_search import load_search
from dse.jobs.survey import machine_text, make_console
from dse.store.lock import store_lock
from dse.store.records import StudyRecord, TrialRecord, kind_words
from dse.store.store import Store
from dse.store.target import Place, Target, parse_target
from dse.study.crew import make_crew
from dse.study.launching import Launching
from dse.study.plan import random_repeats, survey_trial
from dse.study.progress import make_progress
from dse.study.search.plan import search_trial
from dse.units import format_duration

TRIALS: Final[dict[str, Callable[[int, int, int], TrialRecord]]] = {
    "survey": survey_trial,
    "search": search_trial,
}
"""How a study of each kind derives the seed of a training."""


@dataclass(frozen=True, kw_only=True)
class Confirmed:
    """Finalists with their fresh seeds, and what these say.

    Attributes:
        store: where the store is.
        study: the survey or search.
        finalists: the networks, in the order of the study's own ranking.
        found: what the fresh seeds say of them, the lowest fresh mean first.
        notes: what that rests on.
    """

    store: Target
    study: StudyRecord
    finalists: tuple[Ranked, ...]
    found: Confirmation
    notes: tuple[str, ...]

    def rows(self) -> list[dict[str, Any]]:
        """A finalist a row as plain values; errors are fractions."""
        ranked = {network.called: network for network in self.finalists}
        told = self.found.to_dict()
        return [
            {
                "study": self.study.name,
                "kind": self.study.kind,
                "network": ranked[row["name"]].index,
                "rank_before": ranked[row["name"]].rank,
                **row,
                "confidence": self.found.confidence,
                "noise": self.found.noise,
                "degrees": self.found.degrees,
                "sentence": sentence,
                "conclusion": self.found.conclusion,
                "architecture": ranked[row["name"]].architecture,
            }
            for row, sentence in zip(told["finalists"], self.found.sentences, strict=True)
        ]


def confirm_job(
    *,
    store: Place,
    study: str | None = None,
    top: int = 5,
    seeds: int = 3,
    launching: Launching | None = None,
) -> Confirmed:
    """Train the `top` finalists of a finished study with fresh `seeds`, or what is still missing.

    Fresh seeds are replicates from `OWN_SEEDS` on: no statistic and no ranking of the study counts
    them, so that the finalists stay the same however often they are confirmed.

    Raises:
        UserError: the study is not finished, or can have no finalists; nothing was started.
    """
    launching = launching or Launching()
    target, console = parse_target(store, study=study), make_console()
    with store_lock(target):
        with Store.open(target) as opened:
            record, population = opened.trainable_study(), opened.population()
        target = parse_target(target, study=record.name)
        require_finished(record, population, target)
        finalists, noise, notes = _finalists(target, record, top)
        trials = [
            TRIALS[record.kind](record.seed, network.index, replicate)
            for replicate in range(OWN_SEEDS, OWN_SEEDS + seeds)
            for network in finalists
        ]
        population = _train(target, trials, launching, console)
    fresh = fresh_errors(population, finalists, seeds)
    found = confirm_finalists(
        np.array([network.first_error for network in finalists]),
        fresh,
        [network.called for network in finalists],
        noise=noise,
    )
    return Confirmed(store=target, study=record, finalists=finalists, found=found, notes=notes)


def require_finished(study: StudyRecord, population: pd.DataFrame, target: Target) -> None:
    """Make sure that the finalists are known, as no training of the study's own is missing.

    Raises:
        UserError: some are, or the study has no finalists.
    """
    if study.kind not in TRIALS:
        raise UserError(
            f"{target}: {study.name!r} is {kind_words(study.kind)}: finalists are those of a "
            "survey or a search."
        )
    own = population[population["replicate"] < OWN_SEEDS]
    open_ = int(own["state"].isin(("waiting", "running")).sum())
    first = own[own["replicate"] == 0]
    best = first.dropna(subset="error").sort_values(["error", "index"])["index"]
    repeats = best.head(random_repeats(study.design["repeat"], len(first)))
    again = set(own.loc[own["replicate"] == 1, "index"])
    open_ += sum(index not in again for index in repeats)
    if open_:
        raise UserError(
            f"{target}: {study.name!r} is not finished ({open_} trainings are to come), so that "
            "its finalists may change: finish it with `dse run` first."
        )


def _finalists(
    target: Target, study: StudyRecord, top: int
) -> tuple[tuple[Ranked, ...], Estimate | None, tuple[str, ...]]:
    """The best networks of a study, its seed noise if it tells one, and what they rest on."""
    if study.kind == "survey":
        conclusion = load_conclusion(target)
        ranked, noise = conclusion.summary.best, conclusion.summary.reliability.seed_std
    else:
        ranked, noise = load_search(target).summary.ranked, None
    if not ranked:
        raise UserError(
            f"{target}: no network of {study.name!r} was trained to the end with all its seeds, so "
            "there are no finalists."
        )
    embedded = study.proxy["dataset"]["source"] == "fractals"
    notes = (EMBEDDED_SENTENCE,) if embedded else ()
    return tuple(ranked[:top]), noise, notes


def _train(
    target: Target, trials: Sequence[TrialRecord], launching: Launching, console: Console
) -> pd.DataFrame:
    """Train what is still missing; the study's population then."""
    with Store.open(target) as store:
        before = store.counts().total
        store.add_trials(trials)
        population, counts = store.population(), store.counts()
        left = counts.waiting + counts.running
        _announce(trials, left, counts.total - before, population, launching, console)
        if not left:
            return population
        logs = logs_of(place_of(store))
        progress = make_progress(console)
        with make_crew(store, launching, logs=logs, progress=progress) as crew:
            crew.drain()
        return store.population()


def _announce(
    trials: Sequence[TrialRecord],
    left: int,
    new: int,
    population: pd.DataFrame,
    launching: Launching,
    console: Console,
) -> None:
    """Say which networks are trained how often, and how long that may take."""
    networks = list(dict.fromkeys(trial.index for trial in trials))
    seeds = len(trials) // len(networks)
    names = ", ".join(map(str, networks))
    text = f"Finalists: networks {names}; {seeds} fresh {'seed' if seeds == 1 else 'seeds'} each."
    taken = population["seconds"].dropna().tolist()
    if left:
        text += f" {left} trainings left to do, {new} of them new; {machine_text(launching)}."
    else:
        text += " All are trained already."
    if left and taken:
        total = statistics.median(taken) * -(-left // launching.count)
        text += f" About {format_duration(total)}, by the study's own trainings."
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def fresh_errors(population: pd.DataFrame, finalists: Sequence[Ranked], seeds: int) -> FloatArray:
    """Errors (finalists, seeds) of the fresh trainings; `inf` where one ended badly."""
    fresh = population["replicate"].between(OWN_SEEDS, OWN_SEEDS + seeds - 1)
    rows = population[fresh & population["state"].isin(ENDED_STATES)]
    table = rows.assign(outcome=outcomes(rows)).pivot(
        index="index", columns="replicate", values="outcome"
    )
    wanted = [network.index for network in finalists]
    replicates = range(OWN_SEEDS, OWN_SEEDS + seeds)
    found = table.reindex(index=wanted, columns=replicates).to_numpy(dtype=np.float64)
    assert not np.isnan(found).any(), "a crew drains until every training has ended"
    return found
