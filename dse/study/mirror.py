"""A survey's trainings as Optuna trials in the same database.

So optuna-dashboard, `optuna.importance` and `optuna.visualization` work on a study's store as it
is. The parameters of a trial are what the network was drawn with, those of `dse.study.suggest`, so
that a trial enqueued in a search is the same network again; its widths, which are solved for, and
its cost are user attributes. The mirror is only written: nothing here is ever read back into a
statistic, and Optuna's queue is not used (its `ask` takes tens of statements, and slows down with
every waiting trial).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import optuna
import pandas as pd
from optuna.distributions import BaseDistribution
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState, create_trial
from sqlalchemy.exc import SQLAlchemyError

from dse.architecture.spec import Architecture
from dse.errors import UserError
from dse.space.language.design_space import DesignSpace, space_from_definition
from dse.space.sampling.budget import Budget
from dse.store.records import StudyRecord
from dse.store.target import Place, parse_target
from dse.study.sampling import stored_sampler
from dse.study.slots import slot_values
from dse.study.suggest import distributions, to_params

_STATES = {
    "complete": TrialState.COMPLETE,
    "diverged": TrialState.FAIL,
    "out_of_memory": TrialState.FAIL,
    "failed": TrialState.FAIL,
}


def mirror(store: Place, study: StudyRecord, population: pd.DataFrame) -> int:
    """Add the finished trainings that Optuna does not have yet; returns how many were added.

    What a network was drawn with is not in the store, so the networks are drawn again.

    Args:
        store: where the store is.
        study: the survey; its name is the name of the Optuna study.
        population: one row a training, as the store gives it.

    Raises:
        UserError: the database cannot be written, or networks cannot be drawn again: the trainings
            of these are left out, and those of the others are added all the same.
    """
    store = parse_target(store)
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage: RDBStorage | None = None
    try:
        storage = RDBStorage(store.url.render_as_string(hide_password=False))
        target = optuna.create_study(
            storage=storage,
            study_name=f"{study.name} (survey)",
            direction="minimize",
            load_if_exists=True,
        )
        known = {
            (trial.user_attrs["index"], trial.user_attrs["replicate"])
            for trial in target.get_trials(deepcopy=False)
        }
        finished = population[population["state"].isin(_STATES)]
        new = [row for row in finished.to_dict("records") if _key(row) not in known]
        trials = _trials(study, new)
        target.add_trials(trials)
    except (optuna.exceptions.StorageInternalError, SQLAlchemyError) as error:
        raise UserError(f"{store}: Optuna's mirror cannot be written: {error}.") from None
    finally:
        if storage is not None:
            storage.engine.dispose()
        optuna.logging.set_verbosity(verbosity)
    if len(trials) < len(new):
        raise UserError(
            f"{store}: {len(new) - len(trials)} of {len(new)} trainings are not shown to Optuna's "
            "tools, since what they were drawn with is not known: an earlier version drew them, or "
            "measured limits chose them; the store has them all."
        )
    return len(new)


def _trials(study: StudyRecord, rows: list[dict[Any, Any]]) -> list[FrozenTrial]:
    """Trainings as trials, but for those whose networks cannot be drawn again."""
    space = space_from_definition(study.space)
    params = _params(study, space, {int(row["index"]): row["architecture"] for row in rows})
    known = distributions(space)
    return [_trial(row, params[row["index"]], known) for row in rows if row["index"] in params]


def _params(
    study: StudyRecord, space: DesignSpace, networks: Mapping[int, Mapping[str, Any]]
) -> dict[int, dict[str, Any]]:
    """What networks were drawn with, by their number; those that come out otherwise are missing."""
    budget = Budget.from_dict(study.budget)
    sampler = stored_sampler(space, budget, study.seed, study.design.get("sampling", {}))
    if sampler is None or not networks:
        return {}
    batch = sampler.batch(np.array(sorted(networks)))
    return {
        int(index): to_params(space, slot_values(batch.drawer, batch.draft.draws, row))
        for row, index in enumerate(batch.indices)
        if batch.architecture(row) == Architecture.from_dict(networks[int(index)])
    }


def _key(row: dict[Any, Any]) -> tuple[int, int]:
    return int(row["index"]), int(row["replicate"])


def _trial(
    row: dict[Any, Any], params: dict[str, Any], space: dict[str, BaseDistribution]
) -> FrozenTrial:
    index, replicate = _key(row)
    state = _STATES[row["state"]]
    widths = {f"dims.{k}": int(dim) for k, dim in enumerate(row["architecture"]["dims"], start=1)}
    return create_trial(
        state=state,
        value=float(row["error"]) if state is TrialState.COMPLETE else None,
        params=params,
        distributions={name: space[name] for name in params},
        user_attrs={
            "index": index,
            "replicate": replicate,
            "state": row["state"],
            "flops": int(row["flops"]),
            "params": int(row["params"]),
            **widths,
        },
    )
