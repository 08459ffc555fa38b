"""Full trainings beside the proxy that chose their networks: both errors, and do the orders agree?

Every network that was trained fully adds a pair, so that the rank correlation gets surer with
each. The first training of a network counts on either side, as in `dse.analysis.fidelity`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy import stats

from dse.analysis.agreement import MINIMUM_NETWORKS, rank_agreement
from dse.analysis.estimate import Estimate, jsonable
from dse.analysis.population import ENDED_STATES, first_seeds, outcomes
from dse.analysis.summary import interval, percent

NOTE: Final = (
    "Errors of the final epoch. The proxy's is that of the first seed, by which networks are "
    "chosen, and so too good on average. The interval is the exact binomial one of the held-out "
    "images (95 %), without seed noise."
)
SELECTED: Final = (
    "Networks are chosen for a full training by the proxy, as a rule, and are no random sample."
)


@dataclass(frozen=True, kw_only=True)
class FullStudy:
    """What all full trainings of one kind have in common.

    `name` is its study in the store; `data` the images, `initial` the weights it began with, None
    for fresh ones.
    """

    name: str
    data: str
    initial: str | None = None


@dataclass(frozen=True, kw_only=True)
class FullTraining:
    """A full training of network `index`, the `replicate`-th from 0.

    `error` is a fraction of `test_images`, None where it ended badly for `reason`. `proxy` is the
    outcome of the network's first training under the proxy: `inf` where that ended badly, None
    where it has not ended. `epochs` is how many were trained.
    """

    study: FullStudy
    index: int
    replicate: int
    state: str
    reason: str | None
    error: float | None
    test_images: int
    epochs: int
    proxy: float | None

    @property
    def interval(self) -> Estimate | None:
        """Clopper & Pearson's (1934) interval of the error; None where there is none."""
        if self.error is None or self.test_images < 1:
            return None
        wrong = round(self.error * self.test_images)
        found = stats.binomtest(wrong, self.test_images).proportion_ci(0.95, method="exact")
        low, high = float(found.low), float(found.high)
        return Estimate(value=self.error, lower=low, upper=high, n=self.test_images)


def full_trainings(
    study: FullStudy, full: pd.DataFrame, curves: pd.DataFrame, proxy: pd.DataFrame
) -> list[FullTraining]:
    """The full trainings of a study, by network and replicate.

    Args:
        study: what it is.
        full: its population, one row a training.
        curves: its learning curves, one row an epoch.
        proxy: the population of the study that its networks are from.
    """
    first = first_seeds(proxy)
    known = dict(zip(first["index"], outcomes(first), strict=True))
    epochs = curves.groupby(["index", "replicate"])["epoch"].max().to_dict()
    rows = full[full["state"].isin(ENDED_STATES)].sort_values(["index", "replicate"])
    return [
        FullTraining(
            study=study,
            index=int(row["index"]),
            replicate=int(row["replicate"]),
            state=str(row["state"]),
            reason=row["reason"],
            error=float(row["error"]) if row["state"] == "complete" else None,
            test_images=int(row["test_images"]),
            epochs=int(epochs.get((row["index"], row["replicate"]), 0)),
            proxy=known.get(row["index"]),
        )
        for row in rows.to_dict("records")
    ]


def full_of(trainings: Iterable[FullTraining], rows: pd.DataFrame) -> tuple[FullTraining, ...]:
    """Those of the networks that `rows` has a training of."""
    kept = set(rows["index"])
    return tuple(each for each in trainings if each.index in kept)


def table_row(training: FullTraining) -> dict[str, Any]:
    """A full training as a person reads it."""
    bounds = training.interval
    study = training.study
    return {
        "network": training.index,
        "seed": training.replicate + 1,
        "proxy": _shown(training.proxy),
        "full": training.state if training.error is None else percent(training.error),
        "interval": "–" if bounds is None else f"{interval(bounds)} (n = {bounds.n:,})",
        "epochs": training.epochs,
        "data": study.data if study.initial is None else f"{study.data}, from {study.initial}",
        "study": study.name,
    }


def json_row(training: FullTraining) -> dict[str, Any]:
    """A full training with stable keys; errors are fractions."""
    bounds, row = training.interval, dict(vars(training))
    row |= {"study": training.study.name, "data": training.study.data}
    row |= {"initial": training.study.initial, "network": row.pop("index"), "what": "full_training"}
    row["lower"], row["upper"] = (bounds.lower, bounds.upper) if bounds else (None, None)
    found: dict[str, Any] = jsonable(row)
    return found


