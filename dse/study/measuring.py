"""What a study's networks take on this machine, and zero-cost scores of them, kept in its store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from dse.architecture.spec import Architecture
from dse.network.measure import Measurement, Setting, measure_networks
from dse.network.measure.scores import SCORE_NAMES, score_networks
from dse.proxy.recipe import Proxy
from dse.store.records import CandidateRecord, MeasurementRecord
from dse.store.store import Store

TOGETHER: Final = 8
"""Networks measured beside each other, and stored together: a kill loses no more."""

KEY: Final = ("name", "device", "dtype", "batch", "layout", "resolution")
"""What a number is known by; of a score, the name alone."""
Key = tuple[str | int, ...]
Report = Callable[[int, int], None]
"""Called with (networks done, networks in all)."""


def measure_study(
    store: Store, names: Sequence[str], setting: Setting, *, runs: int, report: Report
) -> int:
    """Measure the study's networks and keep what is found; how many were measured.

    Those that have all of `names` under these conditions already are left as they are.
    """

    def found(networks: Sequence[Architecture]) -> Iterable[Sequence[Measurement]]:
        return measure_networks(networks, what=names, setting=setting, runs=runs)

    wanted = [_key(measurement_record(0, setting.measured(name, [0.0]))) for name in names]
    return _keep_all(store, wanted, found, report)


def score_study(store: Store, setting: Setting, *, report: Report) -> int:
    """Compute zero-cost scores of the study's networks under its proxy and seed, and keep them."""
    study = store.existing_study()
    proxy = Proxy.model_validate(study.proxy)

    def found(networks: Sequence[Architecture]) -> Iterable[Sequence[Measurement]]:
        with setting.applied():
            return score_networks(networks, proxy=proxy, device=setting.device, seed=study.seed)

    return _keep_all(store, [(name,) for name in SCORE_NAMES], found, report)


def _keep_all(
    store: Store,
    wanted: Sequence[Key],
    find: Callable[[Sequence[Architecture]], Iterable[Sequence[Measurement]]],
    report: Report,
) -> int:
    everything = store.candidates()
    missing = _without(store, everything, wanted)
    for first in range(0, len(missing), TOGETHER):
        report(len(everything) - len(missing) + first, len(everything))
        some = missing[first : first + TOGETHER]
        found = find([Architecture.from_dict(each.architecture) for each in some])
        store.add_measurements(
            measurement_record(each.index, one)
            for each, several in zip(some, found, strict=True)
            for one in several
        )
    return len(missing)


def _without(
    store: Store, candidates: Sequence[CandidateRecord], wanted: Sequence[Key]
) -> list[CandidateRecord]:
    """The networks that lack one of the wanted numbers."""
    columns = ["index", *KEY[: len(wanted[0])]]
    there = set(store.measurements()[columns].itertuples(index=False, name=None))
    return [c for c in candidates if any((c.index, *key) not in there for key in wanted)]


def _key(record: MeasurementRecord) -> Key:
    return tuple(getattr(record, name) for name in KEY)


def measurement_record(index: int, found: Measurement) -> MeasurementRecord:
    """A measurement of network `index` as the store keeps it; threads are part of the device."""
    values = dict(vars(found))
    threads = values.pop("threads")
    if threads is not None:
        values["device"] += f", {threads} {'thread' if threads == 1 else 'threads'}"
    return MeasurementRecord(index=index, **values)
