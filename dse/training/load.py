"""A training or a recipe from its file, or a recipe by its name."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, Final

from dse.config import load_config
from dse.errors import UserError
from dse.training.recipe import Recipe, Training

RECIPES: Final = Path(__file__).parent / "recipes"


def load_training(path: str | Path, *, recipe: str | None = None) -> Training:
    """`train.yaml`; with `recipe`, a name or a file, that one in place of its own.

    Raises:
        UserError: there is no such file or recipe, or one holds a mistake; the sentence names file,
            line and key, and says what is allowed.
    """
    training = load_config(Training, path)
    if recipe is None:
        return training
    return training.model_copy(update={"recipe": load_recipe(recipe)})


def load_recipe(name_or_path: str) -> Recipe:
    """A recipe that comes with the package, by its name, or one described in a YAML file.

    Raises:
        UserError: there is no such recipe or file, or it holds a mistake.
    """
    names = recipe_names()
    if name_or_path in names:
        return load_config(Recipe, RECIPES / f"{name_or_path}.yaml")
    if Path(name_or_path).suffix in {".yaml", ".yml"}:
        return load_config(Recipe, name_or_path)
    near = difflib.get_close_matches(name_or_path, names, n=1, cutoff=0.0)
    raise UserError(
        f"recipe {name_or_path!r}: there is no such recipe; did you mean {near[0]!r}? Recipes: "
        f"{', '.join(names)}; or give a file that ends in .yaml."
    )


def recipe_names() -> list[str]:
    """The recipes that come with the package."""
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))


def training_schema() -> dict[str, Any]:
    """The JSON Schema of `train.yaml`, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Training.model_json_schema(),
        "title": "A training",
    }
