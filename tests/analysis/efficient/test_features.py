from __future__ import annotations

import numpy as np
import pandas as pd

from dse.analysis.efficient.features import paper_features


def table(n: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "flops": rng.integers(1, 9, n) * 1e9,
            "params": np.full(n, 5e6),
            "error": rng.uniform(size=n),
            "arch.depths.1": rng.integers(1, 9, n),
            "arch.stem": rng.choice(["patch", "resnet", "simple"], n, p=[0.6, 0.3, 0.1]),
            "arch.stages": 4,
        }
    )


def test_costs_come_first_and_what_does_not_vary_is_left_out():
    found = paper_features([table(50)])
    assert found.names == (
        "log flops",
        "log flops squared",
        "arch.depths.1",
        "arch.depths.1 squared",
        "arch.stem = resnet",
        "arch.stem = simple",
    )
    assert found.values[0].shape == (50, 6)


def test_a_cost_that_is_not_known_of_all_networks_is_left_out():
    a, b = table(50), table(20, seed=1)
    b.loc[3, "flops"] = np.nan
    found = paper_features([a, b])
    assert "log flops" not in found.names
    assert all(np.isfinite(values).all() for values in found.values)


def test_tables_have_the_same_features_whichever_values_they_lack():
    a, b = table(50), table(20, seed=1)
    b.loc[0, "arch.stem"] = "simple"
    a = a[a["arch.stem"] != "simple"]
    found = paper_features([a, b])
    assert [values.shape for values in found.values] == [(len(a), 6), (20, 6)]
    whole = paper_features([pd.concat([a, b])])
    assert np.array_equal(np.concatenate(found.values), whole.values[0])


def test_a_cost_that_one_table_lacks_is_left_out():
    found = paper_features([table(50), table(20).drop(columns="flops")])
    assert found.names[0] == "arch.depths.1"


def test_missing_numbers_are_at_the_mean_and_said():
    rows = table(60)
    rows["arch.depths.1"] = rows["arch.depths.1"] + np.arange(60) / 7
    rows.loc[:9, "arch.depths.1"] = np.nan
    found = paper_features([rows])
    column = found.values[0][:, found.names.index("arch.depths.1")]
    assert np.allclose(column[:10], 0)
    assert found.values[0][:, found.names.index("arch.depths.1 missing")].sum() == 10


def test_errors_are_no_features():
    rows = table(40)
    other = rows.assign(error=rows["error"][::-1].to_numpy())
    assert np.array_equal(paper_features([rows]).values[0], paper_features([other]).values[0])
