"""A survey's proxy against the full trainings of its networks, of one store."""

from __future__ import annotations

from pathlib import Path

from dse.analysis.full import FullAgreement, FullTraining, agreements
from dse.errors import UserError
from dse.jobs.conclude import is_database, load_conclusion
from dse.store.target import split_study


def is_store(text: str) -> bool:
    """Whether a person who writes this means a store, and not a space."""
    place, name = split_study(text)
    return name is not None or "://" in place or is_database(Path(place)) or place.endswith(".db")


def compare_full_trainings(
    text: str,
) -> tuple[tuple[FullTraining, ...], tuple[FullAgreement, ...]]:
    """The full trainings of a survey's networks, and how far the proxy puts them in their order.

    Args:
        text: `STORE`, or `STORE::NAME` for one survey of several.

    Raises:
        UserError: there is no such survey, or no full training of its networks.
    """
    place, name = split_study(text)
    survey = load_conclusion(place, name=name)
    if not survey.full:
        raise UserError(
            f"{text}: holds no full training of a network of {survey.study.name!r}: `dse export` "
            "and `dse train` make one."
        )
    return survey.full, tuple(agreements(survey.full, survey.population))
