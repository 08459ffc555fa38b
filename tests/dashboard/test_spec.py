from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from dse.dashboard.panels import PANELS
from dse.dashboard.spec import (
    SHIPPED,
    Dashboard,
    dashboard_names,
    dashboard_schema,
    load_dashboard,
)
from dse.errors import UserError

ROOT = Path(__file__).parents[2]


def write(folder: Path, text: str) -> str:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_four_dashboards_are_shipped_and_are_those_of_the_top_folder() -> None:
    assert dashboard_names() == ["compare", "live", "overview", "roadmap"]
    assert SHIPPED.resolve() == (ROOT / "dashboards").resolve()


@pytest.mark.parametrize("name", dashboard_names())
def test_a_shipped_dashboard_shows_registered_panels_once_each(name: str) -> None:
    panels = [shown.panel for shown in load_dashboard(name).panels]
    assert set(panels) <= set(PANELS)
    assert len(set(panels)) == len(panels)


def test_a_shipped_name_is_found_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_dashboard("overview").panels


def test_a_file_says_panels_columns_titles_filter_and_studies(tmp_path: Path) -> None:
    found = load_dashboard(
        write(
            tmp_path,
            """
title: "Stems & <norms>"
panels:
  - edf
  - {panel: error_against, columns: [arch.stem], title: Stems}
filter: {error: [0.1, null], arch.stem: [patch, overlap], arch.grn: true}
studies: [b, a]
""",
        )
    )
    assert found.panels[0].panel == "edf"
    assert found.panels[1].columns == ("arch.stem",)
    assert str(found.networks) == "error=0.1..&arch.stem=patch,overlap&arch.grn=True"
    assert found.studies == ("b", "a")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("panels: [edf, edff]", "line 1: panels.1: 'edff' is no panel; did you mean 'edf'"),
        ("panels: [edf, edff]", f"Known panels: {', '.join(PANELS)}"),
        (
            "panels:\n  - edf\n  - {panel: edf, colums: [a]}",
            "line 3: unknown key 'panels.1.colums'",
        ),
        ("panels: [edf]\nfilters: {}", "line 2: unknown key 'filters'; did you mean 'filter'"),
        ("title: x", "panels: "),
        ("panels: []", "must list panels: conclusion, "),
        ("panels: edf", "must list panels"),
        ("panels: [{columns: [a]}]", "panels.0.panel: "),
        ("panels: [3]", "must hold keys and values"),
        (
            "panels: [edf]\nfilter: {error: [0.3, 0.1]}",
            "line 2: filter: error: goes from the lower",
        ),
        ("panels: [edf]\nfilter: [error]", "filter: must hold columns"),
        ("panels: [edf]\nfilter: {arch.stem: {a: b}}", r"arch.stem: give [LOW, HIGH]"),
        ("panels: [edf]\nformat: 2", "format: "),
        ("panels: [edf", "is not valid YAML"),
        ("panels: [!!python/object/apply:os.system ['true']]", "is not valid YAML"),
    ],
)
def test_a_mistake_is_one_sentence_with_file_and_key(tmp_path: Path, text: str, said: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(UserError) as error:
        load_dashboard(path)
    assert said in str(error.value)
    assert str(error.value).startswith(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["overvew", "", "dashboards", "overview.yml.txt"])
def test_an_unknown_name_is_told_those_that_are_known(name: str) -> None:
    with pytest.raises(UserError, match="Dashboards: compare, live, overview, roadmap; or give"):
        load_dashboard(name)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.yaml: there is no such file"):
        load_dashboard(str(tmp_path / "none.yaml"))


@pytest.fixture(scope="module")
def validator() -> Any:
    jsonschema = pytest.importorskip("jsonschema")
    schema = dashboard_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("name", dashboard_names())
def test_shipped_dashboards_keep_to_the_schema(name: str, validator: Any) -> None:
    validator.validate(yaml.safe_load((SHIPPED / f"{name}.yaml").read_text()))


@pytest.mark.parametrize(
    ("data", "is_valid"),
    [
        ({"panels": ["edf", {"panel": "edf", "columns": ["a"], "title": "b"}]}, True),
        ({"panels": ["edf"], "filter": {"error": [0.1, None], "a": "b", "c": ["d"]}}, True),
        ({"panels": ["nowhere"]}, False),
        ({"panels": [{"panel": "nowhere"}]}, False),
        ({"panels": []}, False),
        ({"panels": ["edf"], "filter": {"error": []}}, False),
        ({"panels": ["edf"], "other": 1}, False),
        ({}, False),
    ],
)
def test_the_schema_tells_what_is_read(data: Any, is_valid: bool, validator: Any) -> None:
    assert validator.is_valid(data) == is_valid
    try:
        Dashboard.model_validate(data)
    except ValueError:
        assert not is_valid
    else:
        assert is_valid


def test_the_schema_describes_every_key() -> None:
    schema = dashboard_schema()
    assert schema["description"] == Dashboard.__doc__.splitlines()[0]  # type: ignore[union-attr]
    assert all(part["description"] for part in schema["properties"].values())
