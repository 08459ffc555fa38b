"""What matters: effects of levels, shares of variance, interactions, a narrower space's gain."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
from scipy import stats

from coverage_cases.case import Case, FloatArray, Sample, Space
from dse.analysis.estimate import Estimate
from dse.analysis.factors.contrasts import held_effects, kruskal_p, sampled_effects
from dse.analysis.factors.importance import variance_share
from dse.analysis.factors.interactions import interactions
from dse.analysis.factors.levels import Factor, Networks
from dse.analysis.factors.narrowing import chosen_levels, median_gain, narrowing, within

LAYERS = (0, 3, 7)
PAIRS = ((0, 1), (4, 7), (6, 7))


def factors(layers: np.ndarray) -> tuple[Factor, ...]:
    """The choice in each of the eight layers: identity or one of two blocks."""
    return tuple(
        Factor(name=f"layer.{k}", codes=layers[:, k], levels=("0", "1", "2"))
        for k in range(layers.shape[1])
    )


def found(sample: Sample) -> Networks:
    """The sample as the package sees it."""
    return Networks(outcome=sample.errors, factors=factors(sample.layers), classes=10)


def whole(space: Space) -> tuple[FloatArray, np.ndarray]:
    """Every training of the space, and the layers of its network."""
    return space.errors.ravel(), np.repeat(space.layers, space.errors.shape[1], axis=0)


def holds(estimate: Estimate | None, truth: float) -> bool:
    """Whether there is an interval and it covers."""
    return estimate is not None and estimate.lower <= truth <= estimate.upper


def true_effect(layer: int, level: int, space: Space) -> float:
    """Geometric mean of errors at a level over that at the two others, which come as often."""
    is_level = space.layers[:, layer] == level
    logs = np.log(space.errors)
    return float(np.expm1(logs[is_level].mean() - logs[~is_level].mean()))


def places(errors: FloatArray) -> FloatArray:
    """Ranks from 0 to 1."""
    return (stats.rankdata(errors, axis=None).reshape(errors.shape) - 0.5) / errors.size


def sampled_covers(layer: int, level: int, sample: Sample, truth: float) -> bool:
    """The plain difference of means."""
    return holds(
        sampled_effects(np.log(sample.errors), factors(sample.layers)[layer])[level], truth
    )


def held_covers(layer: int, level: int, sample: Sample, truth: float) -> bool:
    """The difference with all other layers held."""
    return holds(held_effects(np.log(sample.errors), factors(sample.layers))[layer][level], truth)


def true_share(layer: int, space: Space) -> float:
    """The variance of level means over that of single trainings, of ranks."""
    ranks = places(space.errors)
    means = [ranks[space.layers[:, layer] == level].mean() for level in range(3)]
    return float(np.var(means) / np.var(ranks))


def share_covers(layer: int, sample: Sample, truth: float) -> bool:
    """The first-order share of variance."""
    return holds(variance_share(places(sample.errors), factors(sample.layers)[layer]), truth)


def true_size(pair: tuple[int, int], space: Space) -> float:
    """The standard deviation of a pair's cell means beyond rows and columns."""
    a, b = (space.layers[:, k] for k in pair)
    ranks = places(space.errors)
    cells = np.array([[ranks[(a == i) & (b == j)].mean() for j in range(3)] for i in range(3)])
    beyond = cells - cells.mean(0) - cells.mean(1)[:, None] + cells.mean()
    return float(np.sqrt((beyond**2).mean()))


def size_covers(pair: tuple[int, int], sample: Sample, truth: float) -> bool:
    """The size of an interaction."""
    names = tuple(f"layer.{k}" for k in pair)
    return holds(next(i.size for i in interactions(found(sample)) if i.names == names), truth)


def nothing(_: Space) -> None:
    """A test has no truth, and what a proposal gains has one of its own in every sample."""


def permuted(sample: Sample) -> Networks:
    """The same networks, with errors that have nothing to do with them."""
    return found(replace(sample, errors=sample.rng.permutation(sample.errors)))


def one_rejects(sample: Sample, _: object) -> bool:
    """The F test of one pair where nothing matters."""
    pairs = {each.names: each for each in interactions(permuted(sample))}
    return pairs[("layer.0", "layer.1")].p_value <= 0.05


def any_rejects(sample: Sample, _: object) -> bool:
    """Any of 28 pairs, corrected, where nothing matters."""
    return any(each.corrected <= 0.05 for each in interactions(permuted(sample)))


def kruskal_rejects(sample: Sample, _: object) -> bool:
    """The rank test of one layer where nothing matters."""
    made = permuted(sample)
    return kruskal_p(made.factors[0], made.places) <= 0.05


def left_out_anything(sample: Sample, _: object) -> bool:
    """Whether the rule of the narrower space leaves out a level where nothing matters."""
    return any(chosen_levels(permuted(sample)))


def gain_covers(sample: Sample, _: object) -> bool:
    """The gain of whatever is proposed against its own truth; where nothing is, nothing is said."""
    proposal = narrowing(found(sample))
    if proposal.gain is None:
        return True
    left_out = {kept.name: set(map(int, kept.left_out)) for kept in proposal.kept}
    everyone = factors(sample.space.layers)
    out = [sorted(left_out.get(factor.name, ())) for factor in everyone]
    inside = within(everyone, out, len(sample.space.layers))
    errors = sample.space.errors
    return holds(proposal.gain, float(np.median(errors) - np.median(errors[inside])))


def in_narrower(layers: np.ndarray) -> np.ndarray:
    """Networks without identity in the first and the third layer."""
    return np.asarray((layers[:, 0] != 0) & (layers[:, 2] != 0))


def true_gain(space: Space) -> float:
    """What that is worth in median error."""
    inside = in_narrower(space.layers)
    return float(np.median(space.errors) - np.median(space.errors[inside]))


def fixed_gain_covers(sample: Sample, truth: float) -> bool:
    """The gain of a proposal that was there before the sample."""
    return holds(median_gain(sample.errors, in_narrower(sample.layers)), truth)


CASES = (
    *(
        Case(
            name=f"effect of level {level} in layer {layer}, {how}",
            kind="interval",
            truth=partial(true_effect, layer, level),
            covers=partial(covers, layer, level),
        )
        for how, covers in (("as sampled", sampled_covers), ("other choices held", held_covers))
        for layer, level in ((0, 0), (3, 1), (7, 0), (7, 2))
    ),
    *(
        Case(
            name=f"share of variance of layer {layer}",
            kind="interval",
            truth=partial(true_share, layer),
            covers=partial(share_covers, layer),
        )
        for layer in LAYERS
    ),
    *(
        Case(
            name=f"size of the interaction of layers {pair[0]} and {pair[1]}",
            kind="interval",
            truth=partial(true_size, pair),
            covers=partial(size_covers, pair),
        )
        for pair in PAIRS
    ),
    Case(name="interaction, one pair", kind="test", truth=nothing, covers=one_rejects),
    Case(name="interaction, any pair (Holm)", kind="test", truth=nothing, covers=any_rejects),
    Case(name="a parameter matters (ranks)", kind="test", truth=nothing, covers=kruskal_rejects),
    Case(
        name="a narrower space is proposed", kind="bound", truth=nothing, covers=left_out_anything
    ),
    Case(
        name="gain of a given narrower space",
        kind="interval",
        truth=true_gain,
        covers=fixed_gain_covers,
    ),
    Case(
        name="gain of the proposed narrower space",
        kind="interval",
        truth=nothing,
        covers=gain_covers,
        sizes=(500,),
    ),
)
