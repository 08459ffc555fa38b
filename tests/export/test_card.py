"""The model card says what is known, with n and intervals, and what is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from dse.analysis.ranking import rank
from dse.analysis.reliability import reliability
from dse.export.folder import Source, export_networks
from dse.export.form import Form
from dse.training.recipe import Recipe
from tests.export.networks import network
from tests.population import make_population

STUDY = {"study": "s*tudy", "space": "a_space (0123)", "seed": 3, "versions": {"torch": "2"}}


def cards(folder: Path, population: pd.DataFrame, *indices: int, **options: Any) -> list[str]:
    """The cards as text without line breaks."""
    noise = reliability(population, random_subset=6).seed_std
    ranked = rank(population, finalists=6, seed_std=noise)
    source = Source(
        population=population,
        ranked={place.index: place for place in ranked if place.ended_well},
        study=STUDY,
        caution="Careful.",
    )
    rows = export_networks(source, indices, folder, Form(**options))
    return [" ".join((Path(row["folder"]) / "README.md").read_text().split()) for row in rows]


def test_results_have_their_n_and_interval_or_say_that_there_is_none(tmp_path: Path) -> None:
    population = make_population()
    seeds = population.groupby("index").size()
    once = int(seeds[seeds == 1].index.difference([5, 17])[0])
    best = int(population[population["replicate"] == 1].sort_values("error")["index"].iloc[0])
    single, twice, diverged = cards(tmp_path, population, once, best, 5)
    assert "trained with one seed, so there is no interval by seed noise" in single
    assert "95 % interval" not in single
    assert "(n = 1), with a 95 % interval by seed noise alone of" in twice
    assert "too good on average" in twice
    assert "of the 22 networks of its study that have one" in twice
    assert "It has no rank" in diverged
    assert "| 0 | diverged | none | 2000 |" in diverged
    row = population[(population["index"] == once)].iloc[0]
    error = row["error"]
    spread = (error * (1 - error) / 2000) ** 0.5
    assert f"| 0 | complete | {100 * error:.1f} % ± {100 * spread:.1f} % | 2000 |" in single


def test_cost_provenance_licence_and_caution_are_told(tmp_path: Path) -> None:
    (text,) = cards(tmp_path, make_population(), 0)
    assert "FLOPs = multiply-adds of convolution and linear layers" in text
    assert "GFLOPs (" in text
    assert "- Space: a\\_space (0123)" in text
    assert "- Study: s\\*tudy" in text
    assert "torch 2" in text
    assert "Apache-2.0" in text
    assert "Careful." in text


def test_lines_for_training_are_those_of_the_recipe(tmp_path: Path) -> None:
    recipe = Recipe(batch_size=64)
    padded = recipe.images.model_copy(update={"pad": 4})
    (text,) = cards(tmp_path, make_population(), 0, recipe=recipe)
    assert "--nproc-per-node=8 model.py TRAIN_PY \\ --data-dir DATA" in text
    assert "--batch-size 8 \\ --grad-accum-steps 1 \\" in text
    assert "does otherwise" not in text
    (text,) = cards(
        tmp_path, make_population(), 0, recipe=recipe.model_copy(update={"images": padded})
    )
    assert "does otherwise: It crops by area" in text


def test_native_forms_are_shown_or_their_absence_explained(tmp_path: Path) -> None:
    population = make_population()
    usual = network("convnext_tiny").to_dict()
    mask = population["index"] == 0
    population.loc[mask, "architecture"] = population[mask]["architecture"].map(lambda _: usual)
    native, other = cards(tmp_path, population, 0, 1)
    assert "from timm.models.convnext import ConvNeXt" in native
    assert 'ConvNextForImageClassification(AutoConfig.from_pretrained("huggingface"))' in native
    assert "cannot express this network: there, " in other
