"""What the networks of a stored survey were drawn with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from dse.architecture.spec import Architecture
from dse.space.language.design_space import space_from_definition
from dse.space.language.priors import Value
from dse.space.sampling.budget import Budget
from dse.store.records import StudyRecord
from dse.study.axes import to_params
from dse.study.sampling import stored_sampler
from dse.study.slots import slot_values


def drawn_values(
    study: StudyRecord, networks: Mapping[int, Mapping[str, Any]]
) -> dict[int, dict[str, Value]]:
    """The values of the space's free slots, by network number and slot.

    The networks are drawn again. Those are missing that come out otherwise: another version drew
    them, or a measured limit chose them.

    Args:
        study: the survey.
        networks: architectures as the store has them, by number.
    """
    space = space_from_definition(study.space)
    budget = Budget.from_dict(study.budget)
    sampler = stored_sampler(space, budget, study.seed, study.design.get("sampling", {}))
    if sampler is None or not networks:
        return {}
    batch = sampler.batch(np.array(sorted(networks)))
    return {
        int(index): slot_values(batch.drawer, batch.draft.draws, row)
        for row, index in enumerate(batch.indices)
        if batch.architecture(row) == Architecture.from_dict(networks[int(index)])
    }


def drawn_choices(study: StudyRecord, population: pd.DataFrame) -> pd.DataFrame | None:
    """What every network was drawn with: a row a network by its number, a column a slot.

    NaN where a slot was not drawn, None where null was. None if it is not known of all networks.
    """
    first = population[population["replicate"] == 0]
    shapes = dict(zip(first["index"].tolist(), first["architecture"], strict=True))
    drawn = drawn_values(study, shapes)
    if len(drawn) < len(shapes):
        return None
    slots = list(space_from_definition(study.space).slots)
    rows = {i: [values.get(slot, np.nan) for slot in slots] for i, values in drawn.items()}
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=slots, dtype=object)
    return frame.loc[:, frame.notna().any()]


def drawn_params(
    study: StudyRecord, networks: Mapping[int, Mapping[str, Any]]
) -> dict[int, dict[str, Any]]:
    """The same as parameters of Optuna's."""
    space = space_from_definition(study.space)
    drawn = drawn_values(study, networks)
    return {index: to_params(space, values) for index, values in drawn.items()}
