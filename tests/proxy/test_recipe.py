from __future__ import annotations

from pathlib import Path

import pytest

from dse.errors import UserError
from dse.proxy.load import load_proxy
from dse.proxy.recipe import Proxy, Recipe


def test_a_proxy_survives_being_kept_as_plain_data() -> None:
    proxy = load_proxy("embedded")
    assert Proxy.model_validate(proxy.model_dump(mode="json")) == proxy


def test_steps_leave_out_the_last_smaller_batch() -> None:
    proxy = Proxy.model_validate({"train_images": 1000, "epochs": 3, "recipe": {"batch_size": 64}})
    assert proxy.steps == 3 * 15


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("epoch: 3", ["epoch", "did you mean 'epochs'"]),
        ("recipe: {learning_rat: 1}", ["recipe.learning_rat", "did you mean 'learning_rate'"]),
        ("epochs: 0", ["epochs", "greater than or equal to 1"]),
        ("channels: .nan", ["channels"]),
        ("train_images: 9999999", ["train_images is 9999999", "only 6000"]),
        ("train_images: 20", ["batch_size is 64", "only 20"]),
        ("dataset: {source: imagenet}", ["dataset.source", "fractals"]),
        ("epochs: 2\nrecipe: [", ["line 2", "not valid YAML"]),
        ("recipe: {batch_size: 1}", ["recipe.batch_size", "greater than or equal to 2"]),
        ("recipe: {learning_rate: {}}", ["recipe.learning_rate", "range_test or best_of"]),
        ("recipe: {learning_rate: fast}", ["recipe.learning_rate", "a valid number"]),
        ("recipe: {learning_rate: true}", ["recipe.learning_rate", "must hold keys and values"]),
        (
            "recipe: {learning_rate: {best_off: [1e-3, 2e-3]}}",
            ["recipe.learning_rate.best_off", "did you mean 'best_of'"],
        ),
        ("recipe: {learning_rate: {best_of: [1e-3]}}", ["recipe.learning_rate.best_of", "2"]),
        ("recipe: {learning_rate: {best_of: [1e-3, 1e-3]}}", ["best_of holds a rate twice"]),
        (
            "recipe: {learning_rate: {range_test: {low: 1, high: 0.1}}}",
            ["recipe.learning_rate.range_test", "low 1 is not below high 0.1"],
        ),
        (
            "recipe: {final_learning_rate: 2e-3, learning_rate: {best_of: [1e-3, 4e-3]}}",
            ["0.002 is above learning_rate 0.001"],
        ),
        (
            "train_images: 70\nrecipe: {learning_rate: {best_of: [1e-3, 4e-3]}}",
            ["best_of chooses the rate on only 63 of 70"],
        ),
        ("recipe: {optimizer: adam}", ["recipe.optimizer", "adamw"]),
        ("recipe: {optimizer: sgd, momentum: 0}", ["recipe", "momentum is 0"]),
        ("recipe: {micro_batch: 1}", ["recipe.micro_batch", "greater than or equal to 2"]),
        ("recipe: {augment: {flop: true}}", ["augment.flop", "did you mean 'flip'"]),
        (
            "recipe: {augment: {pad_crop: 4, resized_crop: [0.3, 1]}}",
            ["augment", "pad_crop or resized_crop, not both"],
        ),
        ("recipe: {augment: {resized_crop: [1, 0.3]}}", ["augment", "lowest share first"]),
        ("recipe: {final_learning_rate: 0.01}", ["recipe", "0.01 is above learning_rate 0.002"]),
    ],
)
def test_a_mistake_in_a_file_is_one_sentence_that_names_it(
    tmp_path: Path, text: str, words: list[str]
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        load_proxy(str(path))
    sentence = str(caught.value)
    assert sentence.startswith(str(path))
    assert "\n" not in sentence
    for word in words:
        assert word in sentence


def test_a_recipe_says_itself_in_a_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    assert load_proxy("embedded").recipe.in_words() == "AdamW 0.002, warm-up and cosine"
    path.write_text(
        "recipe: {optimizer: sgd, schedule: constant, ema: 0.99, augment: {flip: true},"
        " learning_rate: {best_of: [0.1, 0.2]}}"
    )
    assert load_proxy(str(path)).recipe.in_words() == (
        "SGD at each network's best of 0.1, 0.2, warm-up, augmented (flip), averaged weights (0.99)"
    )
    path.write_text("recipe: {learning_rate: {range_test: {}}}")
    assert "range test, 0.0001 to 0.1" in load_proxy(str(path)).recipe.in_words()


@pytest.mark.parametrize(
    ("micro_batch", "parts"), [(None, 1), (64, 1), (63, 2), (32, 2), (3, 22), (2, 32)]
)
def test_parts_of_a_batch_hold_at_most_a_micro_batch(micro_batch: int | None, parts: int) -> None:
    assert Recipe(micro_batch=micro_batch).parts == parts


def test_a_choice_of_the_rate_has_its_steps() -> None:
    def steps(choice: object) -> int:
        recipe = {"learning_rate": choice}
        return Proxy.model_validate({"train_images": 1000, "recipe": recipe}).choice_steps

    assert steps(2e-3) == 0
    assert steps({"range_test": {"steps": 25}}) == 25
    assert steps({"best_of": [1e-3, 2e-3, 4e-3]}) == 3 * 4 * (900 // 64)
