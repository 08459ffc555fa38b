from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from dse.architecture import Architecture
from dse.errors import UserError
from dse.jobs.explain import Explained, explain_population, explain_survey
from dse.jobs.imported import import_job
from dse.jobs.tables.columns import Asked
from dse.space import Budget, Sampler, load_space
from dse.space.language.restrict import loosened
from dse.space.sampling.sampler import VERSION
from dse.store.plain import flat_columns
from dse.store.records import StudyRecord
from dse.store.store import Store
from dse.store.target import parse_target
from dse.study.sampling import sampling
from tests.published import published
from tests.spaces import CONVNEXT_FILE
from tests.store.records import fill

BUDGET = Budget.parse("4.5GFLOPs")
ErrorOf = Callable[[Architecture], float]


def made_up(network: Architecture) -> float:
    """Deep third stages and batch norm are bad, and seeds are noisy (by the network's hash)."""
    noise = np.random.default_rng(int(network.hash[:8], 16)).standard_normal()
    bad = 0.04 * (network.norm_layer == "batch_norm") + 0.01 * abs(network.depths[2] - 5)
    return float(0.3 + bad + 0.02 * noise)


def survey(
    file: Path,
    *,
    models: int = 300,
    seed: int = 0,
    error_of: ErrorOf = made_up,
    version: int = VERSION,
) -> Explained:
    """A survey of a space with made-up errors, explained; no training, no store."""
    space = load_space(file)
    sampler = Sampler(space=space, budget=BUDGET, seed=seed)
    study = StudyRecord(
        name=file.stem,
        space_name=space.name,
        space_hash=space.hash,
        space=space.definition(),
        budget=BUDGET.to_dict(),
        seed=seed,
        proxy={"dataset": {"source": "fractals"}},
        design={"repeat": 0.0, "sampling": sampling(sampler) | {"version": version}},
        provenance={},
    )
    samples = list(sampler.samples(models))
    shapes = [sample.architecture.to_dict() for sample in samples]
    frame = pd.DataFrame(
        {
            "index": [sample.index for sample in samples],
            "replicate": 0,
            "state": "complete",
            "error": [error_of(sample.architecture) for sample in samples],
            "test_images": 2000,
            "classes": 20,
            "architecture": shapes,
        }
    )
    choices = pd.DataFrame(flat_columns(shapes)).add_prefix("arch.")
    return explain_population(study, pd.concat([frame, choices], axis=1), parse_target("made.db"))


def test_three_turns_of_the_loop_narrow_the_space_to_what_is_good(tmp_path: Path) -> None:
    first = Sampler(space=load_space(CONVNEXT_FILE), budget=BUDGET, seed=9).samples(60)
    file, medians = CONVNEXT_FILE, []
    for turn in range(3):
        explained = survey(file, seed=turn)
        wider = load_space(file)
        file = explained.write_space(tmp_path / f"turn_{turn}.yaml")
        space = load_space(file)
        assert not list(loosened(wider.parameters, space.parameters, space.stages))
        assert space.hash != wider.hash
        assert space.log10_size < wider.log10_size
        samples = Sampler(space=space, budget=BUDGET, seed=9).samples(60)
        medians.append(np.median([made_up(sample.architecture) for sample in samples]))
    assert space.parameters.norm_layer.values == ("layer_norm",)
    depths = space.slots["depths.3"].values
    assert depths is not None
    assert 5 in depths
    assert len(depths) < 17
    assert medians[2] < medians[0] < 0.335 < np.median([made_up(s.architecture) for s in first])


def test_the_parent_is_found_or_written_beside_the_file(tmp_path: Path) -> None:
    explained = survey(CONVNEXT_FILE)
    file = explained.write_space(tmp_path / "narrow.yaml")
    data = yaml.safe_load(file.read_text())
    parent = tmp_path / data["extends"]
    assert load_space(parent).hash == load_space(CONVNEXT_FILE).hash
    assert not list(tmp_path.glob(".*"))
    with pytest.raises(UserError, match="is there already"):
        explained.write_space(file)


def test_where_nothing_matters_nothing_is_proposed_or_written(tmp_path: Path) -> None:
    def noise(network: Architecture) -> float:
        return float(np.random.default_rng(int(network.hash[:8], 16)).random())

    explained = survey(CONVNEXT_FILE, models=60, error_of=noise)
    assert explained.found.narrowing.kept == ()
    with pytest.raises(UserError, match="no value is shown to be worse"):
        explained.write_space(tmp_path / "narrow.yaml")
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"ends in \.yaml"):
        survey(CONVNEXT_FILE, models=40).write_space(tmp_path / "narrow.txt")


def test_networks_that_cannot_be_drawn_again_are_read_as_they_are(tmp_path: Path) -> None:
    explained = survey(CONVNEXT_FILE, models=40, version=1)
    assert not explained.is_drawn
    assert any("read off the networks" in sentence for sentence in explained.sentences)
    with pytest.raises(UserError, match="drawn with is not known"):
        explained.write_space(tmp_path / "narrow.yaml")


