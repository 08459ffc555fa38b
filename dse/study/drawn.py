"""What the networks of a stored survey were drawn with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dse.architecture.spec import Architecture
from dse.space.language.design_space import space_from_definition
from dse.space.sampling.budget import Budget
from dse.store.records import StudyRecord
from dse.study.axes import to_params
from dse.study.sampling import stored_sampler
from dse.study.slots import slot_values


def drawn_params(
    study: StudyRecord, networks: Mapping[int, Mapping[str, Any]]
) -> dict[int, dict[str, Any]]:
    """Optuna's parameters of networks, by number, for which they are drawn again.

    Those are missing that come out otherwise: another version drew them, or a measured limit
    chose them.

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
        int(index): to_params(space, slot_values(batch.drawer, batch.draft.draws, row))
        for row, index in enumerate(batch.indices)
        if batch.architecture(row) == Architecture.from_dict(networks[int(index)])
    }
