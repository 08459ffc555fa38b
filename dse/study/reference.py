"""References from outside the family: any timm model under the study's own proxy.

A reference is a candidate with a negative number, so that it goes the same way as every network and
never enters a statistic of the population. It is trained at its full width, as nobody can say what
a quarter of a foreign network is; its cost stands beside it.
"""

from __future__ import annotations

from collections.abc import Sequence

from dse.network.timm_model import build_reference
from dse.network.verify import count
from dse.proxy.recipe import Proxy
from dse.store.records import CandidateRecord

KEY = "reference"
"""The only key of a reference's architecture in the store; its value is `timm:NAME`."""


def reference_records(
    names: Sequence[str], known: Sequence[str], proxy: Proxy, resolution: int
) -> list[CandidateRecord]:
    """The references as the store keeps them, those already known under their old numbers.

    Args:
        names: `timm:NAME`, in the order asked for.
        known: those in the store, -1 first.
        proxy: whose images they must be able to take.
        resolution: at which their cost is counted.

    Raises:
        UserError: there is no such model, or it cannot take images of one of the two sizes.
    """
    order = [*known, *(name for name in dict.fromkeys(names) if name not in known)]
    records = []
    for number, name in enumerate(order, start=1):
        if name in known:
            continue
        build_reference(name, resolution=proxy.resolution, in_channels=1, classes=2)
        model = build_reference(name, resolution=resolution, in_channels=3, classes=1000)
        cost = count(model, resolution=resolution)
        records.append(
            CandidateRecord(
                index=-number,
                architecture={KEY: name},
                hash=name,
                flops=cost.flops,
                params=cost.params,
                activations=cost.activations,
            )
        )
    return records
