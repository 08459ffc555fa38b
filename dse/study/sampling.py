"""What a person asks for in words, as a sampler."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, get_args

from dse.architecture.spec import Architecture
from dse.errors import UserError
from dse.space import Budget, DesignSpace, Sampler
from dse.space.sampling.sampler import VERSION, Measure, Population
from dse.space.sampling.streams import Design


def make_sampler(
    space: DesignSpace,
    *,
    budget: str | Sequence[str],
    tolerance: str = "1%",
    resolution: int = 224,
    seed: int = 0,
    population: str = "solved",
    design: str = "independent",
    stratify: Sequence[str] = (),
) -> Sampler:
    """The sampler of a space; arguments as the command line has them.

    Raises:
        UserError: one of the texts is not usable, or two do not go together.
    """
    window = Budget.parse(budget, tolerance=tolerance, resolution=resolution)
    kinds = {kind: kind for kind in get_args(Population)}
    if population not in kinds:
        raise UserError(f"--population {population!r}: write solved or conditioned.")
    return Sampler(
        space=space,
        budget=window,
        seed=seed,
        population=kinds[population],
        design=Design.parse(design),
        stratify=tuple(stratify),
        measure=measure_here(window) if window.measured else None,
    )


def sampling(sampler: Sampler) -> dict[str, Any]:
    """What the store keeps of a way of sampling, next to space, budget and seed."""
    return {
        "version": VERSION,
        "population": sampler.population,
        "design": str(sampler.design),
        "stratify": list(sampler.stratify),
    }


def stored_sampler(
    space: DesignSpace, budget: Budget, seed: int, kept: Mapping[str, Any]
) -> Sampler | None:
    """The sampler of a stored study, or None if this version cannot draw its networks again."""
    if kept.get("version") != VERSION or budget.measured:
        return None
    return Sampler(
        space=space,
        budget=budget,
        seed=seed,
        population=kept["population"],
        design=Design.parse(kept["design"]),
        stratify=tuple(kept["stratify"]),
    )


def sampling_parts(sampler: Sampler) -> list[str]:
    """The parts of a study's name that tell budget and sampling, where they are no default."""
    budget = sampler.budget
    if budget.metric == "flops":
        parts = [f"{budget.target / 1e9:.12g}GFLOPs"]
    else:
        parts = [f"{budget.target / 1e6:.12g}M{budget.metric}"]
    if budget.tolerance != 0.01:
        parts.append(f"{budget.tolerance * 100:.12g}pct")
    if budget.resolution != 224:
        parts.append(f"{budget.resolution}px")
    parts += [f"{limit.metric}-{limit.most:.12g}" for limit in budget.limits]
    if sampler.population != "solved":
        parts.append(sampler.population)
    if sampler.design != Design():
        parts.append(str(sampler.design).replace(":", ""))
    return parts + [f"by-{name}" for name in sampler.stratify]


def measure_here(budget: Budget) -> Measure:
    """Measures a network on this machine's device, each one once."""
    import torch

    from dse.network.measure import measure
    from dse.proxy.device import pick_device

    device: torch.device = pick_device()

    @cache
    def measured(architecture: Architecture) -> dict[str, float]:
        return measure(architecture, resolution=budget.resolution, device=device)

    return measured
