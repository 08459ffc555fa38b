"""A space as a browser needs it to say a filter as a narrower space, see `restriction`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dse.dashboard.restriction import lists_of, slot_of, why_not
from dse.space.language.choices import StageParameter
from dse.space.language.design_space import DesignSpace
from dse.space.language.narrow import settable, text
from dse.space.language.priors import plain


def space_value(space: DesignSpace, columns: Iterable[str]) -> dict[str, Any]:
    """The slots that conditions on `columns` narrow, as plain data for `assets/restriction.js`.

    `columns` in it has the slot of each column and, where the slot draws whole lists, its stage; or
    why no space says it (empty where there is nothing to say, as the choice is fixed).
    """
    free = settable(space)
    told: dict[str, dict[str, Any]] = {}
    for column in columns:
        slot = slot_of(column, space)
        if slot is None or slot not in free:
            is_fixed = slot is not None and space.slots[slot].is_fixed
            told[column] = {"why": "" if is_fixed else why_not(column, slot)}
        elif lists_of(slot, space) is not None:
            told[column] = {"slot": slot, "stage": int(column.rpartition(".")[2])}
        else:
            told[column] = {"slot": slot}
    used = {entry["slot"] for entry in told.values() if "slot" in entry}
    parameters = [_parameter(name, space) for name in space.parameters.given if name != "dims"]
    parameters = [entry for entry in parameters if used.intersection(entry["slots"])]
    slots = [slot for entry in parameters for slot in entry["slots"]]
    return {
        "name": space.name,
        "hash": space.hash,
        "columns": told,
        "slots": {slot: _slot(slot, space) for slot in slots},
        "parameters": parameters,
    }


def _parameter(name: str, space: DesignSpace) -> dict[str, Any]:
    """A parameter: how its values are drawn, and its slots."""
    parameter = space.parameters.given[name]
    slots = [slot for slot in space.slots if slot == name or slot.startswith(f"{name}.")]
    form = "choice"
    if isinstance(parameter, StageParameter):
        form = "any_of" if parameter.any_of else "shared" if slots == [name] else "per_stage"
    return {"name": name, "form": form, "slots": slots}


def _slot(slot: str, space: DesignSpace) -> dict[str, Any]:
    prior, lists = space.slots[slot], lists_of(slot, space)
    value: dict[str, Any] = {"kind": prior.kind, "definition": prior.definition()}
    value |= {"step": None if prior.step is None else plain(prior.step), "round": prior.round}
    if prior.values is None:
        return value | {"limits": list(prior.limits)}
    value |= {"values": list(prior.values), "texts": [text(each) for each in prior.values]}
    return value | ({} if lists is None else {"lists": [list(each) for each in lists]})
