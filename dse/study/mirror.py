"""A survey's trainings as Optuna trials in the same database.

So optuna-dashboard, `optuna.importance` and `optuna.visualization` work on a study's store as it
is. The mirror is only written: nothing here is ever read back into a statistic, and Optuna's queue
is not used (its `ask` takes tens of statements, and slows down with every waiting trial).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pandas as pd
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.storages import RDBStorage
from optuna.trial import TrialState, create_trial
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from dse.errors import UserError
from dse.space.design_space import DesignSpace, space_from_definition
from dse.space.priors import Prior
from dse.store.records import StudyRecord

_STATES = {
    "complete": TrialState.COMPLETE,
    "diverged": TrialState.FAIL,
    "out_of_memory": TrialState.FAIL,
    "failed": TrialState.FAIL,
}


def mirror(store: Path, study: StudyRecord, population: pd.DataFrame) -> int:
    """Add the finished trainings that Optuna does not have yet; returns how many were added.

    Args:
        store: the SQLite file.
        study: the survey; its name is the name of the Optuna study.
        population: one row a training, as the store gives it.

    Raises:
        UserError: the database cannot be written.
    """
    space = distributions(space_from_definition(study.space))
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage: RDBStorage | None = None
    try:
        storage = RDBStorage(URL.create("sqlite", database=str(store)).render_as_string())
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
        target.add_trials([_trial(row, space) for row in new])
    except (optuna.exceptions.StorageInternalError, SQLAlchemyError) as error:
        raise UserError(f"{store}: Optuna's mirror cannot be written: {error}.") from None
    finally:
        if storage is not None:
            storage.engine.dispose()
        optuna.logging.set_verbosity(verbosity)
    return len(new)


def distributions(space: DesignSpace) -> dict[str, BaseDistribution]:
    """Optuna's distributions of an architecture's values, by their name in a population."""
    found: dict[str, BaseDistribution] = {}
    for name, prior in space.priors.items():
        if name.startswith("dims.growth"):
            continue
        shared = name in ("depths", "kernel_sizes")
        names = [f"{name}.{k}" for k in range(1, space.stages + 1)] if shared else [name]
        found |= dict.fromkeys(names, _distribution(prior))
    lattice = space.parameters.dims.lattice
    step = lattice.multiple_of
    low, high = -(-lattice.minimum // step) * step, lattice.maximum // step * step
    for stage in range(1, space.stages + 1):
        found[f"dims.{stage}"] = IntDistribution(low, high, step=step)
    return found


def _distribution(prior: Prior) -> BaseDistribution:
    if prior.choice is not None:
        return CategoricalDistribution(prior.choice)
    low, high = prior.limits
    log = prior.log_uniform is not None
    if prior.values is None:
        return FloatDistribution(low, high, log=log)
    if all(isinstance(value, int) for value in prior.values) and (not log or prior.step == 1):
        return IntDistribution(low, high, log=log, step=int(prior.step or 1))
    return (
        FloatDistribution(low, high, step=prior.step)
        if not log
        else CategoricalDistribution(prior.values)
    )


def _key(row: dict[Any, Any]) -> tuple[int, int]:
    return int(row["index"]), int(row["replicate"])


def _trial(row: dict[Any, Any], space: dict[str, BaseDistribution]) -> optuna.trial.FrozenTrial:
    index, replicate = _key(row)
    state = _STATES[row["state"]]
    return create_trial(
        state=state,
        value=float(row["error"]) if state is TrialState.COMPLETE else None,
        params={name: _param(row[f"arch.{name}"]) for name in space},
        distributions=space,
        user_attrs={
            "index": index,
            "replicate": replicate,
            "state": row["state"],
            "flops": int(row["flops"]),
            "params": int(row["params"]),
        },
    )


def _param(value: Any) -> Any:
    """A plain Python value: pandas turns a missing layer scale into NaN."""
    if isinstance(value, float) and value != value:
        return None
    return value.item() if hasattr(value, "item") else value
