"""What pages show of studies: any kind, from several stores, told apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dse.analysis.search import NO_SAMPLE_SENTENCE
from dse.analysis.summary import EMBEDDED_SENTENCE
from dse.dashboard.applied import apply, narrowed
from dse.dashboard.filters import Filter
from dse.dashboard.spec import load_dashboard
from dse.dashboard.view import LANDINGS, StudyData
from dse.errors import UserError
from dse.jobs.conclude import load_conclusion
from dse.jobs.imported import import_job
from dse.jobs.shown import find_studies, read_study_data, read_view, renamed, report_job
from dse.jobs.study_data import PAIRED_NOTE
from dse.jobs.tables.columns import Asked
from dse.store.records import MeasurementRecord
from dse.store.store import Store
from dse.store.target import parse_target
from tests.filled import fill_survey
from tests.searching import Searched
from tests.store.records import fill


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`a.db` with a survey, `b.db` with two; tests do not change them."""
    folder = tmp_path_factory.mktemp("shown")
    fill_survey(folder / "a.db", diverged=(3,))
    fill_survey(folder / "b.db", seed=1, models=8)
    fill_survey(folder / "b.db", seed=2, models=8, study="second", ended=4)
    with Store.open(folder / "a.db") as store:
        store.add_measurements(
            MeasurementRecord(index=k, name="latency", value=0.01 * (k + 1), unit="s", device="cpu")
            for k in range(3)
        )
    return folder


@pytest.fixture(scope="module")
def survey(folder: Path) -> StudyData:
    return read_study_data(parse_target(folder / "a.db"))


def test_a_survey_is_read_with_all_that_is_known_of_it(survey: StudyData) -> None:
    assert (survey.name, survey.kind) == ("convnext-4.5GFLOPs", "survey")
    assert survey.is_sample
    assert survey.space is not None
    assert survey.space.name == "convnext"
    assert survey.resolution == 224
    assert list(survey.measurements["value"]) == [0.01, 0.02, 0.03]
    assert survey.cautions == (EMBEDDED_SENTENCE,)
    assert survey.provenance["budget"]["tolerance"] == 0.01


