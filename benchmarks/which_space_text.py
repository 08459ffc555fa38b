"""The table of `which_space.py` and what its rows say together."""

from __future__ import annotations

from typing import Any

import numpy as np

from dse.analysis.distributions import quantile

MOST, MOST_ADJUSTED, NULL_SIZES = 4000, 1000, (50, 100)


@dataclass(frozen=True)
class Space:
    """The complete space: `layers` (N, 8), `logs` (N, 3) of the errors, `flops`, `x` (N, p)."""

    layers: np.ndarray
    logs: np.ndarray
    flops: np.ndarray
    x: np.ndarray


@dataclass(frozen=True)
class Pair:
    """Two parts of the space, as masks."""

    name: str
    a: np.ndarray
    b: np.ndarray


def load() -> Space:
    """The space with its features, made as for any population."""
    with DATA.open(encoding="utf-8") as file:
        data = json.load(file)
    layers = np.array([[int(choice) for choice in key] for key in data])
    table = pd.DataFrame(
        {c: [network[c] for network in data.values()] for c in ("flops", "params")}
    )
    for number, column in enumerate(layers.T, start=1):
        table[f"arch.layers.{number}"] = np.array(["identity", "kernel 3", "kernel 5"])[column]
    errors = 1 - np.array([network["test_acc"] for network in data.values()]) / 100
    return Space(
        layers=layers,
        logs=np.log(errors),
        flops=table["flops"].to_numpy(),
        x=paper_features([table]).values[0],
    )


def pairs(space: Space) -> list[Pair]:
    """By rule: layers, neighbours, ends, numbers of identities, FLOPs fifths, and within one."""
    x, every = space.layers, np.ones(len(space.layers), dtype=bool)
    fifth = stats.rankdata(space.flops, method="ordinal") * 5 // (len(x) + 1)
    identities = (x == 0).sum(axis=1)
    found = []
    for k in range(8):
        found.append(Pair(f"all / no identity in layer {k + 1}", every, x[:, k] != 0))
    for k in range(8):
        found.append(
            Pair(f"no kernel 5 / no kernel 3 in layer {k + 1}", x[:, k] != 2, x[:, k] != 1)
        )
    for k in (0, 2, 4, 6):
        name = f"no identity in layer {k + 1} / in layer {k + 2}"
        found.append(Pair(name, x[:, k] != 0, x[:, k + 1] != 0))
    for k in (2, 3):
        last, first = (x[:, -k:] != 0).all(axis=1), (x[:, :k] != 0).all(axis=1)
        found.append(Pair(f"all / no identity in the last {k} layers", every, last))
        found.append(Pair(f"all / no identity in the first {k} layers", every, first))
        found.append(Pair(f"no identity in the first {k} / last {k} layers", first, last))
    for m in (1, 2, 3):
        found.append(Pair(f"{m} / {m + 1} identities", identities == m, identities == m + 1))
    for q in (1, 2, 3):
        found.append(Pair(f"FLOPs fifth {q + 1} / {q + 2}", fifth == q, fifth == q + 1))
    for k in (0, 3, 7):
        name = f"FLOPs fifth 3: all / no identity in layer {k + 1}"
        found.append(Pair(name, fifth == 2, (fifth == 2) & (x[:, k] != 0)))
    return found


@dataclass(frozen=True)
class Design:
    """Draws from `strata` (rows of the space), `shares` (of all networks drawn) and the decision.

    `decide` takes the log errors of each stratum and its rows and returns p and the estimate.
    """

    strata: list[np.ndarray]
    shares: np.ndarray
    decide: Callable[[list[np.ndarray], list[np.ndarray]], tuple[float, float]]

    def counts(self, n: int) -> list[int]:
        """How many of n networks each stratum is given: its share, at least two."""
        ends = np.rint(np.cumsum(self.shares) * n).astype(int)
        return [max(2, int(c)) for c in np.diff(ends, prepend=0)]


def adjusted_design(space: Space, strata: list[np.ndarray], weights: np.ndarray) -> Design:
    """Strata drawn in proportion to their weights, and the tool's contrast of them."""
    means = [space.x[rows].mean(axis=0) for rows in strata]

    def decide(logs: list[np.ndarray], rows: list[np.ndarray]) -> tuple[float, float]:
        measured = [
            Measured(features=space.x[r], outcomes=y, space_means=m)
            for r, y, m in zip(rows, logs, means, strict=True)
        ]
        found = adjusted_contrast(measured, list(weights))
        return found.p_value, found.difference.value

    return Design(strata, np.abs(weights) / np.abs(weights).sum(), decide)


def parts_design(space: Space, pair: Pair) -> Design:
    """The tool's design: what only one space has, and what both have, drawn apart."""
    only_a, only_b, both = pair.a & ~pair.b, pair.b & ~pair.a, pair.a & pair.b
    weights = np.array(overlap_weights(only_a.sum() / pair.a.sum(), only_b.sum() / pair.b.sum()))
    used = np.abs(weights) > 1e-12
    masks = [mask for mask, use in zip((only_a, only_b, both), used, strict=True) if use]
    return adjusted_design(space, [np.flatnonzero(mask) for mask in masks], weights[used])


@dataclass(frozen=True)
class Draws:
    """Rows and log errors of many resamples, the first columns of which are a smaller sample."""

    rows: list[np.ndarray]
    logs: list[np.ndarray]

    @classmethod
    def of(
        cls,
        logs: np.ndarray,
        strata: list[np.ndarray],
        counts: list[int],
        resamples: int,
        seed: int,
    ) -> Draws:
        """`resamples` independent samples with replacement, one seed each."""
        rng = np.random.default_rng(seed)
        rows = [rng.choice(s, (resamples, n)) for s, n in zip(strata, counts, strict=True)]
        return cls(rows, [logs[r, rng.integers(0, 3, r.shape)] for r in rows])

    def outcome(self, design: Design, n: int) -> np.ndarray:
        """p and estimate (resamples, 2) of the first n networks of each resample."""
        counts = design.counts(n)
        return np.array(
            [
                design.decide(
                    [logs[i, :c] for logs, c in zip(self.logs, counts, strict=True)],
                    [rows[i, :c] for rows, c in zip(self.rows, counts, strict=True)],
                )
                for i in range(len(self.rows[0]))
            ]
        )


@cache
def ks_critical(n: int) -> float:
    """The least D of two samples of n that is rejected at the level, times n; exact p."""
    grid = np.arange(n, dtype=float)
    low, high = 1, n
    while low < high:
        k = (low + high) // 2
        if stats.ks_2samp(grid, grid + k - 0.5, method="exact").pvalue <= LEVEL:
            high = k
        else:
            low = k + 1
    return low


