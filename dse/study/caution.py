"""What a study cannot see, or must not be taken for, told on paper."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from dse.architecture import Architecture, layers


def kernel_caution(networks: Iterable[Architecture], resolution: int) -> str | None:
    """A sentence on kernels that reach beyond their maps at the proxy's resolution, if any do.

    On a map of n pixels a side, a padded kernel of 2 n - 1 reaches from every pixel to every
    other; the outer weights of a larger one only ever meet padding.
    """
    small: dict[int, int] = {}
    for network in networks:
        for layer in layers(network, resolution=resolution):
            place = layer.name.split(".")
            if len(place) != 4 or place[3] != "spatial":  # strided blocks see a larger map
                continue
            side = math.isqrt(layer.in_pixels)
            if layer.op.kernel_size > 2 * side - 1:
                small[int(place[1]) + 1] = side
    if not small:
        return None
    stages = sorted(small)
    reach = [str(2 * small[stage] - 1) for stage in stages]
    return (
        f"At the proxy's {resolution} px the maps of {_stages(stages)} have only "
        f"{_listed([str(small[stage]) for stage in stages])} pixels a side, so that kernels beyond "
        f"{_listed(reach)} act like these there (strided blocks excepted): this proxy cannot "
        "compare such kernel sizes."
    )


def sampling_caution(design: Mapping[str, Any]) -> str | None:
    """A sentence on networks that are no independent draws of the solved population."""
    sampling = design.get("sampling", {})
    parts = []
    if sampling.get("population", "solved") == "conditioned":
        parts.append(
            "The networks are the prior over networks, widths included, conditioned on the window."
        )
    spread = sampling.get("design", "independent")
    if spread != "independent" or sampling.get("stratify"):
        strata = ", ".join(sampling.get("stratify", ()))
        by = f", stratified by {strata}" if strata else ""
        parts.append(
            f"The networks were drawn by design ({spread.replace('_', ' ')}{by}), not "
            "independently; the intervals here treat them as independent draws, which "
            "makes them rather too wide."
            + (" Strata keep their prior's shares, whatever was refused." if strata else "")
        )
    return " ".join(parts) or None


def imported_caution(file: str) -> str:
    """A sentence on networks that were measured elsewhere and are known by a `file` alone."""
    return (
        f"These networks were measured elsewhere ({file}): how they were chosen and trained is not "
        "known here. Intervals, bands, tests and what is said of the space hold only as far as "
        "they are independent draws from the space that they stand for."
    )


def duplicate_caution(architectures: Iterable[Mapping[str, Any]]) -> str | None:
    """A sentence on networks of a population that equal an earlier one, if there are any."""
    seen = Counter(json.dumps(network, sort_keys=True) for network in architectures)
    copies = seen.total() - len(seen)
    if not copies:
        return None
    return (
        f"{copies} of the {seen.total()} networks equal an earlier one, as chance had it; they "
        "were trained all the same and count as draws."
    )


def _stages(stages: list[int]) -> str:
    return f"stage{'s' if len(stages) > 1 else ''} {_listed([str(stage) for stage in stages])}"


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
