"""What a cluster wants to know of a job: `--slurm key=value`, or a YAML file of the same keys."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator

from dse.config import Config, load_config, load_yaml, parse_config
from dse.errors import UserError

_TIME = re.compile(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?")


def _as_lines(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class SlurmOptions(Config):
    """Options of sbatch, by its names.

    Attributes:
        time: the limit of each job, in SLURM's notation; at its end the job is requeued, so that a
            short one is no loss and starts sooner.
        signal_seconds: how long before it the worker is told to give its trial back.
        setup: shell lines before the worker, such as `module load cuda`.
        sbatch: further long options of sbatch, without their dashes.
    """

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    gres: str | None = None
    constraint: str | None = None
    time: str = "4:00:00"
    signal_seconds: int = Field(default=90, ge=10)
    setup: Annotated[tuple[str, ...], BeforeValidator(_as_lines)] = ()
    sbatch: dict[str, str | int | bool] = Field(default_factory=dict)

    @field_validator("time", mode="before")
    @classmethod
    def _time(cls, value: Any) -> Any:
        # YAML 1.1 reads 4:00:00 as 14400, which SLURM would take for minutes
        if not isinstance(value, str):
            raise ValueError('must be a quoted text, such as "4:00:00" for four hours')
        minutes(value)
        return value


def minutes(time: str) -> int:
    """The minutes, rounded up, of a time as sbatch writes it.

    >>> minutes("90"), minutes("4:00:00"), minutes("1-12"), minutes("2-00:30"), minutes("10:01")
    (90, 240, 2160, 2910, 11)

    Raises:
        ValueError: it is none, or zero.
    """
    match = _TIME.fullmatch(time.strip())
    if match is None:
        raise ValueError('must be such as "90" (minutes), "4:00:00" or "1-12:00:00" (days)')
    days, first, second, third = (int(part) if part else 0 for part in match.groups())
    if match[1] is not None:
        seconds = ((24 * days + first) * 60 + second) * 60 + third
    elif match[4] is not None:
        seconds = (first * 60 + second) * 60 + third
    else:
        seconds = first * 60 + second
    if not seconds:
        raise ValueError("must be more than zero")
    return math.ceil(seconds / 60)


def slurm_options(settings: Iterable[str]) -> SlurmOptions:
    """Read `key=value` pairs and YAML files, of which later ones win.

    `sbatch.KEY=VALUE` is a further option of sbatch.

    Raises:
        UserError: a file, a key or a value is not usable.
    """
    found: dict[str, Any] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            load_config(SlurmOptions, setting)  # tells mistakes with their lines
            found |= load_yaml(setting)
        elif key.startswith("sbatch."):
            found["sbatch"] = {**found.get("sbatch", {}), key.removeprefix("sbatch."): value}
        elif not key or not value:
            raise UserError(f"--slurm {setting}: write key=value, or the name of a YAML file.")
        else:
            found[key] = value
    return parse_config(SlurmOptions, found, source="--slurm")
