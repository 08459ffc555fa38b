"""What a person asks of a study in words, as a survey."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dse.errors import UserError
from dse.proxy.load import load_proxy
from dse.space import load_space
from dse.study.plan import Survey
from dse.study.sampling import make_sampler


def make_survey(
    *, space: str, models: int, proxy: str, repeat: str, options: Mapping[str, Any]
) -> Survey:
    """What `main_job`'s arguments ask for.

    Raises:
        UserError: an argument or a file is not usable.
    """
    return Survey(
        sampler=make_sampler(load_space(space), **options),
        proxy=load_proxy(proxy),
        proxy_name=Path(proxy).stem,
        models=models,
        repeat=parse_share(repeat),
    )


def parse_share(text: str) -> float:
    """Read "25%" as 0.25; "0%" and "100%" are allowed.

    Raises:
        UserError: it is not a percentage from 0 to 100.
    """
    try:
        share = float(text.strip().removesuffix("%")) / 100
    except ValueError:
        share = math.nan
    if not text.strip().endswith("%") or not 0 <= share <= 1:
        raise UserError(f"--repeat {text!r}: write a percentage from 0% to 100%.")
    return share
