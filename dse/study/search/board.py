"""A search as a study of Optuna's in the same database, for Optuna's tools.

It is only written, as the mirror of a survey is: deleted, it comes back with the next run. Its
trials have the number of a network as `index`; the trainings of a survey that the search began with
are marked `warm`. Trials are added whole and told of later, in a few statements each; Optuna's own
`ask` takes 45.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import optuna
from optuna.exceptions import OptunaError
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState, create_trial
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from dse.study.search.algorithms import quiet
from dse.study.search.plan import Search
from dse.study.search.records import Asked, Found, Told

HEARTBEAT_SECONDS: Final = 60
_BUSY_SECONDS: Final = 60.0
_STATES: Final = {"complete": TrialState.COMPLETE, "stopped": TrialState.PRUNED}


class OptunaBoard:
    """Keeps a study of Optuna's in step with a search.

    Optuna gives signs of life only in its own loop; here a thread does for the trials that run, so
    that other tools can tell a search that was killed. The store is the truth: an error here is
    told once, to `warn`, and the search goes on without its board.

    Args:
        url: of the database.
        search: what is shown.
        study: its name in the store.
        warm: the trainings it began with.
        warn: takes a sentence.
        heartbeat: whole seconds between two signs of life.
    """

    def __init__(
        self,
        url: URL | str,
        search: Search,
        *,
        study: str,
        warm: Sequence[Found] = (),
        warn: Callable[[str], None],
        heartbeat: int = HEARTBEAT_SECONDS,
    ) -> None:
        self._search, self._warn, self._heartbeat = search, warn, heartbeat
        self._trials: dict[int, int] = {}
        self._storage: RDBStorage | None = None
        with self._forgiving():
            with quiet():
                storage = _open(url, heartbeat)
                shown = optuna.create_study(
                    storage=storage,
                    study_name=study_name(study),
                    directions=["minimize"] * len(search.objectives),
                    load_if_exists=True,
                )
                shown.set_metric_names(list(search.objectives))
            self._study_id = storage.get_study_id_from_name(shown.study_name)
            self._storage = storage
            self._compare(storage, warm)

    def close(self) -> None:
        """Give the connections back."""
        if self._storage is not None:
            self._storage.engine.dispose()

    @contextmanager
    def begin(self, asked: Sequence[Asked]) -> Iterator[None]:
        """Show networks as running, and alive until the context ends."""
        with self._forgiving():
            for each in asked:
                if self._storage is not None and each.number not in self._trials:
                    self._trials[each.number] = self._storage.create_new_trial(
                        self._study_id, template_trial=_running(self._search, each)
                    )
        trials = [self._trials[each.number] for each in asked if each.number in self._trials]
        done = threading.Event()
        thread = threading.Thread(target=self._beat, args=(trials, done), daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def tell(self, found: Sequence[Found]) -> None:
        """Show curves, states and values."""
        with self._forgiving():
            for each in found:
                if self._storage is not None and each.asked.number in self._trials:
                    self._tell(self._storage, self._trials[each.asked.number], each)

    def _compare(self, storage: RDBStorage, warm: Sequence[Found]) -> None:
        """Find what is shown already, and show the survey's trainings."""
        shown = set()
        for trial in storage.get_all_trials(self._study_id, deepcopy=False):
            index = int(trial.user_attrs.get("index", -1))
            if trial.user_attrs.get("warm"):
                shown.add(index)
            elif trial.state is TrialState.RUNNING or "state" in trial.user_attrs:
                self._trials[index] = trial._trial_id  # others were given up by another tool
        for each in warm:
            if each.asked.number not in shown:
                trial = _surveyed(self._search, each)
                storage.create_new_trial(self._study_id, template_trial=trial)

    def _tell(self, storage: RDBStorage, trial_id: int, found: Found) -> None:
        if storage.get_trial(trial_id).state.is_finished():
            return
        for key, value in _outcome(found.told).items():
            storage.set_trial_user_attr(trial_id, key, value)
        if len(self._search.objectives) == 1:  # Optuna has no curves of several objectives
            for epoch, error in found.told.curve.items():
                storage.set_trial_intermediate_value(trial_id, epoch, error)
        values = _values(self._search, found)
        storage.set_trial_state_values(trial_id, _state(found.told), values)

    def _beat(self, trials: Sequence[int], done: threading.Event) -> None:
        with self._forgiving():
            while self._storage is not None:
                for trial_id in trials:
                    self._storage.record_heartbeat(trial_id)
                if done.wait(self._heartbeat):
                    return

    @contextmanager
    def _forgiving(self) -> Iterator[None]:
        try:
            yield
        except (OptunaError, SQLAlchemyError, KeyError) as error:
            if self._storage is not None or not self._trials:
                self._warn(f"the search is not shown to Optuna's tools any more: {error}.")
            self.close()
            self._storage = None


def study_name(search: str) -> str:
    """The name of Optuna's study for a search of some name; a survey's ends in (survey)."""
    return f"{search} (search)"


def _open(url: URL | str, heartbeat: int) -> RDBStorage:
    place = make_url(url)
    options: dict[str, Any] = {}
    if place.get_backend_name() == "sqlite":  # workers write to the same file
        options["connect_args"] = {"timeout": _BUSY_SECONDS}
    text = place.render_as_string(hide_password=False)
    return RDBStorage(text, engine_kwargs=options, heartbeat_interval=heartbeat)


def _running(search: Search, asked: Asked) -> FrozenTrial:
    return create_trial(
        state=TrialState.RUNNING,
        params=dict(asked.params),
        distributions={name: search.distributions[name] for name in asked.params},
        user_attrs=_facts(asked) | {"refused": len(asked.refused)},
    )


def _surveyed(search: Search, found: Found) -> FrozenTrial:
    assert search.warm is not None
    return create_trial(
        state=_state(found.told),
        values=_values(search, found),
        params=dict(found.asked.params),
        distributions={name: search.distributions[name] for name in found.asked.params},
        user_attrs=_facts(found.asked)
        | _outcome(found.told)
        | {"warm": True, "survey": search.warm["study"]},
    )


def _facts(asked: Asked) -> dict[str, Any]:
    """What is known of a network before it is trained; widths, which were solved for, too."""
    widths = {f"dims.{k}": dim for k, dim in enumerate(asked.architecture.dims, start=1)}
    costs = {"flops": asked.cost.flops, "params": asked.cost.params}
    return {"index": asked.number, "replicate": 0, **costs, **asked.measured, **widths}


def _outcome(told: Told) -> dict[str, Any]:
    reason = {} if told.reason is None else {"reason": told.reason}
    return {"state": told.state, "epochs": max(told.curve, default=0), **reason}


def _state(told: Told) -> TrialState:
    return _STATES.get(told.state, TrialState.FAIL)


def _values(search: Search, found: Found) -> list[float] | None:
    if found.told.ended_badly:
        return None
    error = found.told.curve[max(found.told.curve)]
    return [error, *(found.asked.value(name) for name in search.objectives[1:])]
