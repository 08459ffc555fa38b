"""A finished full training back into its study's store, and all of them out of it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Final

import pandas as pd

from dse.analysis.full import FullStudy, FullTraining, full_trainings
from dse.architecture import Architecture
from dse.errors import UserError
from dse.store.records import (
    CandidateRecord,
    EpochResult,
    Recorded,
    StudyRecord,
    TrialResult,
    kind_words,
)
from dse.store.store import Store
from dse.store.target import Place, parse_target
from dse.study.plan import provenance
from dse.training.recipe import Origin
from dse.training.trained import Trained

WITHOUT_EFFECT: Final = ("seed", "micro_batch", "compile")
"""What of a recipe makes no other experiment: it is another replicate, or done another way."""
SOURCES: Final = ("survey", "search", "paired")


def record_training(origin: Origin, trained: Trained) -> str:
    """Keep a full training in the store that its network is from; a sentence on what was done.

    It goes into a study of kind `training` beside the origin, one for each recipe, data set and
    initial weights, once whatever how often it is recorded. A store that cannot be written is a
    sentence as well: the training's own files stay, and it can be recorded later.
    """
    try:
        with Store.open(origin.store, study=origin.study) as store:
            study = store.existing_study()
            network = _network(store, study, origin, trained)
            record = _study(study, trained)
            found = store.record_training(record, network, trained.seed, _result(trained))
    except UserError as error:
        return (
            f"not recorded in the study: {str(error).rstrip('.')}; the training's files are "
            "complete, and the same `dse train` records it once that is mended."
        )
    return f"{parse_target(origin.store)}: {_told(found, trained)}"


def recorded_trainings(place: Place, names: Collection[str]) -> tuple[FullTraining, ...]:
    """The full trainings that studies of these names record, beside the proxies' errors.

    Names of studies of another kind are none of them.

    Raises:
        UserError: the store cannot be read.
    """
    with Store.open(place, read_only=True) as store:
        studies = [s for s in store.studies() if s.kind == "training" and s.name in names]
    found: list[FullTraining] = []
    for study in studies:
        of = study.design["of"]
        with Store.open(place, study=of, read_only=True) as store:
            proxy = store.population()
        found += read_full_trainings(place, of, proxy, only=study.name)
    return tuple(found)


def read_full_trainings(
    place: Place, of: str, proxy: pd.DataFrame, *, only: str | None = None
) -> tuple[FullTraining, ...]:
    """The full trainings of networks of a study, of which `proxy` is the population.

    Args:
        place: the store.
        of: the study that the networks are from.
        proxy: its trainings.
        only: the study that records them; None for all such.

    Raises:
        UserError: the store cannot be read.
    """
    target = parse_target(place)
    with Store.open(target, read_only=True) as store:
        studies = [s for s in store.studies() if s.kind == "training" and s.design["of"] == of]
    found: list[FullTraining] = []
    for study in studies:
        if only in (None, study.name):
            with Store.open(replace(target, study=study.name), read_only=True) as store:
                full, curves = store.population(), store.curves()
            found += full_trainings(_full_study(study), full, curves, proxy)
    return tuple(found)


def _full_study(study: StudyRecord) -> FullStudy:
    proxy = study.proxy
    data, initial = str(proxy["dataset"].get("name", "–")), proxy.get("initial")
    return FullStudy(name=study.name, data=data, initial=initial)


def _network(store: Store, study: StudyRecord, origin: Origin, trained: Trained) -> CandidateRecord:
    """The network as the study has it.

    Raises:
        UserError: the study has no such networks, or another one under its number.
    """
    where = f"{store.target}: {study.name!r}"
    if study.kind not in SOURCES:
        raise UserError(f"{where} is {kind_words(study.kind)}, of which nothing is trained fully.")
    found = {record.index: record for record in store.candidates()}.get(origin.index)
    if found is None:
        raise UserError(f"{where} has no network {origin.index}.")
    if _shape(Architecture.from_dict(found.architecture)) != _shape(trained.network):
        raise UserError(f"{where}: its network {origin.index} is not the one that was trained.")
    return replace(found, origin=None)


def _shape(network: Architecture) -> Architecture:
    """The network without its stochastic depth, which is the recipe's."""
    return replace(network, drop_path_rate=0.0)


def _study(of: StudyRecord, trained: Trained) -> StudyRecord:
    """The study of all full trainings that are done like this one.

    Named after its origin, and by the content of what is done, so that it is found again.
    """
    recipe = {k: v for k, v in trained.recipe.items() if k not in WITHOUT_EFFECT}
    proxy: dict[str, Any] = {
        "dataset": {"name": trained.data},
        "recipe": recipe,
        "initial": trained.initial,
    }
    text = json.dumps(proxy, sort_keys=True)
    return replace(
        of,
        name=f"{of.name}-full-{hashlib.sha256(text.encode()).hexdigest()[:6]}",
        kind="training",
        proxy=json.loads(text),
        design={"of": of.name},
        provenance=provenance(),
    )


def _result(trained: Trained) -> TrialResult:
    recipe, last = trained.recipe, trained.epochs[-1:] or (None,)
    schedule: Mapping[str, Any] = recipe.get("schedule", {})
    return TrialResult(
        state=trained.state,
        reason=trained.reason,
        error=trained.error,
        train_loss=last[0].train_loss if last[0] else None,
        epochs=tuple(
            EpochResult(
                epoch=epoch.epoch,
                step=epoch.step,
                train_loss=_number(epoch.train_loss),
                error=_number(epoch.error),
            )
            for epoch in trained.epochs
        ),
        seconds=trained.seconds,
        test_images=trained.test_images,
        classes=trained.classes,
        device=trained.device,
        dtype={"bf16": "bfloat16", "fp32": "float32"}.get(recipe.get("precision", "")),
        learning_rate=schedule.get("learning_rate"),
        micro_batch=recipe.get("micro_batch"),
        versions=dict(trained.versions),
    )


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _told(found: Recorded, trained: Trained) -> str:
    which = f"network {found.index}, full training {found.replicate + 1} of {found.study!r}"
    if not found.was_there:
        return f"recorded as {which}."
    if (found.state, found.error) == (trained.state, trained.error):
        return f"is recorded there already: {which}."
    ended = found.state if found.error is None else f"error {found.error:.4f}"
    return f"holds another training from seed {trained.seed} ({ended}), which stays: {which}."
