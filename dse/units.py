"""Quantities as people write them: "4.5GFLOPs" <-> 4.5e9.

FLOPs here are multiply-adds of convolution and linear layers, as RegNet, ConvNeXt and fvcore
print them. "MACs" is accepted as another word for the same count: nothing is ever converted.
"""

from __future__ import annotations

import re

from dse.errors import UserError

CONVENTION = "FLOPs = multiply-adds of convolution and linear layers"

_PREFIXES = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}
_NUMBER = r"\s*(\d+(?:\.\d*)?|\.\d+)\s*"
_QUANTITIES = {
    "flops": (_NUMBER + r"([kmgt]?)\s*(?:flops?|macs?)\s*", "FLOPs, such as 4.5GFLOPs"),
    "params": (_NUMBER + r"([kmgt]?)\s*(?:params?|parameters)?\s*", "M, such as 25M"),
    "activations": (_NUMBER + r"([kmgt]?)\s*(?:activations)?\s*", "M, such as 10M"),
    "latency": (_NUMBER + r"(ms|us|µs|s)\s*", "ms, such as 5ms"),
    "memory": (_NUMBER + r"([kmg]i?)b\s*", "MB, such as 200MB"),
}
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}
_PERCENT = re.compile(r"\s*(?:±|\+-|\+/-)?\s*(\d+(?:\.\d*)?|\.\d+)\s*%\s*")


def parse_quantity(text: str, metric: str) -> float:
    """Read a positive amount of FLOPs, parameters, activations, latency [s] or memory [bytes].

    >>> parse_quantity("4.5GFLOPs", "flops"), parse_quantity("5ms", "latency")
    (4500000000.0, 0.005)

    Raises:
        UserError: the text is not a positive number with a unit of its kind.
    """
    pattern, example = _QUANTITIES[metric]
    match = re.fullmatch(pattern, text, re.IGNORECASE)
    amount = float(match[1]) * _factor(match[2].lower()) if match else 0.0
    if not 0 < amount < 1e30:
        raise UserError(f"{text!r} is not a budget: write a positive number with {example}.")
    return amount


def _factor(unit: str) -> float:
    if unit in _SECONDS:
        return _SECONDS[unit]
    return 1024.0 ** ("kmg".index(unit[0]) + 1) if unit.endswith("i") else _PREFIXES[unit]


def parse_percent(text: str) -> float:
    """Read a percentage as a fraction.

    >>> parse_percent("±1%")
    0.01

    Raises:
        UserError: the text is not a percentage between 0 and 100.
    """
    match = _PERCENT.fullmatch(text)
    fraction = float(match[1]) / 100 if match else 0.0
    if not 0 < fraction < 1:
        raise UserError(f"{text!r} is not a tolerance: write a percentage such as 1%.")
    return fraction


def format_count(value: float, unit: str = "") -> str:
    """Write a count with three decimals at most and a prefix.

    >>> format_count(4_455_531_264, "FLOPs")
    '4.456 GFLOPs'
    >>> format_count(28_589_128)
    '28.589 M'
    """
    for prefix, factor in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= factor:
            return (
                f"{value / factor:.4g} {prefix}{unit}"
                if abs(value) >= 1000 * factor
                else (f"{value / factor:.3f} {prefix}{unit}")
            )
    return f"{value:g} {unit}".rstrip()


def format_quantity(amount: float, metric: str) -> str:
    """Write an amount of a metric.

    >>> format_quantity(4.5e9, "flops"), format_quantity(0.005, "latency")
    ('4.500 GFLOPs', '5 ms')
    """
    if metric == "latency":
        return f"{amount * 1e3:.4g} ms"
    return format_count(amount, {"flops": "FLOPs", "memory": "B"}.get(metric, ""))


def format_duration(seconds: float) -> str:
    """Write a duration as people say it.

    >>> format_duration(42), format_duration(400), format_duration(9000)
    ('42 s', '6 min 40 s', '2 h 30 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
