"""Nested plain values (JSON) as flat ones, and what readers of a store rely on in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, Final

Json = dict[str, Any]

STUDY_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "space": ("name", "parameters"),
    "budget": ("tolerance", "resolution"),
    "proxy": ("dataset",),
    "design": (),
    "provenance": (),
}
IMPORTED_STUDY_KEYS: Final = STUDY_KEYS | {"budget": (), "proxy": (), "provenance": ("file",)}
"""What was measured elsewhere was not trained here within a budget."""
DESIGN_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "survey": ("repeat",),
    "imported": ("repeat",),
    "training": ("of",),
}
NETWORK_KEYS: Final = ("depths", "dims", "kernel_sizes")
REFERENCE_KEYS: Final = ("reference",)
IMPORTED_KEYS: Final = ("network",)
"""The name of a network that was measured elsewhere; the other keys are its choices."""
STAGE_KEYS: Final = ("expansion_ratio", "group_width")
"""What a network may give as one number for all its stages, or as a list of one for each."""


class DamagedError(Exception):
    """A value that nothing here can have written."""


def require_keys(value: object, keys: Iterable[str], what: str) -> None:
    """Raise `DamagedError` unless a value out of a store is a mapping with these keys."""
    if not isinstance(value, dict):
        raise DamagedError(f"{what} holds no keys and values")
    for key in keys:
        if key not in value:
            raise DamagedError(f"{what} lacks {key}")


def require_network(architecture: object, *, reference: bool) -> None:
    """Raise `DamagedError` unless it can be a network of a study, or a `reference`."""
    keys = REFERENCE_KEYS if reference else NETWORK_KEYS
    if isinstance(architecture, dict) and IMPORTED_KEYS[0] in architecture:
        keys = IMPORTED_KEYS
    require_keys(architecture, keys, "architecture")


def flatten(value: Any, prefix: str = "") -> Json:
    """Nested plain values under dotted keys; places in a list count from 1.

    >>> flatten({"depths": [3, 9], "stem": "patch"})
    {'depths.1': 3, 'depths.2': 9, 'stem': 'patch'}
    """
    if isinstance(value, dict):
        pairs = [(str(key), inner) for key, inner in value.items()]
    elif isinstance(value, list):
        pairs = [(str(place), inner) for place, inner in enumerate(value, start=1)]
    else:
        return {prefix: value}
    return {
        key: leaf
        for name, inner in pairs
        for key, leaf in flatten(inner, f"{prefix}.{name}" if prefix else name).items()
    }


def flat_columns(networks: Sequence[Json]) -> dict[str, list[Any]]:
    """The networks' `flatten`ed values as one list for each flat key; None where there is none.

    Any of `STAGE_KEYS` that is a list in one network is taken as a list in all of them, so that
    one choice is found under the same keys in every network of a population, also where a
    network's stages happen to agree and it gives one number.

    >>> networks = [{"depths": [3, 9], "group_width": 8}, {"depths": [3], "group_width": [16]}]
    >>> for name, values in flat_columns(networks).items():
    ...     print(name, values)
    depths.1 [3, 3]
    depths.2 [9, None]
    group_width.1 [8, 16]
    group_width.2 [8, None]

    Raises:
        DamagedError: a network does not tell its number of stages.
    """
    columns: dict[str, list[Any]] = {}
    keys = dict.fromkeys(chain.from_iterable(networks))
    rows = [tuple(map(network.get, keys)) for network in networks]  # each is looked at only once
    for key, column in zip(keys, zip(*rows, strict=True), strict=False):
        values = list(column)
        if key in STAGE_KEYS and any(isinstance(value, list) for value in values):
            values = [
                value
                if isinstance(value, list) or key not in network
                else [value] * _stages(network)
                for value, network in zip(values, networks, strict=True)
            ]
        columns |= _spread(str(key), values)
    return columns


def _spread(name: str, values: list[Any]) -> dict[str, list[Any]]:
    """Values as they are, and the inner ones of those that are lists or mappings as columns."""
    kinds = set(map(type, values))
    if not kinds & {list, dict}:
        return {name: values}
    columns = {}
    if kinds - {list, dict, type(None)}:
        columns[name] = [None if isinstance(value, list | dict) else value for value in values]
    lists = [value if isinstance(value, list) else [] for value in values]
    width = max(map(len, lists))
    inner = [*chain.from_iterable(value + [None] * (width - len(value)) for value in lists)]
    for place in range(width):
        columns |= _spread(f"{name}.{place + 1}", inner[place::width])
    mappings = [value if isinstance(value, dict) else {} for value in values]
    for key in dict.fromkeys(key for value in mappings for key in value):
        columns |= _spread(f"{name}.{key}", [value.get(key) for value in mappings])
    return columns


def _stages(network: Json) -> int:
    if not isinstance(network["depths"], list):
        raise DamagedError("an architecture's depths are no list")
    return len(network["depths"])
