"""What may be compared with what, and what must be said beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dse.errors import UserError
from dse.jobs.compare import compare_job, paper_networks, read_study
from dse.store.store import Store
from dse.store.target import split_study
from tests.filled import fill_survey
from tests.store.records import fill
from tests.tiny import PROXY


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Surveys of one space and two seeds, under other proxies and budgets, and unfinished ones."""
    folder = tmp_path_factory.mktemp("compared")
    (folder / "short.yaml").write_text(PROXY)
    fill_survey(folder / "a.db")
    fill_survey(folder / "b.db", seed=1, shift=0.2, diverged=(3,))
    fill_survey(folder / "twin.db")
    fill_survey(folder / "cheap.db", proxy=str(folder / "short.yaml"), budget="3GFLOPs")
    fill_survey(folder / "sobol.db", seed=2, design="sobol", ended=6)
    fill_survey(folder / "begun.db", seed=3, ended=2)
    fill_survey(folder / "two.db", study="first", seed=4)
    fill_survey(folder / "two.db", study="second", seed=5)
    return folder


def asked(folder: Path, *names: str) -> list[str]:
    return [str(folder / name) for name in names]


@pytest.mark.parametrize(
    ("text", "place", "name"),
    [
        ("a.db", "a.db", None),
        ("a.db::one", "a.db", "one"),
        ("a::b.db::one", "a::b.db", "one"),
        ("postgresql://me@host:5432/db", "postgresql://me@host:5432/db", None),
        ("postgresql://me@host:5432/db::one", "postgresql://me@host:5432/db", "one"),
        ("postgresql://me@[::1]/db", "postgresql://me@[::1]/db", None),
        ("postgresql://me@[::1]:5432/db::one", "postgresql://me@[::1]:5432/db", "one"),
        ("a.db::", "a.db::", None),
    ],
)
def test_a_study_is_named_after_the_last_colons(text: str, place: str, name: str | None) -> None:
    assert split_study(text) == (place, name)


def test_a_study_of_several_is_named_and_what_there_is_is_said(stores: Path) -> None:
    store = f"{stores}/two.db"
    assert read_study(f"{store}::second").study.seed == 5
    with pytest.raises(UserError, match=f"name one: {store}::first, {store}::second"):
        read_study(store)
    with pytest.raises(UserError, match="holds no study 'third'; it holds: 'first'"):
        read_study(f"{store}::third")


@pytest.mark.parametrize("kind", ["search", "paired"])
def test_networks_that_were_chosen_are_no_sample_of_their_space(tmp_path: Path, kind: str) -> None:
    with Store.open(tmp_path / "s.db", create=True, study="chosen") as store:
        fill(store, 5, kind=kind)
    for text in (f"{tmp_path}/s.db::chosen", f"{tmp_path}/s.db"):
        with pytest.raises(UserError, match=rf"(is a {kind}, not a survey|holds no survey)"):
            read_study(text)


def test_too_few_trainings_are_refused(stores: Path) -> None:
    with pytest.raises(UserError, match=r"begun.db: the first training of 2 networks has ended"):
        compare_job(asked(stores, "a.db", "begun.db"))
    with pytest.raises(UserError, match="name two studies"):
        compare_job(asked(stores, "a.db"))


def test_the_same_networks_are_refused(stores: Path) -> None:
    for other in ("twin.db", "a.db"):
        with pytest.raises(UserError, match="hold the same networks"):
            compare_job(asked(stores, "a.db", other))


def test_the_better_space_is_named_and_bad_ends_are_counted(stores: Path) -> None:
    found = compare_job(asked(stores, "a.db", "b.db"), paper=500)
    (pair,) = found.found.pairs
    assert (pair.a, pair.b) == ("convnext-4.5GFLOPs", "convnext-4.5GFLOPs-seed1")
    assert pair.adjusted is not None
    assert found.conclusions[0].startswith("convnext-4.5GFLOPs is better than convnext-4.5GFLOPs-s")
    assert found.notes[0].startswith("1 of 24 networks of convnext-4.5GFLOPs-seed1 ended badly")
    assert "no evidence about ImageNet" in found.notes[-1]
    assert len(found.notes) == 2


def test_what_else_differs_is_said(stores: Path) -> None:
    notes = compare_job(asked(stores, "a.db", "cheap.db", "sobol.db"), paper=0).notes
    text = " ".join(notes)
    assert "have different proxies (" in text
    assert "have different budgets (" in text
    assert "share draws of shapes" in text
    assert "18 of 24 networks have not ended" in text
    assert "drawn by design (sobol)" in text


def test_networks_on_paper_are_drawn_as_the_studys_and_are_none_of_them(stores: Path) -> None:
    studied = read_study(f"{stores}/a.db")
    paper = paper_networks(studied.study, 300)
    assert paper is not None
    assert np.abs(paper["flops"] / 4.5e9 - 1).max() <= 0.01
    columns = {c for c in studied.population.columns if c.startswith("arch.")}
    assert columns <= set(paper.columns)
    assert not set(paper["params"]) & set(studied.population["params"])
    pd.testing.assert_frame_equal(paper, paper_networks(studied.study, 300))
    assert paper_networks(studied.study, 0) is None