def ks(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Which rows of log errors `a` and `b` (resamples, n) the KS test tells apart; vectorised."""
    n = a.shape[1]
    images = np.rint(TEST_IMAGES * np.exp(np.concatenate([a, b], axis=1)))
    codes = 2 * images.astype(np.int32)
    codes[:, n:] += 1
    codes.sort(axis=1)
    gap = np.cumsum(np.where(codes & 1, -1, 1), axis=1)
    last = np.diff(codes >> 1, axis=1, append=-1) != 0  # of equal errors
    return np.where(last, np.abs(gap), 0).max(axis=1) >= ks_critical(n)


def welch(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The same by Welch's t."""
    return np.asarray(stats.ttest_ind(a, b, axis=1, equal_var=False).pvalue) < LEVEL


def fewest(decided: Callable[[int], float], most: int = MOST) -> int | None:
    """The fewest networks, in steps of 2, that decide often enough; None above `most`."""
    low, high = FEWEST, 2 * FEWEST
    if decided(low) >= POWER:
        return low
    while decided(min(high, most)) < POWER:
        if high >= most:
            return None
        low, high = high, 2 * high
    high = min(high, most)
    while high - low > 2:
        middle = (low + high) // 4 * 2
        low, high = (low, middle) if decided(middle) >= POWER else (middle, high)
    return high


def shifted(space: Space, pair: Pair) -> np.ndarray:
    """Log errors whose mean is the same over both spaces: those in one only are moved."""
    logs = space.logs.copy()
    only = pair.a & ~pair.b
    if only.any():
        logs[only] -= (logs[pair.a].mean() - logs[pair.b].mean()) * pair.a.sum() / only.sum()
    else:
        only = pair.b & ~pair.a
        logs[only] -= (logs[pair.b].mean() - logs[pair.a].mean()) * pair.b.sum() / only.sum()
    assert abs(logs[pair.a].mean() - logs[pair.b].mean()) < 1e-12
    return logs


def study(space: Space, pair: Pair, resamples: int, nulls: int, seed: int) -> dict[str, Any]:
    """One row: what each design needs, and how often it rejects true nulls."""
    truth = space.logs[pair.a].mean() - space.logs[pair.b].mean()
    rows = [np.flatnonzero(pair.a), np.flatnonzero(pair.b)]
    half = [MOST // 2] * 2
    plain = Draws.of(space.logs, rows, half, resamples, seed)
    fewer = Draws(
        [r[: resamples // 8] for r in plain.rows], [y[: resamples // 8] for y in plain.logs]
    )

    def plainly(test: Callable[[np.ndarray, np.ndarray], np.ndarray], n: int) -> float:
        a, b = (logs[:, : n // 2] for logs in plain.logs)
        right = np.sign(a.mean(axis=1) - b.mean(axis=1)) == np.sign(truth)
        return float((test(a, b) & right).mean())

    def decided(design: Design, draws: Draws, n: int) -> float:
        found = draws.outcome(design, n)
        return float(((found[:, 0] < LEVEL) & (np.sign(found[:, 1]) == np.sign(truth))).mean())

    independent = adjusted_design(space, rows, np.array([1.0, -1.0]))
    parts = parts_design(space, pair)
    drawn = Draws.of(space.logs, parts.strata, parts.counts(MOST), resamples, seed)
    needs = {
        "ks": fewest(lambda n: plainly(ks, n)),
        "welch": fewest(lambda n: plainly(welch, n)),
        "adjusted": fewest(lambda n: decided(independent, fewer, n), MOST_ADJUSTED),
        "parts": fewest(lambda n: decided(parts, drawn, n)),
    }
    same = adjusted_design(space, [rows[0], rows[0]], np.array([1.0, -1.0]))
    own = [needs["parts"]] if needs["parts"] else []
    sizes = sorted({*NULL_SIZES, *own})
    zero = Draws.of(shifted(space, pair), parts.strata, parts.counts(sizes[-1]), nulls, seed + 1)
    twice = Draws.of(space.logs, same.strata, same.counts(sizes[-1]), nulls, seed + 2)
    ks_sizes = [needs["ks"]] if needs["ks"] else []
    alike = Draws.of(
        space.logs, same.strata, same.counts(max(ks_sizes, default=4)), nulls, seed + 3
    )
    return {
        "pair": pair.name,
        "networks": [len(r) for r in rows],
        "true_ratio_of_typical_errors": round(float(np.exp(truth)), 4),
        "needs": needs,
        "rejected_true_nulls": {
            "parts, shifted": {n: rejected(zero.outcome(parts, n)) for n in sizes},
            "adjusted, same space": {n: rejected(twice.outcome(same, n)) for n in own},
            "ks, same space": {
                n: round(float(ks(*(logs[:, : n // 2] for logs in alike.logs)).mean()), 4)
                for n in ks_sizes
            },
        },
    }


def rejected(outcome: np.ndarray) -> float:
    """The share of resamples with p below the level."""
    return round(float((outcome[:, 0] < LEVEL).mean()), 4)


def ratio(row: dict[str, Any], design: str = "parts") -> float:
    """KS's networks over the design's; at its limit where it needs more."""
    needs = row["needs"]
    most = MOST_ADJUSTED if design == "adjusted" else MOST
    return (needs["ks"] or MOST) / (needs[design] or most)


def median_ratio(rows: list[dict[str, Any]], design: str) -> dict[str, Any]:
    """The median over pairs, with its exact interval."""
    found = quantile([ratio(row, design) for row in rows], 0.5)
    return {
        "value": round(found.value, 2),
        "lower": round(found.lower, 2),
        "upper": round(found.upper, 2),
        "pairs": found.n,
    }


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    lines = [
        "# Networks needed to tell which of two spaces is better",
        "",
        f"Both spaces together, in 80 % of {result['resamples']} resamples, at the level of 5 %.",
        "How: `benchmarks/which_space.py`. The ratio is KS over `parts`, a lower bound where KS",
        f"needs more than {MOST}. True nulls ({result['nulls']} resamples each), rejections [%]:",
        "`parts` on shifted errors with the number it needs / 50 / 100; `adjusted` on the first",
        "space twice with that number; KS on the first space twice with its own.",
        "",
    ]
    for design, m in result["median_ratio"].items():
        lines.append(
            f"- Median ratio of KS over {design}: {m['value']} (95 % interval {m['lower']} to "
            f"{m['upper']}, {m['pairs']} pairs)"
        )
    for kind, found in result["true_nulls_rejected"].items():
        lines.append(
            f"- True nulls rejected, {kind}: {100 * found['mean']:.2f} % on average, "
            f"{100 * found['least']:.1f} to {100 * found['most']:.1f} % ({found['rates']} rates)"
        )
    lines += [
        "",
        "| A / B | error of A over B | KS | Welch | adjusted | parts | ratio | null parts | "
        "null adjusted | null KS |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(table_row(row) for row in result["rows"]),
    ]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Space:
    """The complete space: `layers` (N, 8), `logs` (N, 3) of the errors, `flops`, `x` (N, p)."""

    layers: np.ndarray
    logs: np.ndarray
    flops: np.ndarray
    x: np.ndarray


@dataclass(frozen=True)
class Pair:
    """Two parts of the space, as masks."""

    name: str
    a: np.ndarray
    b: np.ndarray


def load() -> Space:
    """The space with its features, made as for any population."""
    with DATA.open(encoding="utf-8") as file:
        data = json.load(file)
    layers = np.array([[int(choice) for choice in key] for key in data])
    table = pd.DataFrame(
        {c: [network[c] for network in data.values()] for c in ("flops", "params")}
    )
    for number, column in enumerate(layers.T, start=1):
        table[f"arch.layers.{number}"] = np.array(["identity", "kernel 3", "kernel 5"])[column]
    errors = 1 - np.array([network["test_acc"] for network in data.values()]) / 100
    return Space(
        layers=layers,
        logs=np.log(errors),
        flops=table["flops"].to_numpy(),
        x=paper_features([table]).values[0],
    )


def pairs(space: Space) -> list[Pair]:
    """By rule: layers, neighbours, ends, numbers of identities, FLOPs fifths, and within one."""
    x, every = space.layers, np.ones(len(space.layers), dtype=bool)
    fifth = stats.rankdata(space.flops, method="ordinal") * 5 // (len(x) + 1)
    identities = (x == 0).sum(axis=1)
    found = []
    for k in range(8):
        found.append(Pair(f"all / no identity in layer {k + 1}", every, x[:, k] != 0))
    for k in range(8):
        found.append(
            Pair(f"no kernel 5 / no kernel 3 in layer {k + 1}", x[:, k] != 2, x[:, k] != 1)
        )
    for k in (0, 2, 4, 6):
        name = f"no identity in layer {k + 1} / in layer {k + 2}"
        found.append(Pair(name, x[:, k] != 0, x[:, k + 1] != 0))
    for k in (2, 3):
        last, first = (x[:, -k:] != 0).all(axis=1), (x[:, :k] != 0).all(axis=1)
        found.append(Pair(f"all / no identity in the last {k} layers", every, last))
        found.append(Pair(f"all / no identity in the first {k} layers", every, first))
        found.append(Pair(f"no identity in the first {k} / last {k} layers", first, last))
    for m in (1, 2, 3):
        found.append(Pair(f"{m} / {m + 1} identities", identities == m, identities == m + 1))
    for q in (1, 2, 3):
        found.append(Pair(f"FLOPs fifth {q + 1} / {q + 2}", fifth == q, fifth == q + 1))
    for k in (0, 3, 7):
        name = f"FLOPs fifth 3: all / no identity in layer {k + 1}"
        found.append(Pair(name, fifth == 2, (fifth == 2) & (x[:, k] != 0)))
    return found


@dataclass(frozen=True)
class Design:
    """Draws from `strata` (rows of the space), `shares` (of all networks drawn) and the decision.

    `decide` takes the log errors of each stratum and its rows and returns p and the estimate.
    """

    strata: list[np.ndarray]
    shares: np.ndarray
    decide: Callable[[list[np.ndarray], list[np.ndarray]], tuple[float, float]]

    def counts(self, n: int) -> list[int]:
        """How many of n networks each stratum is given: its share, at least two."""
        ends = np.rint(np.cumsum(self.shares) * n).astype(int)
        return [max(2, int(c)) for c in np.diff(ends, prepend=0)]


def adjusted_design(space: Space, strata: list[np.ndarray], weights: np.ndarray) -> Design:
    """Strata drawn in proportion to their weights, and the tool's contrast of them."""
    means = [space.x[rows].mean(axis=0) for rows in strata]

    def decide(logs: list[np.ndarray], rows: list[np.ndarray]) -> tuple[float, float]:
        measured = [
            Measured(features=space.x[r], outcomes=y, space_means=m)
            for r, y, m in zip(rows, logs, means, strict=True)
        ]
        found = adjusted_contrast(measured, list(weights))
        return found.p_value, found.difference.value

    return Design(strata, np.abs(weights) / np.abs(weights).sum(), decide)


def parts_design(space: Space, pair: Pair) -> Design:
    """The tool's design: what only one space has, and what both have, drawn apart."""
    only_a, only_b, both = pair.a & ~pair.b, pair.b & ~pair.a, pair.a & pair.b
    weights = np.array(overlap_weights(only_a.sum() / pair.a.sum(), only_b.sum() / pair.b.sum()))
    used = np.abs(weights) > 1e-12
    masks = [mask for mask, use in zip((only_a, only_b, both), used, strict=True) if use]
    return adjusted_design(space, [np.flatnonzero(mask) for mask in masks], weights[used])


@dataclass(frozen=True)
class Draws:
    """Rows and log errors of many resamples, the first columns of which are a smaller sample."""

    rows: list[np.ndarray]
    logs: list[np.ndarray]

    @classmethod
    def of(
        cls,
        logs: np.ndarray,
        strata: list[np.ndarray],
        counts: list[int],
        resamples: int,
        seed: int,
    ) -> Draws:
        """`resamples` independent samples with replacement, one seed each."""
        rng = np.random.default_rng(seed)
        rows = [rng.choice(s, (resamples, n)) for s, n in zip(strata, counts, strict=True)]
        return cls(rows, [logs[r, rng.integers(0, 3, r.shape)] for r in rows])

    def outcome(self, design: Design, n: int) -> np.ndarray:
        """p and estimate (resamples, 2) of the first n networks of each resample."""
        counts = design.counts(n)
        return np.array(
            [
                design.decide(
                    [logs[i, :c] for logs, c in zip(self.logs, counts, strict=True)],
                    [rows[i, :c] for rows, c in zip(self.rows, counts, strict=True)],
                )
                for i in range(len(self.rows[0]))
            ]
        )


@cache
def ks_critical(n: int) -> float:
    """The least D of two samples of n that is rejected at the level, times n; exact p."""
    grid = np.arange(n, dtype=float)
    low, high = 1, n
    while low < high:
        k = (low + high) // 2
        if stats.ks_2samp(grid, grid + k - 0.5, method="exact").pvalue <= LEVEL:
            high = k
        else:
            low = k + 1
    return low


def ks(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Which rows of log errors `a` and `b` (resamples, n) the KS test tells apart; vectorised."""
    n = a.shape[1]
    images = np.rint(TEST_IMAGES * np.exp(np.concatenate([a, b], axis=1)))
    codes = 2 * images.astype(np.int32)
    codes[:, n:] += 1
    codes.sort(axis=1)
    gap = np.cumsum(np.where(codes & 1, -1, 1), axis=1)
    last = np.diff(codes >> 1, axis=1, append=-1) != 0  # of equal errors
    return np.where(last, np.abs(gap), 0).max(axis=1) >= ks_critical(n)


def welch(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The same by Welch's t."""
    return np.asarray(stats.ttest_ind(a, b, axis=1, equal_var=False).pvalue) < LEVEL


def fewest(decided: Callable[[int], float], most: int = MOST) -> int | None:
    """The fewest networks, in steps of 2, that decide often enough; None above `most`."""
    low, high = FEWEST, 2 * FEWEST
    if decided(low) >= POWER:
        return low
    while decided(min(high, most)) < POWER:
        if high >= most:
            return None
        low, high = high, 2 * high
    high = min(high, most)
    while high - low > 2:
        middle = (low + high) // 4 * 2
        low, high = (low, middle) if decided(middle) >= POWER else (middle, high)
    return high


def shifted(space: Space, pair: Pair) -> np.ndarray:
    """Log errors whose mean is the same over both spaces: those in one only are moved."""
    logs = space.logs.copy()
    only = pair.a & ~pair.b
    if only.any():
        logs[only] -= (logs[pair.a].mean() - logs[pair.b].mean()) * pair.a.sum() / only.sum()
    else:
        only = pair.b & ~pair.a
        logs[only] -= (logs[pair.b].mean() - logs[pair.a].mean()) * pair.b.sum() / only.sum()
    assert abs(logs[pair.a].mean() - logs[pair.b].mean()) < 1e-12
    return logs


def study(space: Space, pair: Pair, resamples: int, nulls: int, seed: int) -> dict[str, Any]:
    """One row: what each design needs, and how often it rejects true nulls."""
    truth = space.logs[pair.a].mean() - space.logs[pair.b].mean()
    rows = [np.flatnonzero(pair.a), np.flatnonzero(pair.b)]
    half = [MOST // 2] * 2
    plain = Draws.of(space.logs, rows, half, resamples, seed)
    fewer = Draws(
        [r[: resamples // 8] for r in plain.rows], [y[: resamples // 8] for y in plain.logs]
    )

    def plainly(test: Callable[[np.ndarray, np.ndarray], np.ndarray], n: int) -> float:
        a, b = (logs[:, : n // 2] for logs in plain.logs)
        right = np.sign(a.mean(axis=1) - b.mean(axis=1)) == np.sign(truth)
        return float((test(a, b) & right).mean())

    def decided(design: Design, draws: Draws, n: int) -> float:
        found = draws.outcome(design, n)
        return float(((found[:, 0] < LEVEL) & (np.sign(found[:, 1]) == np.sign(truth))).mean())

    independent = adjusted_design(space, rows, np.array([1.0, -1.0]))
    parts = parts_design(space, pair)
    drawn = Draws.of(space.logs, parts.strata, parts.counts(MOST), resamples, seed)
    needs = {
        "ks": fewest(lambda n: plainly(ks, n)),
        "welch": fewest(lambda n: plainly(welch, n)),
        "adjusted": fewest(lambda n: decided(independent, fewer, n), MOST_ADJUSTED),
        "parts": fewest(lambda n: decided(parts, drawn, n)),
    }
    same = adjusted_design(space, [rows[0], rows[0]], np.array([1.0, -1.0]))
    own = [needs["parts"]] if needs["parts"] else []
    sizes = sorted({*NULL_SIZES, *own})
    zero = Draws.of(shifted(space, pair), parts.strata, parts.counts(sizes[-1]), nulls, seed + 1)
    twice = Draws.of(space.logs, same.strata, same.counts(sizes[-1]), nulls, seed + 2)
    ks_sizes = [needs["ks"]] if needs["ks"] else []
    alike = Draws.of(
        space.logs, same.strata, same.counts(max(ks_sizes, default=4)), nulls, seed + 3
    )
    return {
        "pair": pair.name,
        "networks": [len(r) for r in rows],
        "true_ratio_of_typical_errors": round(float(np.exp(truth)), 4),
        "needs": needs,
        "rejected_true_nulls": {
            "parts, shifted": {n: rejected(zero.outcome(parts, n)) for n in sizes},
            "adjusted, same space": {n: rejected(twice.outcome(same, n)) for n in own},
            "ks, same space": {
                n: round(float(ks(*(logs[:, : n // 2] for logs in alike.logs)).mean()), 4)
                for n in ks_sizes
            },
        },
    }


def rejected(outcome: np.ndarray) -> float:
    """The share of resamples with p below the level."""
    return round(float((outcome[:, 0] < LEVEL).mean()), 4)


def ratio(row: dict[str, Any], design: str = "parts") -> float:
    """KS's networks over the design's; at its limit where it needs more."""
    needs = row["needs"]
    most = MOST_ADJUSTED if design == "adjusted" else MOST
    return (needs["ks"] or MOST) / (needs[design] or most)


def median_ratio(rows: list[dict[str, Any]], design: str) -> dict[str, Any]:
    """The median over pairs, with its exact interval."""
    found = quantile([ratio(row, design) for row in rows], 0.5)
    return {
        "value": round(found.value, 2),
        "lower": round(found.lower, 2),
        "upper": round(found.upper, 2),
        "pairs": found.n,
    }


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    lines = [
        "# Networks needed to tell which of two spaces is better",
        "",
        f"Both spaces together, in 80 % of {result['resamples']} resamples, at the level of 5 %.",
        "How: `benchmarks/which_space.py`. The ratio is KS over `parts`, a lower bound where KS",
        f"needs more than {MOST}. True nulls ({result['nulls']} resamples each), rejections [%]:",
        "`parts` on shifted errors with the number it needs / 50 / 100; `adjusted` on the first",
        "space twice with that number; KS on the first space twice with its own.",
        "",
    ]
    for design, m in result["median_ratio"].items():
        lines.append(
            f"- Median ratio of KS over {design}: {m['value']} (95 % interval {m['lower']} to "
            f"{m['upper']}, {m['pairs']} pairs)"
        )
    for kind, found in result["true_nulls_rejected"].items():
        lines.append(
            f"- True nulls rejected, {kind}: {100 * found['mean']:.2f} % on average, "
            f"{100 * found['least']:.1f} to {100 * found['most']:.1f} % ({found['rates']} rates)"
        )
    lines += [
        "",
        "| A / B | error of A over B | KS | Welch | adjusted | parts | ratio | null parts | "
        "null adjusted | null KS |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(table_row(row) for row in result["rows"]),
    ]
    return "\n".join(lines) + "\n"


def table_row(row: dict[str, Any]) -> str:
    """One pair's line."""
    needs, nulls = row["needs"], row["rejected_true_nulls"]
    own = [needs["parts"]] if needs["parts"] else []

    def rates(kind: str, sizes: list[int | None]) -> str:
        return " / ".join(f"{100 * nulls[kind][n]:.1f}" for n in sizes if n)

    value = ratio(row)
    cells = [
        row["pair"],
        f"{row['true_ratio_of_typical_errors']:.3f}",
        *(str(needs[d] or f"> {MOST}") for d in ("ks", "welch")),
        str(needs["adjusted"] or f"> {MOST_ADJUSTED}"),
        str(needs["parts"] or f"> {MOST}"),
        f"{'' if needs['ks'] else '> '}{value:.1f}",
        rates("parts, shifted", [*own, *NULL_SIZES]),
        rates("adjusted, same space", list(own)),
        rates("ks, same space", [needs["ks"]]),
    ]
    return f"| {' | '.join(cells)} |"


@dataclass(frozen=True)
class Space:
    """The complete space: `layers` (N, 8), `logs` (N, 3) of the errors, `flops`, `x` (N, p)."""

    layers: np.ndarray
    logs: np.ndarray
    flops: np.ndarray
    x: np.ndarray


@dataclass(frozen=True)
class Pair:
    """Two parts of the space, as masks."""

    name: str
    a: np.ndarray
    b: np.ndarray


def load() -> Space:
    """The space with its features, made as for any population."""
    with DATA.open(encoding="utf-8") as file:
        data = json.load(file)
    layers = np.array([[int(choice) for choice in key] for key in data])
    table = pd.DataFrame(
        {c: [network[c] for network in data.values()] for c in ("flops", "params")}
    )
    for number, column in enumerate(layers.T, start=1):
        table[f"arch.layers.{number}"] = np.array(["identity", "kernel 3", "kernel 5"])[column]
    errors = 1 - np.array([network["test_acc"] for network in data.values()]) / 100
    return Space(
        layers=layers,
        logs=np.log(errors),
        flops=table["flops"].to_numpy(),
        x=paper_features([table]).values[0],
    )


def pairs(space: Space) -> list[Pair]:
    """By rule: layers, neighbours, ends, numbers of identities, FLOPs fifths, and within one."""
    x, every = space.layers, np.ones(len(space.layers), dtype=bool)
    fifth = stats.rankdata(space.flops, method="ordinal") * 5 // (len(x) + 1)
    identities = (x == 0).sum(axis=1)
    found = []
    for k in range(8):
        found.append(Pair(f"all / no identity in layer {k + 1}", every, x[:, k] != 0))
    for k in range(8):
        found.append(
            Pair(f"no kernel 5 / no kernel 3 in layer {k + 1}", x[:, k] != 2, x[:, k] != 1)
        )
    for k in (0, 2, 4, 6):
        name = f"no identity in layer {k + 1} / in layer {k + 2}"
        found.append(Pair(name, x[:, k] != 0, x[:, k + 1] != 0))
    for k in (2, 3):
        last, first = (x[:, -k:] != 0).all(axis=1), (x[:, :k] != 0).all(axis=1)
        found.append(Pair(f"all / no identity in the last {k} layers", every, last))
        found.append(Pair(f"all / no identity in the first {k} layers", every, first))
        found.append(Pair(f"no identity in the first {k} / last {k} layers", first, last))
    for m in (1, 2, 3):
        found.append(Pair(f"{m} / {m + 1} identities", identities == m, identities == m + 1))
    for q in (1, 2, 3):
        found.append(Pair(f"FLOPs fifth {q + 1} / {q + 2}", fifth == q, fifth == q + 1))
    for k in (0, 3, 7):
        name = f"FLOPs fifth 3: all / no identity in layer {k + 1}"
        found.append(Pair(name, fifth == 2, (fifth == 2) & (x[:, k] != 0)))
    return found


@dataclass(frozen=True)
class Design:
    """Draws from `strata` (rows of the space), `shares` (of all networks drawn) and the decision.

    `decide` takes the log errors of each stratum and its rows and returns p and the estimate.
    """

    strata: list[np.ndarray]
    shares: np.ndarray
    decide: Callable[[list[np.ndarray], list[np.ndarray]], tuple[float, float]]

    def counts(self, n: int) -> list[int]:
        """How many of n networks each stratum is given: its share, at least two."""
        ends = np.rint(np.cumsum(self.shares) * n).astype(int)
        return [max(2, int(c)) for c in np.diff(ends, prepend=0)]


def adjusted_design(space: Space, strata: list[np.ndarray], weights: np.ndarray) -> Design:
    """Strata drawn in proportion to their weights, and the tool's contrast of them."""
    means = [space.x[rows].mean(axis=0) for rows in strata]

    def decide(logs: list[np.ndarray], rows: list[np.ndarray]) -> tuple[float, float]:
        measured = [
            Measured(features=space.x[r], outcomes=y, space_means=m)
            for r, y, m in zip(rows, logs, means, strict=True)
        ]
        found = adjusted_contrast(measured, list(weights))
        return found.p_value, found.difference.value

    return Design(strata, np.abs(weights) / np.abs(weights).sum(), decide)


def parts_design(space: Space, pair: Pair) -> Design:
    """The tool's design: what only one space has, and what both have, drawn apart."""
    only_a, only_b, both = pair.a & ~pair.b, pair.b & ~pair.a, pair.a & pair.b
    weights = np.array(overlap_weights(only_a.sum() / pair.a.sum(), only_b.sum() / pair.b.sum()))
    used = np.abs(weights) > 1e-12
    masks = [mask for mask, use in zip((only_a, only_b, both), used, strict=True) if use]
    return adjusted_design(space, [np.flatnonzero(mask) for mask in masks], weights[used])


@dataclass(frozen=True)
class Draws:
    """Rows and log errors of many resamples, the first columns of which are a smaller sample."""

    rows: list[np.ndarray]
    logs: list[np.ndarray]

    @classmethod
    def of(
        cls,
        logs: np.ndarray,
        strata: list[np.ndarray],
        counts: list[int],
        resamples: int,
        seed: int,
    ) -> Draws:
        """`resamples` independent samples with replacement, one seed each."""
        rng = np.random.default_rng(seed)
        rows = [rng.choice(s, (resamples, n)) for s, n in zip(strata, counts, strict=True)]
        return cls(rows, [logs[r, rng.integers(0, 3, r.shape)] for r in rows])

    def outcome(self, design: Design, n: int) -> np.ndarray:
        """p and estimate (resamples, 2) of the first n networks of each resample."""
        counts = design.counts(n)
        return np.array(
            [
                design.decide(
                    [logs[i, :c] for logs, c in zip(self.logs, counts, strict=True)],
                    [rows[i, :c] for rows, c in zip(self.rows, counts, strict=True)],
                )
                for i in range(len(self.rows[0]))
            ]
        )


@cache
def ks_critical(n: int) -> float:
    """The least D of two samples of n that is rejected at the level, times n; exact p."""
    grid = np.arange(n, dtype=float)
    low, high = 1, n
    while low < high:
        k = (low + high) // 2
        if stats.ks_2samp(grid, grid + k - 0.5, method="exact").pvalue <= LEVEL:
            high = k
        else:
            low = k + 1
    return low


def ks(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Which rows of log errors `a` and `b` (resamples, n) the KS test tells apart; vectorised."""
    n = a.shape[1]
    images = np.rint(TEST_IMAGES * np.exp(np.concatenate([a, b], axis=1)))
    codes = 2 * images.astype(np.int32)
    codes[:, n:] += 1
    codes.sort(axis=1)
    gap = np.cumsum(np.where(codes & 1, -1, 1), axis=1)
    last = np.diff(codes >> 1, axis=1, append=-1) != 0  # of equal errors
    return np.where(last, np.abs(gap), 0).max(axis=1) >= ks_critical(n)


def welch(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The same by Welch's t."""
    return np.asarray(stats.ttest_ind(a, b, axis=1, equal_var=False).pvalue) < LEVEL


def fewest(decided: Callable[[int], float], most: int = MOST) -> int | None:
    """The fewest networks, in steps of 2, that decide often enough; None above `most`."""
    low, high = FEWEST, 2 * FEWEST
    if decided(low) >= POWER:
        return low
    while decided(min(high, most)) < POWER:
        if high >= most:
            return None
        low, high = high, 2 * high
    high = min(high, most)
    while high - low > 2:
        middle = (low + high) // 4 * 2
        low, high = (low, middle) if decided(middle) >= POWER else (middle, high)
    return high


def shifted(space: Space, pair: Pair) -> np.ndarray:
    """Log errors whose mean is the same over both spaces: those in one only are moved."""
    logs = space.logs.copy()
    only = pair.a & ~pair.b
    if only.any():
        logs[only] -= (logs[pair.a].mean() - logs[pair.b].mean()) * pair.a.sum() / only.sum()
    else:
        only = pair.b & ~pair.a
        logs[only] -= (logs[pair.b].mean() - logs[pair.a].mean()) * pair.b.sum() / only.sum()
    assert abs(logs[pair.a].mean() - logs[pair.b].mean()) < 1e-12
    return logs


def study(space: Space, pair: Pair, resamples: int, nulls: int, seed: int) -> dict[str, Any]:
    """One row: what each design needs, and how often it rejects true nulls."""
    truth = space.logs[pair.a].mean() - space.logs[pair.b].mean()
    rows = [np.flatnonzero(pair.a), np.flatnonzero(pair.b)]
    half = [MOST // 2] * 2
    plain = Draws.of(space.logs, rows, half, resamples, seed)
    fewer = Draws(
        [r[: resamples // 8] for r in plain.rows], [y[: resamples // 8] for y in plain.logs]
    )

    def plainly(test: Callable[[np.ndarray, np.ndarray], np.ndarray], n: int) -> float:
        a, b = (logs[:, : n // 2] for logs in plain.logs)
        right = np.sign(a.mean(axis=1) - b.mean(axis=1)) == np.sign(truth)
        return float((test(a, b) & right).mean())

    def decided(design: Design, draws: Draws, n: int) -> float:
        found = draws.outcome(design, n)
        return float(((found[:, 0] < LEVEL) & (np.sign(found[:, 1]) == np.sign(truth))).mean())

    independent = adjusted_design(space, rows, np.array([1.0, -1.0]))
    parts = parts_design(space, pair)
    drawn = Draws.of(space.logs, parts.strata, parts.counts(MOST), resamples, seed)
    needs = {
        "ks": fewest(lambda n: plainly(ks, n)),
        "welch": fewest(lambda n: plainly(welch, n)),
        "adjusted": fewest(lambda n: decided(independent, fewer, n), MOST_ADJUSTED),
        "parts": fewest(lambda n: decided(parts, drawn, n)),
    }
    same = adjusted_design(space, [rows[0], rows[0]], np.array([1.0, -1.0]))
    own = [needs["parts"]] if needs["parts"] else []
    sizes = sorted({*NULL_SIZES, *own})
    zero = Draws.of(shifted(space, pair), parts.strata, parts.counts(sizes[-1]), nulls, seed + 1)
    twice = Draws.of(space.logs, same.strata, same.counts(sizes[-1]), nulls, seed + 2)
    ks_sizes = [needs["ks"]] if needs["ks"] else []
    alike = Draws.of(
        space.logs, same.strata, same.counts(max(ks_sizes, default=4)), nulls, seed + 3
    )
    return {
        "pair": pair.name,
        "networks": [len(r) for r in rows],
        "true_ratio_of_typical_errors": round(float(np.exp(truth)), 4),
        "needs": needs,
        "rejected_true_nulls": {
            "parts, shifted": {n: rejected(zero.outcome(parts, n)) for n in sizes},
            "adjusted, same space": {n: rejected(twice.outcome(same, n)) for n in own},
            "ks, same space": {
                n: round(float(ks(*(logs[:, : n // 2] for logs in alike.logs)).mean()), 4)
                for n in ks_sizes
            },
        },
    }


def rejected(outcome: np.ndarray) -> float:
    """The share of resamples with p below the level."""
    return round(float((outcome[:, 0] < LEVEL).mean()), 4)


def ratio(row: dict[str, Any], design: str = "parts") -> float:
    """KS's networks over the design's; at its limit where it needs more."""
    needs = row["needs"]
    most = MOST_ADJUSTED if design == "adjusted" else MOST
    return (needs["ks"] or MOST) / (needs[design] or most)


@dataclass(frozen=True)
class Space:
    """The complete space: `layers` (N, 8), `logs` (N, 3) of the errors, `flops`, `x` (N, p)."""

    layers: np.ndarray
    logs: np.ndarray
    flops: np.ndarray
    x: np.ndarray


@dataclass(frozen=True)
class Pair:
    """Two parts of the space, as masks."""

    name: str
    a: np.ndarray
    b: np.ndarray


def load() -> Space:
    """The space with its features, made as for any population."""
    with DATA.open(encoding="utf-8") as file:
        data = json.load(file)
    layers = np.array([[int(choice) for choice in key] for key in data])
    table = pd.DataFrame(
        {c: [network[c] for network in data.values()] for c in ("flops", "params")}
    )
    for number, column in enumerate(layers.T, start=1):
        table[f"arch.layers.{number}"] = np.array(["identity", "kernel 3", "kernel 5"])[column]
    errors = 1 - np.array([network["test_acc"] for network in data.values()]) / 100
    return Space(
        layers=layers,
        logs=np.log(errors),
        flops=table["flops"].to_numpy(),
        x=paper_features([table]).values[0],
    )


def pairs(space: Space) -> list[Pair]:
    """By rule: layers, neighbours, ends, numbers of identities, FLOPs fifths, and within one."""
    x, every = space.layers, np.ones(len(space.layers), dtype=bool)
    fifth = stats.rankdata(space.flops, method="ordinal") * 5 // (len(x) + 1)
    identities = (x == 0).sum(axis=1)
    found = []
    for k in range(8):
        found.append(Pair(f"all / no identity in layer {k + 1}", every, x[:, k] != 0))
    for k in range(8):
        found.append(
            Pair(f"no kernel 5 / no kernel 3 in layer {k + 1}", x[:, k] != 2, x[:, k] != 1)
        )
    for k in (0, 2, 4, 6):
        name = f"no identity in layer {k + 1} / in layer {k + 2}"
        found.append(Pair(name, x[:, k] != 0, x[:, k + 1] != 0))
    for k in (2, 3):
        last, first = (x[:, -k:] != 0).all(axis=1), (x[:, :k] != 0).all(axis=1)
        found.append(Pair(f"all / no identity in the last {k} layers", every, last))
        found.append(Pair(f"all / no identity in the first {k} layers", every, first))
        found.append(Pair(f"no identity in the first {k} / last {k} layers", first, last))
    for m in (1, 2, 3):
        found.append(Pair(f"{m} / {m + 1} identities", identities == m, identities == m + 1))
    for q in (1, 2, 3):
        found.append(Pair(f"FLOPs fifth {q + 1} / {q + 2}", fifth == q, fifth == q + 1))
    for k in (0, 3, 7):
        name = f"FLOPs fifth 3: all / no identity in layer {k + 1}"
        found.append(Pair(name, fifth == 2, (fifth == 2) & (x[:, k] != 0)))
    return found


@dataclass(frozen=True)
class Design:
    """Draws from `strata` (rows of the space), `shares` (of all networks drawn) and the decision.

    `decide` takes the log errors of each stratum and its rows and returns p and the estimate.
    """

    strata: list[np.ndarray]
    shares: np.ndarray
    decide: Callable[[list[np.ndarray], list[np.ndarray]], tuple[float, float]]

    def counts(self, n: int) -> list[int]:
        """How many of n networks each stratum is given: its share, at least two."""
        ends = np.rint(np.cumsum(self.shares) * n).astype(int)
        return [max(2, int(c)) for c in np.diff(ends, prepend=0)]


def adjusted_design(space: Space, strata: list[np.ndarray], weights: np.ndarray) -> Design:
    """Strata drawn in proportion to their weights, and the tool's contrast of them."""
    means = [space.x[rows].mean(axis=0) for rows in strata]

    def decide(logs: list[np.ndarray], rows: list[np.ndarray]) -> tuple[float, float]:
        measured = [
            Measured(features=space.x[r], outcomes=y, space_means=m)
            for r, y, m in zip(rows, logs, means, strict=True)
        ]
        found = adjusted_contrast(measured, list(weights))
        return found.p_value, found.difference.value

    return Design(strata, np.abs(weights) / np.abs(weights).sum(), decide)


def parts_design(space: Space, pair: Pair) -> Design:
    """The tool's design: what only one space has, and what both have, drawn apart."""
    only_a, only_b, both = pair.a & ~pair.b, pair.b & ~pair.a, pair.a & pair.b
    weights = np.array(overlap_weights(only_a.sum() / pair.a.sum(), only_b.sum() / pair.b.sum()))
    used = np.abs(weights) > 1e-12
    masks = [mask for mask, use in zip((only_a, only_b, both), used, strict=True) if use]
    return adjusted_design(space, [np.flatnonzero(mask) for mask in masks], weights[used])


@dataclass(frozen=True)
class Draws:
    """Rows and log errors of many resamples, the first columns of which are a smaller sample."""

    rows: list[np.ndarray]
    logs: list[np.ndarray]

    @classmethod
    def of(
        cls,
        logs: np.ndarray,
        strata: list[np.ndarray],
        counts: list[int],
        resamples: int,
        seed: int,
    ) -> Draws:
        """`resamples` independent samples with replacement, one seed each."""
        rng = np.random.default_rng(seed)
        rows = [rng.choice(s, (resamples, n)) for s, n in zip(strata, counts, strict=True)]
        return cls(rows, [logs[r, rng.integers(0, 3, r.shape)] for r in rows])

    def outcome(self, design: Design, n: int) -> np.ndarray:
        """p and estimate (resamples, 2) of the first n networks of each resample."""
        counts = design.counts(n)
        return np.array(
            [
                design.decide(
                    [logs[i, :c] for logs, c in zip(self.logs, counts, strict=True)],
                    [rows[i, :c] for rows, c in zip(self.rows, counts, strict=True)],
                )
                for i in range(len(self.rows[0]))
            ]
        )


@cache
def ks_critical(n: int) -> float:
    """The least D of two samples of n that is rejected at the level, times n; exact p."""
    grid = np.arange(n, dtype=float)
    low, high = 1, n
    while low < high:
        k = (low + high) // 2
        if stats.ks_2samp(grid, grid + k - 0.5, method="exact").pvalue <= LEVEL:
            high = k
        else:
            low = k + 1
    return low


def ks(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Which rows of log errors `a` and `b` (resamples, n) the KS test tells apart; vectorised."""
    n = a.shape[1]
    images = np.rint(TEST_IMAGES * np.exp(np.concatenate([a, b], axis=1)))
    codes = 2 * images.astype(np.int32)
    codes[:, n:] += 1
    codes.sort(axis=1)
    gap = np.cumsum(np.where(codes & 1, -1, 1), axis=1)
    last = np.diff(codes >> 1, axis=1, append=-1) != 0  # of equal errors
    return np.where(last, np.abs(gap), 0).max(axis=1) >= ks_critical(n)


def welch(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The same by Welch's t."""
    return np.asarray(stats.ttest_ind(a, b, axis=1, equal_var=False).pvalue) < LEVEL


def fewest(decided: Callable[[int], float], most: int = MOST) -> int | None:
    """The fewest networks, in steps of 2, that decide often enough; None above `most`."""
    low, high = FEWEST, 2 * FEWEST
    if decided(low) >= POWER:
        return low
    while decided(min(high, most)) < POWER:
        if high >= most:
            return None
        low, high = high, 2 * high
    high = min(high, most)
    while high - low > 2:
        middle = (low + high) // 4 * 2
        low, high = (low, middle) if decided(middle) >= POWER else (middle, high)
    return high


def shifted(space: Space, pair: Pair) -> np.ndarray:
    """Log errors whose mean is the same over both spaces: those in one only are moved."""
    logs = space.logs.copy()
    only = pair.a & ~pair.b
    if only.any():
        logs[only] -= (logs[pair.a].mean() - logs[pair.b].mean()) * pair.a.sum() / only.sum()
    else:
        only = pair.b & ~pair.a
        logs[only] -= (logs[pair.b].mean() - logs[pair.a].mean()) * pair.b.sum() / only.sum()
    assert abs(logs[pair.a].mean() - logs[pair.b].mean()) < 1e-12
    return logs


def study(space: Space, pair: Pair, resamples: int, nulls: int, seed: int) -> dict[str, Any]:
    """One row: what each design needs, and how often it rejects true nulls."""
    truth = space.logs[pair.a].mean() - space.logs[pair.b].mean()
    rows = [np.flatnonzero(pair.a), np.flatnonzero(pair.b)]
    half = [MOST // 2] * 2
    plain = Draws.of(space.logs, rows, half, resamples, seed)
    fewer = Draws(
        [r[: resamples // 8] for r in plain.rows], [y[: resamples // 8] for y in plain.logs]
    )

    def plainly(test: Callable[[np.ndarray, np.ndarray], np.ndarray], n: int) -> float:
        a, b = (logs[:, : n // 2] for logs in plain.logs)
        right = np.sign(a.mean(axis=1) - b.mean(axis=1)) == np.sign(truth)
        return float((test(a, b) & right).mean())

    def decided(design: Design, draws: Draws, n: int) -> float:
        found = draws.outcome(design, n)
        return float(((found[:, 0] < LEVEL) & (np.sign(found[:, 1]) == np.sign(truth))).mean())

    independent = adjusted_design(space, rows, np.array([1.0, -1.0]))
    parts = parts_design(space, pair)
    drawn = Draws.of(space.logs, parts.strata, parts.counts(MOST), resamples, seed)
    needs = {
        "ks": fewest(lambda n: plainly(ks, n)),
        "welch": fewest(lambda n: plainly(welch, n)),
        "adjusted": fewest(lambda n: decided(independent, fewer, n), MOST_ADJUSTED),
        "parts": fewest(lambda n: decided(parts, drawn, n)),
    }
    same = adjusted_design(space, [rows[0], rows[0]], np.array([1.0, -1.0]))
    own = [needs["parts"]] if needs["parts"] else []
    sizes = sorted({*NULL_SIZES, *own})
    zero = Draws.of(shifted(space, pair), parts.strata, parts.counts(sizes[-1]), nulls, seed + 1)
    twice = Draws.of(space.logs, same.strata, same.counts(sizes[-1]), nulls, seed + 2)
    ks_sizes = [needs["ks"]] if needs["ks"] else []
    alike = Draws.of(
        space.logs, same.strata, same.counts(max(ks_sizes, default=4)), nulls, seed + 3
    )
    return {
        "pair": pair.name,
        "networks": [len(r) for r in rows],
        "true_ratio_of_typical_errors": round(float(np.exp(truth)), 4),
        "needs": needs,
        "rejected_true_nulls": {
            "parts, shifted": {n: rejected(zero.outcome(parts, n)) for n in sizes},
            "adjusted, same space": {n: rejected(twice.outcome(same, n)) for n in own},
            "ks, same space": {
                n: round(float(ks(*(logs[:, : n // 2] for logs in alike.logs)).mean()), 4)
                for n in ks_sizes
            },
        },
    }


def rejected(outcome: np.ndarray) -> float:
    """The share of resamples with p below the level."""
    return round(float((outcome[:, 0] < LEVEL).mean()), 4)


def ratio(row: dict[str, Any], design: str = "parts") -> float:
    """KS's networks over the design's; at its limit where it needs more."""
    needs = row["needs"]
    most = MOST_ADJUSTED if design == "adjusted" else MOST
    return (needs["ks"] or MOST) / (needs[design] or most)


def median_ratio(rows: list[dict[str, Any]], design: str) -> dict[str, Any]:
    """The median over pairs, with its exact interval."""
    found = quantile([ratio(row, design) for row in rows], 0.5)
    return {
        "value": round(found.value, 2),
        "lower": round(found.lower, 2),
        "upper": round(found.upper, 2),
        "pairs": found.n,
    }


@dataclass(frozen=True)
class Space:
    """The complete space: `layers` (N, 8), `logs` (N, 3) of the errors, `flops`, `x` (N, p)."""

    layers: np.ndarray
    logs: np.ndarray
    flops: np.ndarray
    x: np.ndarray


@dataclass(frozen=True)
class Pair:
    """Two parts of the space, as masks."""

    name: str
    a: np.ndarray
    b: np.ndarray


def load() -> Space:
    """The space with its features, made as for any population."""
    with DATA.open(encoding="utf-8") as file:
        data = json.load(file)
    layers = np.array([[int(choice) for choice in key] for key in data])
    table = pd.DataFrame(
        {c: [network[c] for network in data.values()] for c in ("flops", "params")}
    )
    for number, column in enumerate(layers.T, start=1):
        table[f"arch.layers.{number}"] = np.array(["identity", "kernel 3", "kernel 5"])[column]
    errors = 1 - np.array([network["test_acc"] for network in data.values()]) / 100
    return Space(
        layers=layers,
        logs=np.log(errors),
        flops=table["flops"].to_numpy(),
        x=paper_features([table]).values[0],
    )


def pairs(space: Space) -> list[Pair]:
    """By rule: layers, neighbours, ends, numbers of identities, FLOPs fifths, and within one."""
    x, every = space.layers, np.ones(len(space.layers), dtype=bool)
    fifth = stats.rankdata(space.flops, method="ordinal") * 5 // (len(x) + 1)
    identities = (x == 0).sum(axis=1)
    found = []
    for k in range(8):
        found.append(Pair(f"all / no identity in layer {k + 1}", every, x[:, k] != 0))
    for k in range(8):
        found.append(
            Pair(f"no kernel 5 / no kernel 3 in layer {k + 1}", x[:, k] != 2, x[:, k] != 1)
        )
    for k in (0, 2, 4, 6):
        name = f"no identity in layer {k + 1} / in layer {k + 2}"
        found.append(Pair(name, x[:, k] != 0, x[:, k + 1] != 0))
    for k in (2, 3):
        last, first = (x[:, -k:] != 0).all(axis=1), (x[:, :k] != 0).all(axis=1)
        found.append(Pair(f"all / no identity in the last {k} layers", every, last))
        found.append(Pair(f"all / no identity in the first {k} layers", every, first))
        found.append(Pair(f"no identity in the first {k} / last {k} layers", first, last))
    for m in (1, 2, 3):
        found.append(Pair(f"{m} / {m + 1} identities", identities == m, identities == m + 1))
    for q in (1, 2, 3):
        found.append(Pair(f"FLOPs fifth {q + 1} / {q + 2}", fifth == q, fifth == q + 1))
    for k in (0, 3, 7):
        name = f"FLOPs fifth 3: all / no identity in layer {k + 1}"
        found.append(Pair(name, fifth == 2, (fifth == 2) & (x[:, k] != 0)))
    return found


@dataclass(frozen=True)
class Design:
    """Draws from `strata` (rows of the space), `shares` (of all networks drawn) and the decision.

    `decide` takes the log errors of each stratum and its rows and returns p and the estimate.
    """

    strata: list[np.ndarray]
    shares: np.ndarray
    decide: Callable[[list[np.ndarray], list[np.ndarray]], tuple[float, float]]

    def counts(self, n: int) -> list[int]:
        """How many of n networks each stratum is given: its share, at least two."""
        ends = np.rint(np.cumsum(self.shares) * n).astype(int)
        return [max(2, int(c)) for c in np.diff(ends, prepend=0)]


def adjusted_design(space: Space, strata: list[np.ndarray], weights: np.ndarray) -> Design:
    """Strata drawn in proportion to their weights, and the tool's contrast of them."""
    means = [space.x[rows].mean(axis=0) for rows in strata]

    def decide(logs: list[np.ndarray], rows: list[np.ndarray]) -> tuple[float, float]:
        measured = [
            Measured(features=space.x[r], outcomes=y, space_means=m)
            for r, y, m in zip(rows, logs, means, strict=True)
        ]
        found = adjusted_contrast(measured, list(weights))
        return found.p_value, found.difference.value

    return Design(strata, np.abs(weights) / np.abs(weights).sum(), decide)


def parts_design(space: Space, pair: Pair) -> Design:
    """The tool's design: what only one space has, and what both have, drawn apart."""
    only_a, only_b, both = pair.a & ~pair.b, pair.b & ~pair.a, pair.a & pair.b
    weights = np.array(overlap_weights(only_a.sum() / pair.a.sum(), only_b.sum() / pair.b.sum()))
    used = np.abs(weights) > 1e-12
    masks = [mask for mask, use in zip((only_a, only_b, both), used, strict=True) if use]
    return adjusted_design(space, [np.flatnonzero(mask) for mask in masks], weights[used])


@dataclass(frozen=True)
class Draws:
    """Rows and log errors of many resamples, the first columns of which are a smaller sample."""

    rows: list[np.ndarray]
    logs: list[np.ndarray]

    @classmethod
    def of(
        cls,
        logs: np.ndarray,
        strata: list[np.ndarray],
        counts: list[int],
        resamples: int,
        seed: int,
    ) -> Draws:
        """`resamples` independent samples with replacement, one seed each."""
        rng = np.random.default_rng(seed)
        rows = [rng.choice(s, (resamples, n)) for s, n in zip(strata, counts, strict=True)]
        return cls(rows, [logs[r, rng.integers(0, 3, r.shape)] for r in rows])

    def outcome(self, design: Design, n: int) -> np.ndarray:
        """p and estimate (resamples, 2) of the first n networks of each resample."""
        counts = design.counts(n)
        return np.array(
            [
                design.decide(
                    [logs[i, :c] for logs, c in zip(self.logs, counts, strict=True)],
                    [rows[i, :c] for rows, c in zip(self.rows, counts, strict=True)],
                )
                for i in range(len(self.rows[0]))
            ]
        )


@cache
def ks_critical(n: int) -> float:
    """The least D of two samples of n that is rejected at the level, times n; exact p."""
    grid = np.arange(n, dtype=float)
    low, high = 1, n
    while low < high:
        k = (low + high) // 2
        if stats.ks_2samp(grid, grid + k - 0.5, method="exact").pvalue <= LEVEL:
            high = k
        else:
            low = k + 1
    return low


def ks(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Which rows of log errors `a` and `b` (resamples, n) the KS test tells apart; vectorised."""
    n = a.shape[1]
    images = np.rint(TEST_IMAGES * np.exp(np.concatenate([a, b], axis=1)))
    codes = 2 * images.astype(np.int32)
    codes[:, n:] += 1
    codes.sort(axis=1)
    gap = np.cumsum(np.where(codes & 1, -1, 1), axis=1)
    last = np.diff(codes >> 1, axis=1, append=-1) != 0  # of equal errors
    return np.where(last, np.abs(gap), 0).max(axis=1) >= ks_critical(n)


def welch(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The same by Welch's t."""
    return np.asarray(stats.ttest_ind(a, b, axis=1, equal_var=False).pvalue) < LEVEL


def fewest(decided: Callable[[int], float], most: int = MOST) -> int | None:
    """The fewest networks, in steps of 2, that decide often enough; None above `most`."""
    low, high = FEWEST, 2 * FEWEST
    if decided(low) >= POWER:
        return low
    while decided(min(high, most)) < POWER:
        if high >= most:
            return None
        low, high = high, 2 * high
    high = min(high, most)
    while high - low > 2:
        middle = (low + high) // 4 * 2
        low, high = (low, middle) if decided(middle) >= POWER else (middle, high)
    return high


def shifted(space: Space, pair: Pair) -> np.ndarray:
    """Log errors whose mean is the same over both spaces: those in one only are moved."""
    logs = space.logs.copy()
    only = pair.a & ~pair.b
    if only.any():
        logs[only] -= (logs[pair.a].mean() - logs[pair.b].mean()) * pair.a.sum() / only.sum()
    else:
        only = pair.b & ~pair.a
        logs[only] -= (logs[pair.b].mean() - logs[pair.a].mean()) * pair.b.sum() / only.sum()
    assert abs(logs[pair.a].mean() - logs[pair.b].mean()) < 1e-12
    return logs


def study(space: Space, pair: Pair, resamples: int, nulls: int, seed: int) -> dict[str, Any]:
    """One row: what each design needs, and how often it rejects true nulls."""
    truth = space.logs[pair.a].mean() - space.logs[pair.b].mean()
    rows = [np.flatnonzero(pair.a), np.flatnonzero(pair.b)]
    half = [MOST // 2] * 2
    plain = Draws.of(space.logs, rows, half, resamples, seed)
    fewer = Draws(
        [r[: resamples // 8] for r in plain.rows], [y[: resamples // 8] for y in plain.logs]
    )

    def plainly(test: Callable[[np.ndarray, np.ndarray], np.ndarray], n: int) -> float:
        a, b = (logs[:, : n // 2] for logs in plain.logs)
        right = np.sign(a.mean(axis=1) - b.mean(axis=1)) == np.sign(truth)
        return float((test(a, b) & right).mean())

    def decided(design: Design, draws: Draws, n: int) -> float:
        found = draws.outcome(design, n)
        return float(((found[:, 0] < LEVEL) & (np.sign(found[:, 1]) == np.sign(truth))).mean())

    independent = adjusted_design(space, rows, np.array([1.0, -1.0]))
    parts = parts_design(space, pair)
    drawn = Draws.of(space.logs, parts.strata, parts.counts(MOST), resamples, seed)
    needs = {
        "ks": fewest(lambda n: plainly(ks, n)),
        "welch": fewest(lambda n: plainly(welch, n)),
        "adjusted": fewest(lambda n: decided(independent, fewer, n), MOST_ADJUSTED),
        "parts": fewest(lambda n: decided(parts, drawn, n)),
    }
    same = adjusted_design(space, [rows[0], rows[0]], np.array([1.0, -1.0]))
    own = [needs["parts"]] if needs["parts"] else []
    sizes = sorted({*NULL_SIZES, *own})
    zero = Draws.of(shifted(space, pair), parts.strata, parts.counts(sizes[-1]), nulls, seed + 1)
    twice = Draws.of(space.logs, same.strata, same.counts(sizes[-1]), nulls, seed + 2)
    ks_sizes = [needs["ks"]] if needs["ks"] else []
    alike = Draws.of(
        space.logs, same.strata, same.counts(max(ks_sizes, default=4)), nulls, seed + 3
    )
    return {
        "pair": pair.name,
        "networks": [len(r) for r in rows],
        "true_ratio_of_typical_errors": round(float(np.exp(truth)), 4),
        "needs": needs,
        "rejected_true_nulls": {
            "parts, shifted": {n: rejected(zero.outcome(parts, n)) for n in sizes},
            "adjusted, same space": {n: rejected(twice.outcome(same, n)) for n in own},
            "ks, same space": {
                n: round(float(ks(*(logs[:, : n // 2] for logs in alike.logs)).mean()), 4)
                for n in ks_sizes
            },
        },
    }


def rejected(outcome: np.ndarray) -> float:
    """The share of resamples with p below the level."""
    return round(float((outcome[:, 0] < LEVEL).mean()), 4)


def ratio(row: dict[str, Any], design: str = "parts") -> float:
    """KS's networks over the design's; at its limit where it needs more."""
    needs = row["needs"]
    most = MOST_ADJUSTED if design == "adjusted" else MOST
    return (needs["ks"] or MOST) / (needs[design] or most)


def median_ratio(rows: list[dict[str, Any]], design: str) -> dict[str, Any]:
    """The median over pairs, with its exact interval."""
    found = quantile([ratio(row, design) for row in rows], 0.5)
    return {
        "value": round(found.value, 2),
        "lower": round(found.lower, 2),
        "upper": round(found.upper, 2),
        "pairs": found.n,
    }


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    lines = [
        "# Networks needed to tell which of two spaces is better",
        "",
        f"Both spaces together, in 80 % of {result['resamples']} resamples, at the level of 5 %.",
        "How: `benchmarks/which_space.py`. The ratio is KS over `parts`, a lower bound where KS",
        f"needs more than {MOST}. True nulls ({result['nulls']} resamples each), rejections [%]:",
        "`parts` on shifted errors with the number it needs / 50 / 100; `adjusted` on the first",
        "space twice with that number; KS on the first space twice with its own.",
        "",
    ]
    for design, m in result["median_ratio"].items():
        lines.append(
            f"- Median ratio of KS over {design}: {m['value']} (95 % interval {m['lower']} to "
            f"{m['upper']}, {m['pairs']} pairs)"
        )
    for kind, found in result["true_nulls_rejected"].items():
        lines.append(
            f"- True nulls rejected, {kind}: {100 * found['mean']:.2f} % on average, "
            f"{100 * found['least']:.1f} to {100 * found['most']:.1f} % ({found['rates']} rates)"
        )
    lines += [
        "",
        "| A / B | error of A over B | KS | Welch | adjusted | parts | ratio | null parts | "
        "null adjusted | null KS |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(table_row(row) for row in result["rows"]),
    ]
    return "\n".join(lines) + "\n"


def table_row(row: dict[str, Any]) -> str:
    """One pair's line."""
    needs, nulls = row["needs"], row["rejected_true_nulls"]
    own = [needs["parts"]] if needs["parts"] else []

    def rates(kind: str, sizes: list[int | None]) -> str:
        return " / ".join(f"{100 * nulls[kind][n]:.1f}" for n in sizes if n)

    value = ratio(row)
    cells = [
        row["pair"],
        f"{row['true_ratio_of_typical_errors']:.3f}",
        *(str(needs[d] or f"> {MOST}") for d in ("ks", "welch")),
        str(needs["adjusted"] or f"> {MOST_ADJUSTED}"),
        str(needs["parts"] or f"> {MOST}"),
        f"{'' if needs['ks'] else '> '}{value:.1f}",
        rates("parts, shifted", [*own, *NULL_SIZES]),
        rates("adjusted, same space", list(own)),
        rates("ks, same space", [needs["ks"]]),
    ]
    return f"| {' | '.join(cells)} |"


def write(path: Path, rows: list[dict[str, Any]], resamples: int, nulls: int) -> None:
    """The pairs done so far, with what they say together."""
    kinds = rows[0]["rejected_true_nulls"]
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": platform.machine(),
        "versions": {name: version(name) for name in ("numpy", "scipy")},
        "resamples": resamples,
        "nulls": nulls,
        "median_ratio": {d: median_ratio(rows, d) for d in ("parts", "adjusted", "welch")},
        "true_nulls_rejected": {kind: pooled(rows, kind) for kind in kinds},
        "rows": rows,
    }
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    path.with_suffix(".md").write_text(table(result), encoding="utf-8")


def pooled(rows: list[dict[str, Any]], kind: str) -> dict[str, float]:
    """Rates of rejection over all pairs and sizes."""
    rates = [rate for row in rows for rate in row["rejected_true_nulls"][kind].values()]
    return {
        "mean": round(float(np.mean(rates)), 4),
        "least": min(rates),
        "most": max(rates),
        "within_4_to_6_percent": round(float(np.mean([0.04 <= r <= 0.06 for r in rates])), 3),
        "rates": len(rates),
    }