@dataclass(frozen=True, kw_only=True)
class FullAgreement:
    """Do the proxy and the full trainings of one study put networks into the same order?

    Attributes:
        study: the full trainings.
        indices: the networks that have ended under both.
        tau, rho: None where there are fewer than five, or one side does not vary.
        top: how many of them are among as many best by the proxy.
        surveyed: networks whose first training under the proxy has ended.
    """

    study: FullStudy
    indices: tuple[int, ...]
    tau: Estimate | None
    rho: Estimate | None
    top: int
    surveyed: int

    @property
    def needed(self) -> int:
        """So many more networks must be trained fully before a correlation can be told."""
        return max(0, MINIMUM_NETWORKS - len(self.indices))

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is known, and what it must not be taken for."""
        return (_agreement_says(self), _selection_says(self))

    def rows(self) -> list[dict[str, Any]]:
        """One row a number, as `dse.analysis.fidelity_text` has them."""
        shared = {"study": self.study.name, "chance": 0.0, "needed": self.needed}
        says = " ".join(self.sentences)
        named: Mapping[str, Estimate | None] = {"kendall_tau_b": self.tau, "spearman_rho": self.rho}
        return [
            {"what": what, "value": None, "lower": None, "upper": None, "n": len(self.indices)}
            | ({key: getattr(e, key) for key in ("value", "lower", "upper", "n")} if e else {})
            | shared
            | {"says": says}
            for what, e in named.items()
        ]


def agreements(trainings: Iterable[FullTraining], proxy: pd.DataFrame) -> list[FullAgreement]:
    """One for each study of full trainings, in their order.

    Args:
        trainings: of networks of one study.
        proxy: the population of that study.
    """
    groups: dict[FullStudy, list[FullTraining]] = {}
    for training in trainings:
        groups.setdefault(training.study, []).append(training)
    first = first_seeds(proxy)
    order = first["index"].to_numpy()[np.argsort(outcomes(first), kind="stable")]
    return [_agreement(study, each, order) for study, each in groups.items()]


def _agreement(
    study: FullStudy, trainings: Sequence[FullTraining], order: np.ndarray[Any, Any]
) -> FullAgreement:
    both = [t for t in trainings if t.replicate == 0 and t.proxy is not None]
    indices = tuple(t.index for t in both)
    cheap = np.array([t.proxy for t in both], dtype=np.float64)
    dear = np.array([np.inf if t.error is None else t.error for t in both], dtype=np.float64)
    tau, rho = rank_agreement(cheap, dear)
    top = int(np.isin(indices, order[: len(indices)]).sum()) if indices else 0
    return FullAgreement(
        study=study, indices=indices, tau=tau, rho=rho, top=top, surveyed=len(order)
    )


def _agreement_says(found: FullAgreement) -> str:
    n, name = len(found.indices), found.study.name
    networks = f"{n} network{'' if n == 1 else 's'}"
    if found.needed:
        return (
            f"{name}: {networks} ended under the proxy and under a full training: too few for "
            f"Kendall's τ-b, which needs {MINIMUM_NETWORKS}; {found.needed} more must be trained "
            "fully."
        )
    if found.tau is None:
        return (
            f"{name}: {networks} ended under both, but their errors do not differ under one of "
            "the two, so that Kendall's τ-b cannot be told."
        )
    tau, right = found.tau, 50 * (1 + found.tau.value)
    return (
        f"{name}: Kendall's τ-b is {tau.value:.2f} ({100 * tau.confidence:g} % interval "
        f"{tau.lower:.2f} to {tau.upper:.2f}, n = {tau.n}): of two networks whose errors differ, "
        f"the proxy puts about {right:.0f} % in the order of the full training, where guessing "
        "puts 50 %."
    )


def _selection_says(found: FullAgreement) -> str:
    n = len(found.indices)
    return (
        f"Networks are chosen for a full training by the proxy, as a rule ({found.top} of these "
        f"{n} are among its {n} best of {found.surveyed}), and are no random sample: where the "
        "range of their errors is cut by selection, their correlation is not that of the whole "
        "population, which is usually higher."
    )


def _shown(outcome: float | None) -> str:
    if outcome is None:
        return "–"
    return "ended badly" if np.isinf(outcome) else percent(outcome)
