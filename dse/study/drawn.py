"""What the networks of a stored survey were drawn with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
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
from dse.study.slots import slot_columns, slot_values


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
    first = population[population["replicate"] == 0].sort_values("index")
    asked = (study.space, study.budget, study.seed, study.design.get("sampling", {}))
    found = _drawn_again(json.dumps(asked), tuple(first["index"].tolist()))
    if found is None:
        return None
    choices, networks = found
    stored = [hash(Architecture.from_dict(network)) for network in first["architecture"]]
    return choices if stored == networks else None


@lru_cache(maxsize=8)
def _drawn_again(asked: str, numbers: tuple[int, ...]) -> tuple[pd.DataFrame, list[int]] | None:
    """The choices of networks, and a hash of each; kept, as a page is made again and again."""
    definition, budget, seed, sampling = json.loads(asked)
    space = space_from_definition(definition)
    sampler = stored_sampler(space, Budget.from_dict(budget), seed, sampling)
    if sampler is None or not numbers:
        return None
    batch = sampler.batch(np.array(numbers))
    columns = slot_columns(batch.drawer, batch.draft.draws)
    frame = pd.DataFrame(columns, index=list(numbers), dtype=object)[
        [slot for slot in space.slots if slot in columns]
    ]
    networks = [hash(batch.architecture(row)) for row in range(len(numbers))]
    return frame.loc[:, frame.notna().any()], networks


def drawn_params(
    study: StudyRecord, networks: Mapping[int, Mapping[str, Any]]
) -> dict[int, dict[str, Any]]:
    """The same as parameters of Optuna's."""
    space = space_from_definition(study.space)
    drawn = drawn_values(study, networks)
    return {index: to_params(space, values) for index, values in drawn.items()}
