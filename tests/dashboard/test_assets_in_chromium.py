"""The engine's functions do what Python's do: unpacking, filters, statistics, narrower spaces."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from dse.analysis.distributions import edf, quartiles
from dse.analysis.population import first_seeds, outcomes
from dse.dashboard.columns import pack, study_value
from dse.dashboard.filters import Filter, level
from dse.dashboard.page import SCRIPTS, packed
from dse.dashboard.restriction import restriction
from dse.dashboard.slots import space_value
from dse.errors import UserError
from dse.space import DesignSpace
from tests.dashboard.conftest import make_study
from tests.dashboard.engine import Engine, engine
from tests.population import make_population
from tests.spaces import CONVNEXT, changed

VECTORS = json.loads((Path(__file__).parent / "filters.json").read_text(encoding="utf-8"))
ASSETS = Path(__file__).parents[2] / "dse" / "dashboard" / "assets"


@pytest.fixture(scope="module")
def js(browser: Any) -> Iterator[Engine]:
    with engine(browser) as opened:
        yield opened


@pytest.fixture(scope="module")
def population() -> pd.DataFrame:
    return make_population(40, diverged=(5, 17, 30))


def columns(table: pd.DataFrame) -> dict[str, Any]:
    known = table.copy()
    bad = known["state"] != "complete"
    known["error"] = known["error"].mask(bad, np.inf)
    return {str(name): pack(known[name]) for name in known}


def test_every_file_of_the_engine_is_listed_and_small() -> None:
    files = sorted(ASSETS.glob("*.js"))
    assert sorted(SCRIPTS) == [file.stem for file in files]
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert text.startswith('"use strict";\n')
        assert text.count("\n") < 250


def test_filters_are_read_written_and_applied_as_in_python(js: Engine) -> None:
    table = pd.DataFrame(VECTORS["table"])
    studies = [
        (name, rows.index.tolist(), columns(rows.drop(columns="study")))
        for name, rows in table.groupby("study", sort=False)
    ]
    found = js.call(
        """
        const empty = { again: {}, measurements: {}, curves: null };
        const studies = b.map(([name, rows, columns]) => [
          rows, dse.table.study({ name, columns, ...empty })]);
        return a.map(({ text }) => {
          const filter = dse.filter.parse(text);
          const rows = studies.flatMap(([rows, study]) => {
            const mask = dse.filter.mask(study, filter);
            return rows.filter((_, place) => mask[place]);
          });
          return { conditions: filter, order: [...filter.keys()], rows,
            written: dse.filter.format(filter) };
        });
        """,
        VECTORS["cases"],
        studies,
    )
    assert len(found) == len(VECTORS["cases"])
    for case, said in zip(VECTORS["cases"], found, strict=True):
        name = case["name"]
        assert said["conditions"] == case["conditions"], name
        assert said["order"] == list(case["conditions"]), name
        assert said["written"] == case.get("written", case["text"]), name
        assert said["rows"] == case["rows"], name


def test_what_is_no_filter_is_refused(js: Engine) -> None:
    body = "return a.filter(({ text }) => { try { dse.filter.parse(text); return true; } catch "
    assert js.call(body + "{ return false; } });", VECTORS["refused"]) == []


def test_levels_of_numbers_are_called_as_in_python(js: Engine) -> None:
    values = [0, -3, 0.1, 1e-6, 0.00012345678, 123456.7, 1234567.8, 2.5e-300, 4455531264, 0.3333333]
    values += [12.5, 99999.95, 0.0001, 1e20, -0.5]
    assert js.call("return a.map(dse.table.level);", values) == [level(v) for v in values]


def test_packed_columns_hold_every_number_exactly_and_every_text(js: Engine) -> None:
    given = [
        pd.Series([0, 255]),
        pd.Series([0, 256]),
        pd.Series([-1, 70_000]),
        pd.Series([0.5, np.nan, np.inf]),
        pd.Series([0.1, 1 / 3]),
        pd.Series([4_455_531_264, 2**53]),
        pd.Series(["a", None, "<b>&\u2028", "größe"]),
        pd.Series([True, False]),
        pd.Series([], dtype=np.float64),
    ]
    packs = [pack(series) for series in given]
    assert [p["type"] for p in packs] == ["u1", "u2", "i4", "f4", "f8", "f8", "u1", "u1", "u1"]
    found = js.call(
        """
        const { study } = dse.table;
        return a.map((each) => {
          const { table } = study({ columns: { each }, again: {}, measurements: {} });
          const column = table.get("each");
          return [...column.values.keys()].map((row) => column.levels
            ? dse.table.text(column, row) : column.values[row]);
        });
        """,
        packs,
    )
    for series, said in zip(given, found, strict=True):
        if pd.api.types.is_numeric_dtype(series) and series.dtype != bool:
            np.testing.assert_array_equal(np.array(said, dtype=np.float64), series.to_numpy())
        else:
            assert said == [level(value) for value in series]


def test_a_page_value_survives_its_packing(js: Engine) -> None:
    value = {"text": "größe </script> \u2028", "list": [1, 0.1, None, True]}
    assert js.call("return dse.table.unpacked(a);", packed(value)) == value
    assert packed(value) == packed(value)


def test_edf_and_band_are_those_of_the_analysis(js: Engine, population: pd.DataFrame) -> None:
    errors = outcomes(first_seeds(population))
    finite = errors[np.isfinite(errors)]
    curve = edf(finite, len(errors), band="dkw")
    found = js.call("return dse.statistics.edf(a.map((e) => e ?? Infinity));", _plain(errors))
    assert found["n"] == curve.n
    np.testing.assert_array_equal(found["x"], curve.errors)
    np.testing.assert_allclose(found["y"], curve.fraction)
    upper = np.clip(np.array(found["y"]) + found["half"], 0, 1)
    np.testing.assert_allclose(upper, curve.upper)


def test_an_edf_of_many_is_thinned_to_points_of_the_whole_one(js: Engine) -> None:
    errors = np.random.default_rng(0).random(5000)
    found = js.call("return dse.statistics.edf(a);", errors.tolist())
    assert len(found["x"]) == 1000
    np.testing.assert_allclose(found["y"], edf(errors, 5000).at(np.array(found["x"]) + 1e-12))
    assert found["x"][0] == errors.min()
    assert found["x"][-1] == errors.max()
    assert found["y"][-1] == 1


def test_medians_are_those_of_the_analysis(js: Engine) -> None:
    rng = np.random.default_rng(1)
    for n in (1, 2, 5, 8):
        values = np.append(rng.random(n), np.inf)
        said = js.call("return dse.statistics.median(a.map((e) => e ?? Infinity));", _plain(values))
        assert float(said) == quartiles(values)[1].value


def test_curves_and_their_median_count_bad_ends_as_worst(
    js: Engine, population: pd.DataFrame
) -> None:
    study = make_study(population)
    found = js.call(
        """
        const study = dse.table.study(a);
        const everyone = new Uint8Array(study.rows).fill(1);
        const { median, curves, n } = dse.statistics.answer(study, everyone);
        return { median, curves, n, epochs: study.curves.epochs };
        """,
        study_value(study),
    )
    rows = study.networks
    first = study.curves[study.curves["replicate"] == 0]
    table = first.pivot(index="index", columns="epoch", values="error").loc[rows["index"]]
    errors = table.to_numpy()
    bad = (rows["state"] != "complete").to_numpy()[:, None]
    worst = np.where(np.isnan(errors) & bad, np.inf, errors)
    expected = [quartiles(column)[1].value for column in worst.T]
    assert found["n"] == 40
    assert len(found["curves"]) == 30
    assert found["epochs"] == table.columns.tolist()
    np.testing.assert_allclose(np.array(found["median"], dtype=float), expected, atol=2e-5)


SPACES = {
    "convnext": CONVNEXT,
    "shared": changed(kernel_sizes={"shared": {"choice": [3, 5, 7, 9]}}),
    "lists": changed(depths={"any_of": [[3, 3, 9, 3], [2, 2, 6, 2], [3, 4, 6, 3]]}),
    "continuum": changed(expansion_ratio={"shared": {"uniform": [1.0, 6.0]}}),
}
ASKED = (
    "arch.norm_layer=batch_norm&arch.depths.3=4..9&arch.kernel_sizes.1=5,7&error=..0.3",
    "arch.kernel_sizes.2=5..&arch.kernel_sizes.4=3,5,7&arch.dims.1=48..96",
    "arch.depths.1=3..&arch.depths.3=9",
    "arch.expansion_ratio.1=2.12345..4&arch.stem=patch,overlap,resnet",
    "arch.expansion_ratio=..3&arch.ls_init_value=none",
    "arch.kernel_sizes.1=4",
    "arch.expansion_ratio.1=2",
    "arch.act_layer=gelu,silu&index=1,2&flops=4e9..",
)


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_filters_narrow_a_space_as_in_python(js: Engine, space: DesignSpace) -> None:
    used = {column for text in ASKED for column in Filter.parse(text).conditions}
    value = space_value(space, [column for column in used if column.startswith("arch.")])
    found = js.call(
        """
        return b.map((text) => {
          const filter = dse.filter.parse(text);
          try {
            const { unsaid } = dse.restriction.restriction({ space: a }, filter);
            try {
              return { unsaid, yaml: dse.restriction.yaml({ space: a }, filter) };
            } catch { return { unsaid, yaml: "" }; }
          } catch { return null; }
        });
        """,
        value,
        ASKED,
    )
    for text, said in zip(ASKED, found, strict=True):
        try:
            expected = restriction(Filter.parse(text), space)
        except UserError:
            assert said is None, text
            continue
        assert said is not None, text
        assert said["unsaid"] == list(expected.unsaid), text
        written = yaml.safe_load(said["yaml"]) or {"parameters": {}}
        assert written["parameters"] == expected.parameters, text
    assert sum(bool(said and said["yaml"]) for said in found) >= 3


def test_names_cannot_leave_the_comments_of_a_space(js: Engine) -> None:
    value = space_value(CONVNEXT, ["arch.stem"]) | {"name": "a\nevil: 1\u2028b: 2"}
    filter_ = "arch.stem=patch&arch.x%0Aevil=1"
    text = js.call(
        "return dse.restriction.yaml({ space: a }, dse.filter.parse(b));", value, filter_
    )
    assert set(yaml.safe_load(text)) == {"format", "name", "extends", "parameters"}


def _plain(values: np.ndarray) -> list[float | None]:
    return [float(v) if np.isfinite(v) else None for v in values]
