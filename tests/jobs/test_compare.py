"""What may be compared with what, and what must be said beside it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dse.errors import UserError
from dse.jobs.compare import compare_job, paper_networks, read_study
from dse.jobs.imported import import_job
from dse.jobs.tables.columns import Asked
from dse.store.store import Store
from dse.store.target import split_study
from tests.filled import fill_survey
from tests.published import published
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


# What was measured elsewhere


def part(
    folder: Path, name: str, errors: dict[str, float], *, trained: int, complete: bool = True
) -> str:
    """A store of all networks of a part of a space, `trained` of them, drawn at random."""
    rng = np.random.default_rng(len(name))
    chosen = set(rng.choice(sorted(errors), trained, replace=False))
    rows = {key: {"error": error if key in chosen else None} for key, error in errors.items()}
    (folder / f"{name}.json").write_text(json.dumps(rows))
    import_job(
        file=str(folder / f"{name}.json"),
        name=name,
        store=folder / f"{name}.db",
        asked=Asked(unit="fraction", split_key="layer"),
        complete=complete,
    )
    return str(folder / f"{name}.db")


def made_space() -> dict[str, float]:
    """All 256 networks of eight layers of two choices; these add up, but for some noise."""
    rng = np.random.default_rng(3)
    keys = [f"{k:08b}" for k in range(256)]
    return {k: 0.2 * 1.1 ** k.count("1") * np.exp(0.02 * rng.standard_normal()) for k in keys}


def halves(errors: dict[str, float], place: int, choice: str) -> tuple[dict[str, float], float]:
    """The networks without a choice at a place, and the truth: typical error of all over theirs."""
    without = {key: error for key, error in errors.items() if key[place] != choice}
    logs = [np.log(list(each.values())).mean() for each in (errors, without)]
    return without, float(np.exp(logs[0] - logs[1]))


def test_an_import_of_a_complete_space_is_on_paper(tmp_path: Path) -> None:
    space = made_space()
    without, truth = halves(space, 2, "1")
    stores = [part(tmp_path, "all", space, trained=40), part(tmp_path, "no", without, trained=40)]
    told: list[str] = []
    found = compare_job(stores, tell=told.append)
    (pair,) = found.found.pairs
    assert told == []
    assert pair.adjusted is not None
    assert pair.gain is not None
    assert pair.gain > 10
    assert pair.adjusted.lower < truth < pair.adjusted.upper
    assert pair.adjusted.upper - pair.adjusted.lower < (pair.typical.upper - pair.typical.lower) / 3
    assert "all: These networks were measured elsewhere (all.json)" in found.notes[0]
    assert found.notes[-1].startswith("all and no are not known to have been trained alike")
    (plain,) = compare_job(stores, paper=0).found.pairs
    assert plain.adjusted is None
    assert plain.typical == pair.typical


def test_an_import_that_is_not_said_to_be_complete_is_not_on_paper(tmp_path: Path) -> None:
    space = made_space()
    stores = [
        part(tmp_path, "all", space, trained=40),
        part(tmp_path, "no", halves(space, 2, "1")[0], trained=40, complete=False),
    ]
    assert compare_job(stores).found.pairs[0].adjusted is None


def test_costs_that_some_networks_lack_are_no_feature_of_a_complete_space(tmp_path: Path) -> None:
    stores = []
    for name, cost in (("a", "{k}G"), ("b", "")):
        lines = [f"{k},{70 + k % 7},{cost.format(k=k) if k > 5 else ''},{k % 3}" for k in range(30)]
        file = tmp_path / f"{name}.csv"
        file.write_text("\n".join(["name,acc,flops,stem", *lines]) + "\n")
        store = tmp_path / f"{name}.db"
        import_job(file=str(file), name=name, store=store, asked=Asked(), complete=True)
        stores.append(str(store))
    whole = read_study(stores[0]).whole
    assert whole is not None
    assert list(whole) == ["arch.stem"]
    assert compare_job(stores).found.pairs[0].adjusted is not None


def test_parts_of_a_published_space_are_told_apart_by_what_is_on_paper(tmp_path: Path) -> None:
    errors = {key: 1 - each["test_acc"][0] / 100 for key, each in published().items()}
    without, truth = halves(errors, 3, "0")
    stores = [
        part(tmp_path, "all", errors, trained=100),
        part(tmp_path, "without", without, trained=100),
    ]
    (pair,) = compare_job(stores).found.pairs
    assert pair.adjusted is not None
    assert pair.gain is not None
    assert pair.gain > 4
    assert pair.adjusted.lower < truth < pair.adjusted.upper
    assert pair.p_typical < 0.05