def test_what_networks_were_drawn_with_is_known_unless_they_are_too_many(
    folder: Path, survey: StudyData, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert survey.choices is not None
    assert list(survey.choices.index) == list(range(24))
    assert {"depths.1", "kernel_sizes.1"} <= set(survey.choices.columns)
    monkeypatch.setattr("dse.jobs.study_data.MOST_DRAWN_AGAIN", 23)
    assert read_study_data(parse_target(folder / "a.db")).choices is None


def test_a_part_keeps_what_its_networks_were_drawn_with(survey: StudyData) -> None:
    view = read_view(find_studies([survey.store]))
    (part,) = narrowed(view, Filter.parse("arch.depths.1=1..2")).studies
    assert part.choices is not None
    assert sorted(part.choices.index) == sorted(part.population["index"].unique())
    assert set(part.choices["depths.1"]) <= {1, 2}


def test_status_and_landings_are_of_every_training(survey: StudyData) -> None:
    assert list(survey.landings) == list(LANDINGS)
    assert len(survey.landings) == len(survey.population) == 30
    assert survey.landings["finished"].is_monotonic_increasing
    assert str(survey.landings["finished"].dt.tz) == "UTC"
    assert set(survey.landings["state"]) == {"complete", "diverged"}
    assert survey.status["done"] == 29
    assert survey.status["failures"] == [
        {"state": "diverged", "reason": "the loss became NaN", "n": 1}
    ]


def test_what_is_still_to_come_is_told(folder: Path) -> None:
    study = read_study_data(parse_target(folder / "b.db", study="second"))
    assert (study.status["done"], study.status["waiting"]) == (6, 4)
    assert study.summary is not None
    assert study.summary.networks == len(study.networks) == 4
    assert len(study.population) == 10


def test_a_search_is_no_sample_and_has_its_own_conclusion(searched: Searched) -> None:
    name = searched.search.study.name
    found = read_study_data(parse_target(searched.store, study=name))
    assert found.kind == "search"
    assert not found.is_sample
    assert found.search == searched.search.summary
    assert found.cautions == (NO_SAMPLE_SENTENCE, EMBEDDED_SENTENCE)
    assert len(found.curves)
    assert len(found.landings) == len(searched.search.population)
    assert "search by tpe" in found.title


def test_survey_and_search_stand_on_one_page_and_are_never_mixed(
    searched: Searched, tmp_path: Path
) -> None:
    names = [searched.survey.study.name, searched.search.study.name]
    view = read_view(find_studies([searched.store], names))
    assert [study.name for study in view.studies] == names
    assert [study.name for study in view.samples] == names[:1]
    shown = apply(load_dashboard("compare"), view)
    assert shown.subtitle.startswith(f"Design-space survey {names[0]}; search {names[1]}.")
    path = report_job([str(searched.store)], studies=names, output=tmp_path / "both.html")
    page = path.read_text(encoding="utf-8")
    assert f"{names[1]} (search)" in page
    assert "no sample of the space" in page


def test_the_report_of_a_search_says_what_it_is(searched: Searched, tmp_path: Path) -> None:
    name = searched.search.study.name
    path = report_job([f"{searched.store}::{name}"], output=tmp_path / "search.html")
    page = path.read_text(encoding="utf-8")
    assert "no sample of the space" in page
    assert "no evidence about ImageNet" in page
    assert 'id="edf"' not in page


def test_a_paired_study_is_in_no_statistic(tmp_path: Path) -> None:
    with Store.open(tmp_path / "p.db", create=True, study="p") as store:
        fill(store, 3, kind="paired")
    (target,) = find_studies([tmp_path / "p.db"])
    found = read_study_data(target)
    assert (found.kind, found.is_sample, found.search) == ("paired", False, None)
    assert PAIRED_NOTE in found.cautions
    assert len(found.population)
    page = report_job([str(tmp_path / "p.db")], dashboard="live").read_text(encoding="utf-8")
    assert PAIRED_NOTE in page


def test_what_was_measured_elsewhere_has_no_status_and_may_have_no_space(tmp_path: Path) -> None:
    (tmp_path / "zoo.csv").write_text("network,stem,error\na,x,10.5\nb,y,20.5\nc,x,30.5\n")
    import_job(file=str(tmp_path / "zoo.csv"), name="zoo", store=tmp_path / "zoo.db", asked=Asked())
    found = read_study_data(parse_target(tmp_path / "zoo.db"))
    assert (found.kind, found.status, found.space, found.resolution) == ("imported", {}, None, None)
    assert found.is_sample
    assert "zoo.csv" in found.cautions[0]
    path = report_job([str(tmp_path / "zoo.db")])
    assert path == tmp_path / "zoo.html"
    assert "measured elsewhere" in path.read_text(encoding="utf-8")


def test_studies_are_found_in_the_order_of_their_stores_each_once(folder: Path) -> None:
    a, b = str(folder / "a.db"), str(folder / "b.db")
    found = find_studies([f"{b}::second", a, a, f"{a}::convnext-4.5GFLOPs"])
    assert [(str(t), t.study) for t in found] == [(b, "second"), (a, "convnext-4.5GFLOPs")]
    named = find_studies([b], ["second", "convnext-4.5GFLOPs-seed1"])
    assert [t.study for t in named] == ["second", "convnext-4.5GFLOPs-seed1"]


@pytest.mark.parametrize(
    ("stores", "names", "said"),
    [
        (["b.db"], [], "holds several surveys: name one with --study"),
        (["b.db"], ["third"], "holds no study 'third'; it holds: 'convnext-4.5GFLOPs-seed1', 'sec"),
        (["b.db"], ["second", "third"], "'third': there is none of this name in .*b.db"),
        (["a.db", "b.db"], ["second"], "a.db: holds no study 'second'"),
        (["a.db::other"], [], "holds no study 'other'"),
        (["none.db"], [], "none.db"),
    ],
)
def test_studies_that_are_not_there_are_told_with_those_that_are(
    folder: Path, stores: list[str], names: list[str], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        find_studies([str(folder / store) for store in stores], names)


def test_two_studies_of_one_name_are_told_apart_by_their_stores(
    folder: Path, tmp_path: Path
) -> None:
    fill_survey(tmp_path / "a.db", models=6, shift=0.1)
    places = [str(folder / "a.db"), str(tmp_path / "a.db")]
    view = read_view(find_studies(places))
    names = [f"convnext-4.5GFLOPs in {place}" for place in places]
    assert [study.name for study in view.studies] == names
    rows = pd.concat([study.networks for study in view.studies])
    assert list(rows["study"].unique()) == names
    part = narrowed(view, Filter.parse("arch.depths.1=1..3"))
    assert [study.name for study in part.studies] == names
    assert apply(load_dashboard("compare"), view).sections


def test_a_part_of_a_survey_is_concluded_from_again(survey: StudyData) -> None:
    asked = Filter.parse("arch.kernel_sizes.3=5..9")
    view = read_view(find_studies([survey.store]))
    (part,) = narrowed(view, asked).studies
    wanted = survey.networks[asked.mask(survey.networks)]
    assert 0 < len(wanted) < 24
    assert part.summary is not None
    assert part.summary.networks == len(wanted)
    assert {ranked.index for ranked in part.summary.best} <= set(wanted["index"])
    assert part.space == survey.space
    assert part.status["done"] == survey.status["done"]
    assert set(part.measurements["index"]) <= set(wanted["index"])


def test_the_finalists_of_a_part_are_the_studys_own(tmp_path: Path) -> None:
    """The best of all, however good the part is."""
    fill_survey(tmp_path / "s.db", models=16)
    whole = load_conclusion(tmp_path / "s.db")
    finalists = {ranked.index for ranked in whole.summary.best if ranked.finalist}
    first = whole.population[whole.population["replicate"] == 0]
    good = first.nsmallest(8, "error")["index"]
    rows = whole.population[whole.population["index"].isin(good)]
    part = whole.data.keeping(rows)  # type: ignore[misc]
    assert part.summary is not None
    assert {r.index for r in part.summary.best if r.finalist} == finalists
    share = part.summary.finalist_share
    assert share == pytest.approx(min(4, len(good)) / len(good))
    noise = part.summary.reliability
    assert noise.networks == int(np.sum(good < 4))


def test_a_part_of_a_search_has_its_own_best(searched: Searched) -> None:
    found = read_study_data(parse_target(searched.store, study=searched.search.study.name))
    assert found.keeping is not None
    rows = found.population[found.population["index"] % 2 == 0]
    part = found.keeping(rows)
    assert part.search is not None
    assert part.search.networks == rows["index"].nunique()
    assert all(place.index % 2 == 0 for place in part.search.ranked)


def test_reports_are_named_after_study_and_dashboard(folder: Path, tmp_path: Path) -> None:
    a, b = str(fill_survey(tmp_path / "a.db", models=4)), f"{folder / 'b.db'}::second"
    assert report_job([a]) == tmp_path / "a.html"
    assert report_job([a, b]) == tmp_path / "a.compare.html"
    mine = tmp_path / "mine.yaml"
    mine.write_text("panels: [conclusion]\n")
    assert report_job([a], dashboard=str(mine)) == tmp_path / "a.mine.html"
    assert report_job([b], dashboard="live", output=tmp_path / "x.html") == tmp_path / "x.html"


def test_a_report_never_overwrites_a_store_of_any_of_its_studies(folder: Path) -> None:
    stores = [str(folder / "a.db"), f"{folder / 'b.db'}::second"]
    for place in ("a.db", "b.db", "b.db-wal"):
        with pytest.raises(UserError, match="is a store; name another file"):
            report_job(stores, output=folder / place)


def test_reading_changes_nothing(folder: Path) -> None:
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    read_view(find_studies([str(folder / "a.db")]))
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_a_study_under_another_name_keeps_it_in_its_parts(survey: StudyData) -> None:
    other = renamed(survey, "<other>")
    assert set(other.population["study"]) == {"<other>"}
    assert other.keeping is not None
    assert other.keeping(other.population).name == "<other>"
