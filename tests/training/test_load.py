from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml
from torch import nn

from dse.errors import UserError
from dse.training.images import open_images
from dse.training.load import (
    RECIPES,
    load_recipe,
    load_training,
    recipe_names,
    training_schema,
)
from dse.training.optimizer import make_optimizer
from dse.training.recipe import Recipe


def write(folder: Path, text: str, name: str = "train.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_the_imagenet_recipe_is_the_default_with_convnext_ts_drop_paths() -> None:
    assert load_recipe("imagenet") == Recipe(drop_path_rate=0.1)


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_can_be_trained_with(name: str) -> None:
    recipe = load_recipe(name)
    make_optimizer(nn.Linear(2, 2), recipe)
    small = recipe.images.model_copy(update={"resolution": 32, "test_resolution": None})
    sets = open_images("embedded", recipe.model_copy(update={"batch_size": 64, "images": small}))
    assert sets.train[0, 0][0].isfinite().all()
    schema = training_schema()
    text = (RECIPES / f"{name}.yaml").read_text()
    jsonschema.validate({"network": "convnext_tiny", "recipe": yaml.safe_load(text)}, schema)


def test_small_images_can_be_trained_on_the_embedded_data() -> None:
    recipe = load_recipe("small_images")
    assert len(open_images("embedded", recipe).train) // recipe.batch_size > 10


def test_a_training_names_its_network_and_says_its_recipe(tmp_path: Path) -> None:
    text = "network: network.yaml\nrecipe: {batch_size: 8, schedule: {epochs: 30}}\n"
    training = load_training(write(tmp_path, text))
    assert (training.network, training.initial, training.origin) == ("network.yaml", None, None)
    assert training.recipe.batch_size == 8
    assert training.recipe.schedule.epochs == 30
    assert training.recipe.optimizer.name == "adamw"


def test_another_recipe_takes_the_place_of_a_trainings_own(tmp_path: Path) -> None:
    path = write(tmp_path, "network: convnext_tiny\nrecipe: {batch_size: 8}\n")
    assert load_training(path, recipe="small_images").recipe == load_recipe("small_images")
    mine = write(tmp_path, "batch_size: 6\n", "mine.yaml")
    assert load_training(path, recipe=str(mine)).recipe == Recipe(batch_size=6)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("network: a\nrecipe: {batchsize: 8}\n", "line 2: unknown key 'recipe.batchsize'; did you "
         "mean 'batch_size'"),
        ("network: a\nrecipe:\n  batch_size: 7\n", "line 3: recipe.batch_size: .* multiple of 2"),
        ("network: a\nrecipe:\n  schedule: {epochs: 5}\n", "warmup_epochs is 20, which leaves"),
        ("recipe: {}\n", "train.yaml.*: network: field required"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line_and_key(text: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=sentence):
        load_training(write(tmp_path, text))


def test_an_unknown_recipe_is_told_with_the_nearest() -> None:
    with pytest.raises(UserError, match=r"did you mean 'small_images'.*Recipes: .*imagenet"):
        load_recipe("small_image")
