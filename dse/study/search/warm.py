"""The trainings of a survey that a search begins with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from dse.architecture.cost import Cost
from dse.architecture.spec import Architecture
from dse.errors import UserError
from dse.store.database import store_exists
from dse.store.records import StudyRecord
from dse.store.store import Store
from dse.store.target import Target, parse_target
from dse.study.drawn import drawn_params
from dse.study.search.plan import Search
from dse.study.search.records import Asked, Found, Told

AUTO: Final = "auto"
NONE: Final = "none"


@dataclass(frozen=True, kw_only=True)
class Warm:
    """What a search begins with.

    Attributes:
        note: which trainings these are, as the search's record keeps it; None for none.
        found: the first trainings of the survey's networks.
    """

    note: dict[str, Any] | None = None
    found: tuple[Found, ...] = ()


def find_warm(search: Search, target: Target, asked: str) -> Warm:
    """What a search begins with; one that was begun before goes on with the same trainings.

    Args:
        search: what is looked for.
        target: the search's store and study, which need not be there.
        asked: `auto` for the survey in the same store with the same space, budget and proxy, if
            there is one; `none`; the name of a survey in the same store; or another store.

    Raises:
        UserError: there is no such survey, or it is another experiment, or it has changed.
    """
    begun = next((study for study in _studies(target) if study.name == target.study), None)
    kept = begun.design.get("warm") if begun is not None else None
    if begun is not None and asked == AUTO:
        return Warm() if kept is None else _again(search, _kept_place(target, kept), kept)
    place = _place(search, target, asked)
    if place is None:
        return Warm()
    study, found = _read(search, place)
    if kept is not None and kept["study"] == study.name:
        return _again(search, place, kept)
    if not found:
        return Warm()
    store = None if place.url == target.url else str(place)
    return Warm(note=_note(store, study, found), found=tuple(found))


def _again(search: Search, place: Target, kept: Mapping[str, Any]) -> Warm:
    """The trainings that a search was begun with."""
    study, found = _read(search, place, _numbers(kept["networks"]))
    note = _note(kept["store"], study, found)
    if note != kept:
        raise UserError(
            f"{place}: survey {study.name!r} has not the trainings any more that this search was "
            "begun with: give the store that has them as --warm-start."
        )
    return Warm(note=note, found=tuple(found))


def _kept_place(target: Target, kept: Mapping[str, Any]) -> Target:
    store = kept["store"]
    return replace(target if store is None else parse_target(store), study=kept["study"])


def _place(search: Search, target: Target, asked: str) -> Target | None:
    """The survey that is asked for; None for none."""
    if asked == NONE:
        return None
    studies = _studies(target)
    surveys = [study for study in studies if study.kind == "survey"]
    if asked == AUTO:
        alike = [study.name for study in surveys if not _differences(search, study)]
        return replace(target, study=alike[0]) if alike and not search.measured else None
    if asked in [study.name for study in surveys]:
        return replace(target, study=asked)
    place = parse_target(asked)
    if not store_exists(place):
        names = ", ".join(repr(study.name) for study in surveys) or "none"
        raise UserError(
            f"--warm-start {asked!r}: is neither a store nor a survey in {target}, which has "
            f"{names}; write {AUTO}, {NONE}, a survey or a store."
        )
    return place


def _read(
    search: Search, place: Target, numbers: Collection[int] | None = None
) -> tuple[StudyRecord, list[Found]]:
    """A survey, and its networks whose first training has ended."""
    with Store.open(place, read_only=True) as store:
        study, population = store.existing_study(), store.population()
    differences = _differences(search, study)
    if differences:
        raise UserError(f"--warm-start: {place}: {'; '.join(differences)}.")
    if search.measured:
        raise UserError(
            f"--warm-start: the {search.measured[0]} of a survey's networks is not known; leave "
            f"out --objective {search.measured[0]}, or search with --warm-start {NONE}."
        )
    ended = ~population["state"].isin(["waiting", "running"])
    rows = population[(population["replicate"] == 0) & ended]
    if numbers is not None:
        rows = rows[rows["index"].isin(numbers)]
    params = drawn_params(study, dict(zip(rows["index"], rows["architecture"], strict=True)))
    epochs = search.proxy.epochs
    known = [row for row in rows.to_dict("records") if row["index"] in params]
    return study, [_found(row, params[row["index"]], epochs) for row in known]


def _differences(search: Search, study: StudyRecord) -> list[str]:
    """Why a study's trainings say nothing to a search."""
    asked = replace(
        study,
        kind="survey",
        space_name=search.space.name,
        space_hash=search.space.hash,
        budget=search.budget.to_dict(),
        proxy=search.proxy.model_dump(mode="json"),
    )
    return study.differences(asked)


def _found(row: dict[Any, Any], params: dict[str, Any], epochs: int) -> Found:
    number = int(row["index"])
    asked = Asked(
        number=number,
        architecture=Architecture.from_dict(row["architecture"]),
        cost=Cost(**{name: int(row[name]) for name in ("flops", "params", "activations")}),
        params=params,
    )
    told = Told(
        number=number,
        state=row["state"],
        curve={epochs: float(row["error"])} if row["state"] == "complete" else {},
        reason=row["reason"],
        test_images=int(row["test_images"]),
    )
    return Found(asked=asked, told=told)


def _note(store: str | None, study: StudyRecord, found: Sequence[Found]) -> dict[str, Any]:
    results = [(each.told.number, each.told.state, each.told.error) for each in found]
    digest = hashlib.sha256(json.dumps(results).encode()).hexdigest()
    numbers = [number for number, _, _ in results]
    return {
        "store": store,
        "study": study.name,
        "networks": _ranges(numbers),
        "digest": digest[:16],
    }


def _ranges(numbers: Sequence[int]) -> str:
    """Rising numbers in few characters.

    >>> _ranges([0, 1, 2, 5])
    '0-2,5-5'
    """
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ",".join(f"{first}-{last}" for first, last in ranges)


def _numbers(text: str) -> set[int]:
    """The inverse of `_ranges`.

    >>> sorted(_numbers("0-2,5-5"))
    [0, 1, 2, 5]
    """
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last) + 1))
    return found


def _studies(target: Target) -> list[StudyRecord]:
    if not store_exists(target):
        return []
    with Store.open(target, read_only=True) as store:
        return store.studies()