def test_parameters_are_what_the_networks_were_drawn_with() -> None:
    found = survey(CONVNEXT_FILE, models=40).found
    assert {"dims.growth.1", "depths.3", "norm_layer"} <= {row.name for row in found.importances}


def test_an_empty_survey_is_one_sentence() -> None:
    with pytest.raises(UserError, match="two at least are needed"):
        survey(CONVNEXT_FILE, models=1)


# What was measured elsewhere


def imported(folder: Path, text: str, **options: int) -> Path:
    """The store of a table that was imported."""
    (folder / "zoo.csv").write_text(text)
    store = folder / "zoo.db"
    import_job(file=str(folder / "zoo.csv"), name="zoo", store=store, asked=Asked(), **options)
    return store


def zoo(networks: int = 120, *, ends: str = "") -> str:
    """A table in which patches and depth are good, and each network has a link of its own."""
    rng = np.random.default_rng(0)
    rows = ["name,acc,flops,stem,depth,link"]
    for k in range(networks):
        stem, depth = rng.choice(["conv", "patch"]), int(rng.choice([18, 34, 50]))
        acc = 70 + 5 * (stem == "patch") + depth / 10 + rng.normal()
        told = ends if ends and k == 3 else f"{acc:.2f}"
        rows.append(f"n{k},{told},{rng.uniform(1, 5):.2f}G,{stem},{depth},l{k}")
    return "\n".join(rows) + "\n"


def test_an_imported_table_is_explained_by_its_columns(tmp_path: Path) -> None:
    explained = explain_survey(imported(tmp_path, zoo()))
    assert not explained.is_drawn
    assert [row.name for row in explained.found.importances] == ["stem", "depth"]
    held = {
        (effect.name, level.level): level.held
        for effect in explained.found.effects
        for level in effect.levels
    }
    patch, deep = held["stem", "patch"], held["depth", "50"]
    assert patch is not None
    assert deep is not None
    assert patch.upper < 0
    assert deep.upper < 0
    kept = explained.found.narrowing.kept[0]
    assert (kept.name, kept.left_out) == ("stem", ("conv",))
    said = " ".join(explained.sentences)
    for text in (
        "120 networks: 120 trained to the end",
        "Parameters are the choices that zoo.csv tells.",
        "Left out, as texts of more than 8 values: link.",
        "recipes, these are part of them",
        "were measured elsewhere (zoo.csv)",
        "and nothing here holds that: a choice that goes with size",
    ):
        assert text in said
    assert "one recipe" not in said
    with pytest.raises(UserError, match=r"columns of zoo\.csv, which no space can be written from"):
        explained.write_space(tmp_path / "narrow.yaml")


def test_bad_ends_of_an_import_need_the_number_of_classes(tmp_path: Path) -> None:
    store = imported(tmp_path, zoo(ends="diverged"))
    with pytest.raises(UserError, match="the number of classes is not known"):
        explain_survey(store)
    (tmp_path / "known").mkdir()
    store = imported(tmp_path / "known", zoo(ends="diverged"), classes=1000)
    assert explain_survey(store).found.bad == 1


def test_a_table_without_choices_says_so_by_empty_tables(tmp_path: Path) -> None:
    found = explain_survey(imported(tmp_path, "name,acc\na,70\nb,71\nc,72\n")).found
    assert (found.networks, found.importances, found.effects) == (3, (), ())
    assert found.narrowing.kept == ()


@pytest.mark.parametrize("kind", ["search", "paired"])
def test_networks_that_were_chosen_are_not_explained(tmp_path: Path, kind: str) -> None:
    with Store.open(tmp_path / "s.db", create=True, study="chosen") as store:
        fill(store, 5, kind=kind)
    with pytest.raises(UserError, match=f"is a {kind}, not a survey"):
        explain_survey(tmp_path / "s.db", name="chosen")


def test_the_effects_in_a_published_space_are_found_in_a_sample_of_it(tmp_path: Path) -> None:
    """True effects are over all networks, each as one training of it has them."""
    space = published()
    errors = {key: 1 - network["test_acc"][0] / 100 for key, network in space.items()}
    rng = np.random.default_rng(0)
    keys = rng.choice(sorted(space), 400, replace=False)
    file = tmp_path / "space.json"
    file.write_text(json.dumps({key: {"error": errors[key]} for key in keys}))
    asked = Asked(unit="fraction", split_key="layer")
    import_job(file=str(file), name="space", store=tmp_path / "space.db", asked=asked)
    explained = explain_survey(tmp_path / "space.db")
    assert explained.found.importances[0].name == "layer.1"
    logs = np.log([errors[key] for key in space])
    choices = np.array([list(key) for key in space])
    held = []
    for effect in explained.found.effects:
        column = choices[:, int(effect.name.removeprefix("layer.")) - 1]
        for level in effect.levels:
            here = column == level.level
            truth = np.expm1(logs[here].mean() - logs[~here].mean())
            assert level.held is not None
            held.append(level.held.lower <= truth <= level.held.upper)
    assert len(held) == 24
    assert sum(held) >= 20
