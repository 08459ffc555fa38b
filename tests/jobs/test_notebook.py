from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import dse
from dse.dashboard.panels import PANELS
from dse.errors import UserError
from dse.jobs.notebook import Population
from dse.store.store import Store
from tests.filled import fill_survey
from tests.searching import Searched
from tests.store.records import fill


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill_survey(tmp_path_factory.mktemp("notebook") / "s.db", diverged=(3,))


@pytest.fixture(scope="module")
def study(store: Path) -> Population:
    found = dse.open_study(store)
    assert isinstance(found, dse.Population)
    return found


def test_a_study_is_opened_with_its_tables(study: Population, store: Path) -> None:
    assert len(study.population) == 30
    assert len(study.networks) == 24
    assert repr(study) == f"<survey convnext-4.5GFLOPs: 24 networks in {store}>"


def test_a_notebook_shows_numbers_and_sentences(study: Population) -> None:
    shown = study._repr_html_()
    assert "Median error" in shown
    assert "1 diverged" in shown
    assert "no evidence about ImageNet" in shown
    assert all(sentence in study.sentences for sentence in study.data.sentences)
    assert "<style" not in shown
    assert "<script" not in shown


def test_names_are_shown_as_text(tmp_path: Path) -> None:
    evil = "<img src=x onerror=alert(1)>"
    fill_survey(tmp_path / "s.db", models=4, study=evil)
    shown = dse.open_study(tmp_path / "s.db", study=evil)._repr_html_()
    assert "<img" not in shown
    assert "&lt;img" in shown


def test_figures_are_those_of_the_panels(study: Population) -> None:
    assert list(study.figures("edf")) == ["edf"]
    assert {"flops", "params", "activations"} <= study.figures("costs").keys()
    figure = study.figure("error_against", "arch.norm_layer", columns=("arch.norm_layer",))
    assert figure.layout.xaxis.ticktext[0].startswith("BatchNorm")
    assert study.figures("measurements") == {}
    assert study.figures("conclusion") == {}


@pytest.mark.parametrize(
    ("panel", "name", "said"),
    [
        ("edff", "", "'edff' is no panel; known panels: conclusion, "),
        ("costs", "", "name one of its figures, not ''; there are: 'flops'"),
        ("costs", "error", "not 'error'; there are: 'flops'"),
        ("measurements", "", "there are: none"),
    ],
)
def test_a_figure_that_is_not_there_is_told_those_that_are(
    study: Population, panel: str, name: str, said: str
) -> None:
    with pytest.raises(UserError, match=said):
        study.figure(panel, name)


def test_a_part_is_a_study_again(study: Population) -> None:
    deep = study.where({"arch.depths.1": [2, None]})
    assert set(deep.networks["arch.depths.1"]) == {
        depth for depth in study.networks["arch.depths.1"] if depth >= 2
    }
    assert deep.data.summary is not None
    assert deep.data.summary.networks == len(deep.networks) < 24
    assert str(study.where("arch.depths.1=2..").sentences) == str(deep.sentences)
    with pytest.raises(UserError, match="did you mean"):
        study.where("arch.depth=1..")


def test_networks_chosen_by_their_errors_are_in_no_statistic(study: Population) -> None:
    good = study.where("error=..0.4")
    assert good.data.summary is None
    assert study.figures("edf").keys() == {"edf"}
    assert good.figures("edf") == {}
    assert "no evidence about ImageNet" in good._repr_html_()


def test_a_report_is_written_and_never_over_the_store(
    study: Population, store: Path, tmp_path: Path
) -> None:
    page = study.report(tmp_path / "r.html", dashboard="live").read_text(encoding="utf-8")
    assert "Progress" in page
    with pytest.raises(UserError, match="is a store"):
        study.report(store)


def test_searches_and_pairs_are_shown_for_what_they_are(searched: Searched, tmp_path: Path) -> None:
    search = dse.open_study(f"{searched.store}::{searched.search.study.name}")
    assert "no sample of the space" in search._repr_html_()
    with Store.open(tmp_path / "p.db", create=True, study="p") as store:
        fill(store, 2, kind="paired")
    assert "chosen for each other" in dse.open_study(tmp_path / "p.db")._repr_html_()


def test_every_panel_is_drawn_or_has_nothing_to_show(study: Population) -> None:
    for panel in PANELS:
        study.figures(panel)


def test_importing_dse_imports_no_more_than_it_needs() -> None:
    code = (
        "import sys, dse; assert not {'pandas', 'numpy', 'torch', 'plotly', 'sqlalchemy'} & "
        "sys.modules.keys(); assert not hasattr(dse, 'nothing')"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
