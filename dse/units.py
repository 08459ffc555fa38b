"""Quantities as people write them: "4.5GFLOPs" <-> 4.5e9.

FLOPs here are multiply-adds of convolution and linear layers, as RegNet, ConvNeXt and fvcore
print them. "MACs" is accepted as another word for the same count: nothing is ever converted.
"""

from __future__ import annotations

import re

from dse.errors import UserError

CONVENTION = "FLOPs = multiply-adds of convolution and linear layers"

_PREFIXES = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}
_FLOPS = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([kmgt]?)\s*(?:flops?|macs?)\s*", re.IGNORECASE)
_PERCENT = re.compile(r"\s*(?:±|\+-|\+/-)?\s*(\d+(?:\.\d*)?|\.\d+)\s*%\s*")


def parse_flops(text: str) -> float:
    """Read a number of FLOPs.

    >>> parse_flops("4.5GFLOPs")
    4500000000.0

    Raises:
        UserError: the text is not a positive number with the unit FLOPs or MACs.
    """
    match = _FLOPS.fullmatch(text)
    flops = float(match[1]) * _PREFIXES[match[2].lower()] if match else 0.0
    if flops <= 0:
        raise UserError(
            f"{text!r} is not a budget: write a positive number with k, M, G or T and FLOPs, "
            "such as 4.5GFLOPs or 600MFLOPs."
        )
    return flops


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
