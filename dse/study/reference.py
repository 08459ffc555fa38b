"""References from outside the family: any timm model under the study's own proxy.

A reference is a candidate with a negative number, so that it goes the same way as every network and
never enters a statistic of the population. It is trained at its full width, as nobody can say what
a quarter of a foreign network is; its cost stands beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dse.architecture.cost import Cost
from dse.network.timm_model import build_reference
from dse.network.verify import count
from dse.store.records import CandidateRecord

KEY = "reference"
"""The only key of a reference's architecture in the store; its value is `timm:NAME`."""


def count_references(
    names: Sequence[str], *, proxy_resolution: int, resolution: int
) -> dict[str, Cost]:
    """Cost of each reference at `resolution`, once it is sure that the proxy can train it.

    Args:
        names: `timm:NAME`.
        proxy_resolution: pixels a side of the images it will be trained on.
        resolution: pixels a side at which its cost is counted.

    Raises:
        UserError: there is no such model, or it cannot take images of one of the two sizes.
    """
    costs = {}
    for name in dict.fromkeys(names):
        build_reference(name, resolution=proxy_resolution, in_channels=1, classes=2)
        model = build_reference(name, resolution=resolution, in_channels=3, classes=1000)
        costs[name] = count(model, resolution=resolution)
    return costs


def reference_records(costs: Mapping[str, Cost], known: Sequence[str]) -> list[CandidateRecord]:
    """The references asked for, as the store keeps them: -1, -2, ... in the order they came.

    Args:
        costs: of each reference asked for, by `timm:NAME`.
        known: names of those that the store has, -1 first; they keep their numbers.
    """
    order = [*known, *(name for name in costs if name not in known)]
    return [
        CandidateRecord(
            index=-1 - order.index(name),
            architecture={KEY: name},
            hash=name,
            flops=cost.flops,
            params=cost.params,
            activations=cost.activations,
        )
        for name, cost in costs.items()
    ]
