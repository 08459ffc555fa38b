"""A survey's trainings as Optuna trials in the same database.

So optuna-dashboard, `optuna.importance` and `optuna.visualization` work on a study's store as it
is. The parameters of a trial are what the network was drawn with, those of `dse.study.suggest`, so
that a trial enqueued in a search is the same network again; its widths, which are solved for, and
its cost are user attributes. The mirror is only written: nothing here is ever read back into a
statistic, and Optuna's queue is not used (its `ask` takes tens of statements, and slows down with
every waiting trial).
"""

from __future__ import annotations

from typing import Any

import optuna
import pandas as pd
from optuna.distributions import BaseDistribution
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState, create_trial
from sqlalchemy.exc import SQLAlchemyError

from dse.errors import UserError
from dse.space.language.design_space import space_from_definition
from dse.store.records import StudyRecord
from dse.store.target import Place, parse_target
from dse.study.drawn import drawn_params
from dse.study.suggest import distributions

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
    params = drawn_params(study, {int(row["index"]): row["architecture"] for row in rows})
    known = distributions(space)
    return [_trial(row, params[row["index"]], known) for row in rows if row["index"] in params]


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
