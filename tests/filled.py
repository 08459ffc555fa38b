"""Surveys whose results come from a formula: stores in a second, without any training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dse.store.records import TrialResult
from dse.store.store import Store
from dse.study.asked import make_survey
from dse.study.plan import candidate_record
from tests.spaces import CONVNEXT_FILE
from tests.store.records import result


def fill_survey(
    store: Path,
    *,
    space: str = str(CONVNEXT_FILE),
    models: int = 24,
    shift: float = 0.0,
    diverged: tuple[int, ...] = (),
    ended: int | None = None,
    proxy: str = "embedded",
    study: str | None = None,
    **options: Any,
) -> Path:
    """A store with a survey of `models` networks, each a `shift` worse than the formula's.

    Fewer parameters and larger kernels are worse, and each training has noise of its own. Only the
    first `ended` networks have ended, all by default.
    """
    asked: dict[str, Any] = {"budget": "4.5GFLOPs", "seed": 0} | options
    survey = make_survey(space=space, models=models, proxy=proxy, repeat="25%", options=asked)
    samples = list(survey.sampler.samples(models))
    with Store.open(store, create=True, study=study) as opened:
        opened.create_study(survey.record())
        opened.add_candidates(map(candidate_record, samples))
        opened.add_trials(t for t in survey.first_trials() if t.index < (ended or models))
        while (claim := opened.claim("test")) is not None:
            sample = samples[claim.index]
            rng = np.random.default_rng([asked["seed"], claim.index, claim.replicate])
            error = 0.4 - 0.1 * np.log(sample.cost.params / 28e6) + shift
            error += 0.005 * sample.architecture.kernel_sizes[2] + 0.01 * rng.standard_normal()
            is_bad = claim.index in diverged and claim.replicate == 0
            opened.complete(
                claim, _diverged() if is_bad else result(float(np.clip(error, 0.05, 0.94)))
            )
        if ended is not None:
            opened.add_trials(survey.first_trials())
    return store


def _diverged() -> TrialResult:
    return TrialResult(
        state="diverged", reason="the loss became NaN", classes=20, device="cpu", dtype="float32"
    )
