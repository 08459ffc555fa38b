"""What a network may cost: a window around a target, and limits beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from dse.errors import UserError
from dse.units import format_quantity, parse_percent, parse_quantity

COUNTED: Final = ("flops", "params", "activations")
"""What is known on paper."""
MEASURED: Final = ("latency", "memory")
"""What must be measured on this device, of one inference of one image."""
METRICS: Final = COUNTED + MEASURED

_TERM = re.compile(r"\s*(?:(\w+)\s*(<=|=)\s*)?([^<=]+)")
_RANGE = re.compile(r"\s*([\d.]+)\s*-\s*([\d.]+)\s*([a-zA-Z]+)\s*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """The most that a network may have of a metric.

    Attributes:
        metric: one of `METRICS`.
        most: multiply-adds, parameters, output elements, seconds or bytes.
    """

    metric: str
    most: float

    def __str__(self) -> str:
        measured = " for one image in float32, as measured" if self.metric in MEASURED else ""
        return f"{self.metric} at most {format_quantity(self.most, self.metric)}{measured}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """A window of one counted metric around a target, and limits on others.

    Attributes:
        target: the middle of the window: multiply-adds of convolution and linear layers for one
            image, or parameters, or output elements of those layers.
        metric: which of the three: `flops`, `params` or `activations`.
        tolerance: half width of the window as a fraction of the target.
        resolution: height and width of the image in pixels.
        limits: what else is bounded above.
    """

    target: float
    metric: str = "flops"
    tolerance: float = 0.01
    resolution: int = 224
    limits: tuple[Limit, ...] = ()

    def __post_init__(self) -> None:
        if not 16 <= self.resolution <= 4096:
            raise UserError(f"resolution must be from 16 to 4096 pixels, not {self.resolution}.")

    @classmethod
    def parse(
        cls, texts: str | Sequence[str], *, tolerance: str = "1%", resolution: int = 224
    ) -> Budget:
        """Read "4.5GFLOPs", or several terms such as "params=25M" and "activations<=10M".

        Exactly one term is the target; a range such as "360-400MFLOPs" has its own tolerance.

        >>> str(Budget.parse(["4.5GFLOPs", "params<=30M"]))
        '4.500 GFLOPs ± 1 % at 224 px, params at most 30.000 M'

        Raises:
            UserError: a text is not a quantity of its kind, or there is not exactly one target.
        """
        targets: list[tuple[str, float, float]] = []
        limits = []
        for text in [texts] if isinstance(texts, str) else texts:
            metric, limited, quantity = _term(text)
            if limited:
                limits.append(Limit(metric=metric, most=parse_quantity(quantity, metric)))
            else:
                targets.append((metric, *_window(quantity, metric, tolerance)))
        if len(targets) != 1:
            raise UserError(
                f"--budget: give exactly one target, such as 4.5GFLOPs or params=25M, not "
                f"{len(targets)}; limits are written as params<=30M."
            )
        if len({limit.metric for limit in limits}) < len(limits):
            raise UserError("--budget: give one limit for each metric.")
        (metric, target, half_width), *_ = targets
        return cls(
            target=target,
            metric=metric,
            tolerance=half_width,
            resolution=resolution,
            limits=tuple(sorted(limits, key=lambda limit: METRICS.index(limit.metric))),
        )

    @property
    def window(self) -> tuple[float, float]:
        """Lowest and highest value of the metric that are allowed."""
        return self.target * (1 - self.tolerance), self.target * (1 + self.tolerance)

    def contains(self, value: float) -> bool:
        """Whether a network with that value of the metric is inside the window."""
        low, high = self.window
        return low <= value <= high

    @property
    def measured(self) -> tuple[Limit, ...]:
        """The limits on what must be measured."""
        return tuple(limit for limit in self.limits if limit.metric in MEASURED)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for the store."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Budget:
        """The inverse of `to_dict`; budgets stored by the first version had `flops` alone."""
        if "flops" in data:
            return cls(
                target=data["flops"], tolerance=data["tolerance"], resolution=data["resolution"]
            )
        limits = tuple(Limit(**limit) for limit in data["limits"])
        return cls(**{**data, "limits": limits})

    @property
    def target_text(self) -> str:
        """The target with its unit."""
        text = format_quantity(self.target, self.metric)
        return text if self.metric == "flops" else f"{text} {self.metric}"

    def __str__(self) -> str:
        window = f"{self.target_text} ± {self.tolerance * 100:.3g} % at {self.resolution} px"
        return ", ".join([window, *map(str, self.limits)])


def _term(text: str) -> tuple[str, bool, str]:
    """A term as (metric, whether it is a limit, quantity)."""
    match = _TERM.fullmatch(text)
    metric = (match[1] or "flops").lower() if match else ""
    if not match or metric not in METRICS or (match[2] != "<=" and metric not in COUNTED):
        raise UserError(
            f"--budget {text!r}: write 4.5GFLOPs, or flops, params or activations with = or <=, "
            "such as params<=30M, or latency<=5ms or memory<=200MB."
        )
    return metric, match[2] == "<=", match[3]


def _window(text: str, metric: str, tolerance: str) -> tuple[float, float]:
    """The target and half width of a window."""
    match = _RANGE.fullmatch(text)
    if not match:
        return parse_quantity(text, metric), parse_percent(tolerance)
    low, high = (parse_quantity(match[k] + match[3], metric) for k in (1, 2))
    if low >= high:
        raise UserError(f"--budget {text!r}: the range must rise.")
    return (low + high) / 2, (high - low) / (high + low)
