from __future__ import annotations

from pathlib import Path

import pytest

from dse.errors import UserError
from dse.proxy.recipe import Proxy, load_proxy, preset_names


def test_every_preset_loads_and_the_embedded_one_states_the_defaults() -> None:
    assert "embedded" in preset_names()
    for name in preset_names():
        load_proxy(name)
    assert load_proxy("embedded") == Proxy(train_images=3000)


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


def test_an_unknown_preset_names_the_nearest_one() -> None:
    with pytest.raises(UserError, match=r"'embeded'.*did you mean 'embedded'"):
        load_proxy("embeded")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere\.yaml"):
        load_proxy(str(tmp_path / "nowhere.yaml"))
