"""What are stratified and quasi-random designs worth, and what do intervals do under them?

    python benchmarks/designs.py [--resamples 4000]

Populations of a complete space (eight layers of three choices, 6,561 networks), one of three seeds
each, by the streams of `dse run`, in which a third of [0, 1) is a value of a layer. Strata are the
values of the first layer of each stage, named before looking. Writes results/designs.json and .md.
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np
from coverage import DATA, RESULTS
from coverage_cases.case import FloatArray, Sample, Space, load_space, sample_of
from coverage_cases.distributions import band_covers, point_covers, true_curve, true_point
from coverage_cases.efficient import features
from scipy import stats

from dse.analysis.distributions import mean
from dse.analysis.efficient.control import Measured, adjusted_mean
from dse.analysis.estimate import Estimate
from dse.analysis.intervals import mean_interval
from dse.space.sampling.streams import Design, Stream

SIZES, SEED = (50, 100, 500), 11
DESIGNS = ("independent", "stratified", "latin_hypercube", "sobol")
STRATIFIED = (0, 2, 5)
PLAIN = "mean log error"
Answer = tuple[float, bool]


def population(space: Space, design: str, n: int, number: int) -> Sample:
    """Networks 0 to n - 1 of a study of this design, their seeds drawn independently."""
    key = (SEED, n, number, DESIGNS.index(design))
    kinds = {"stratified": "independent", "latin_hypercube": f"latin_hypercube:{n}"}
    stream = Stream(key=key, columns=8, design=Design.parse(kinds.get(design, design)))
    layers = (3 * stream.points(np.arange(n), 0)[:, 0]).astype(np.int64)
    rng = np.random.default_rng(key)
    if design == "stratified":  # as --stratify: every stratum once a block, in random order
        strata = 3 ** len(STRATIFIED)
        cells = np.concatenate([rng.permutation(strata) for _ in range(-(-n // strata))])[:n]
        layers[:, STRATIFIED] = cells[:, None] // 3 ** np.arange(len(STRATIFIED)) % 3
    rows = layers @ 3 ** np.arange(7, -1, -1)  # networks are in the order of their keys
    return sample_of(space, rows, rng)


def adjusted(sample: Sample) -> Estimate:
    """The mean log error by control variates."""
    x, y = features(sample.space), np.log(sample.errors)
    measured = Measured(features=x[sample.rows], outcomes=y, space_means=x.mean(axis=0))
    return adjusted_mean(measured).difference


def interval(truth: float, estimate: Callable[[Sample], Estimate], sample: Sample) -> Answer:
    """An estimate, and whether its interval covers."""
    found = estimate(sample)
    return found.value, found.lower <= truth <= found.upper


def point(truth: tuple[float, float], sample: Sample) -> Answer:
    """The EDF at one error, and whether the pointwise band covers."""
    return float((sample.errors < truth[0]).mean()), point_covers(sample, truth)


def statistics(space: Space) -> dict[str, Callable[[Sample], Answer]]:
    """Truths are over all networks and seeds; a whole curve has no value."""
    logs, curve = float(np.log(space.errors).mean()), true_curve(space)
    return {
        "mean error": partial(interval, float(space.errors.mean()), lambda s: mean(s.errors)),
        PLAIN: partial(interval, logs, lambda s: mean_interval(np.log(s.errors))),
        f"{PLAIN}, control variates": partial(interval, logs, adjusted),
        **{f"EDF where it is {p:g}": partial(point, true_point(p, space)) for p in (0.1, 0.5, 0.9)},
        "EDF, simultaneous band": lambda s: (np.nan, band_covers("equal_levels", s, curve)),
    }


def compare(base: FloatArray, own: FloatArray) -> dict[str, Any]:
    """Two unrelated runs (resamples, 2) of independent draws and a design: value, is covered."""
    resamples, held = len(own), int(own[:, 1].sum())
    cover = stats.binomtest(held, resamples).proportion_ci(0.95)
    sides = own[:, 0], base[:, 0]
    gain = sides[1].var(ddof=1) / sides[0].var(ddof=1)
    # The variance of the logarithm of a variance is (kurtosis - 1) / resamples.
    error = np.sqrt(sum((stats.kurtosis(side, fisher=False) - 1) / resamples for side in sides))
    error *= not np.array_equal(*sides)
    bounds = gain * np.exp(stats.norm.ppf(0.975) * error * np.array([-1, 1]))
    gains = None if np.isnan(gain) else [gain, *bounds]
    return {"gain": gains, "covers": [held / resamples, cover.low, cover.high]}


def measure(space: Space, n: int, resamples: int) -> list[dict[str, Any]]:
    """All designs and statistics at one size."""
    asked = statistics(space)
    found = {}
    for design in DESIGNS:
        samples = (population(space, design, n, number) for number in range(resamples))
        found[design] = np.array([[ask(sample) for ask in asked.values()] for sample in samples])
    plain = [[*asked].index(PLAIN if PLAIN in name else name) for name in asked]
    return [
        {"statistic": name, "n": n, "design": design}
        | compare(found[DESIGNS[0]][:, plain[k]], found[design][:, k])
        for k, name in enumerate(asked)
        for design in DESIGNS
    ]


def as_text(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    lines = [
        "# Designs on a complete space\n",
        f"{result['date']}, {result['machine']}, {result['resamples']:,} populations a row.",
        "Gain: the variance of the plain estimate with independent draws over this one's. Covers:",
        "how often the 95 % interval for independent draws does. In brackets 95 % intervals.\n",
        "| statistic | n | design | gain | covers |\n|---|---|---|---|---|",
    ]
    for row in result["rows"]:
        gain = "{:.2f} ({:.2f} to {:.2f})".format(*row["gain"]) if row["gain"] else ""
        covers = "{:.1f} % ({:.1f} to {:.1f})".format(*(100 * share for share in row["covers"]))
        design = row["design"].replace("_", " ")
        lines.append(f"| {row['statistic']} | {row['n']} | {design} | {gain} | {covers} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--resamples", type=int, default=4000)
    resamples, space = parser.parse_args().resamples, load_space(DATA)
    versions = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy"))
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, Python {platform.python_version()}, {versions}",
        "resamples": resamples,
        "rows": [row for n in SIZES for row in measure(space, n, resamples)],
    }
    (RESULTS / "designs.json").write_text(json.dumps(result, indent=1) + "\n")
    (RESULTS / "designs.md").write_text(as_text(result))


if __name__ == "__main__":
    main()
