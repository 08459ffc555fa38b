"""Proxies by name and by file; every preset, on paper and on a tiny data set of its format."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
import torch
import yaml

from dse.architecture import Architecture
from dse.cli import cli, main
from dse.errors import UserError
from dse.network import build
from dse.proxy.data.prepared import Request
from dse.proxy.datasets import load_dataset
from dse.proxy.device_data import DeviceData
from dse.proxy.load import PRESETS, load_proxy, preparing_command, preset_names
from dse.proxy.recipe import Proxy, RateChoice
from dse.proxy.trainer import train
from tests.proxy import preset_costs
from tests.proxy.data import made
from tests.test_cli import run

DOCUMENT = (Path(__file__).parents[2] / "docs" / "proxies.md").read_text(encoding="utf-8")
COMMANDS = {name: preparing_command(name) for name in preset_names()}
PREPARED = {name: command for name, command in COMMANDS.items() if command is not None}

each_preset = pytest.mark.parametrize("name", preset_names())
each_prepared = pytest.mark.parametrize("name", PREPARED)


def test_the_presets_are_those_that_were_promised() -> None:
    assert set(preset_names()) == {
        "embedded", "embedded_long", "embedded_gpu", "cifar10", "cifar100", "imagenet100_64",
        "imagenet100_128", "imagenet_64", "imagenet_128", "imagenet_160", "imagenet_224",
    }  # fmt: skip
    assert set(preset_names()) - set(PREPARED) == {"embedded", "embedded_long", "embedded_gpu"}


def test_the_embedded_presets_load_and_the_default_one_states_the_defaults() -> None:
    for name in set(preset_names()) - set(PREPARED):
        load_proxy(name)
    assert load_proxy("embedded") == Proxy(train_images=3000)


@each_preset
def test_a_preset_is_consistent_on_the_data_set_it_is_for(name: str) -> None:
    proxy, images = preset_costs.preset(name)
    assert proxy.images <= images.train
    assert proxy.dataset.classes == images.classes
    assert proxy.recipe.warmup == 0.2
    rate = proxy.recipe.learning_rate
    if isinstance(rate, RateChoice):
        assert rate.best_of
        assert max(rate.best_of) == 4 * min(rate.best_of)
    text = (PRESETS / f"{name}.yaml").read_text()
    assert (f"# all {proxy.images:,}" in text) == (proxy.train_images is None)


@pytest.mark.parametrize("name", [name for name in PREPARED if name.startswith("imagenet_")])
def test_the_rate_of_imagenet_is_the_paper_s_scaled_with_the_batch(name: str) -> None:
    recipe = preset_costs.preset(name)[0].recipe
    assert recipe.learning_rate == pytest.approx(4e-3 * recipe.batch_size / 4096, rel=0.03)


@each_prepared
def test_the_command_in_a_preset_makes_the_data_set_that_it_names(name: str) -> None:
    command = PREPARED[name]
    asked = preset_costs.options(command)
    data: dict[str, Any] = yaml.safe_load((PRESETS / f"{name}.yaml").read_text())
    assert asked["o"] == data["dataset"]["path"] == f"data/{name}"
    assert int(asked["resolution"]) == data["resolution"]
    verb: Any = cli
    for word in ("data", "prepare"):
        verb = verb.commands[word]
    with verb.make_context("prepare", shlex.split(command)[3:]) as context:
        assert isinstance(context, click.Context)
    numbers = {key.replace("-", "_"): int(value) for key, value in asked.items() if value.isdigit()}
    Request(source=asked[""], **numbers)  # type: ignore[arg-type]


@each_prepared
def test_without_its_data_set_a_preset_names_the_command_that_makes_it(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as caught:
        load_proxy(name)
    assert str(caught.value) == (
        f"proxy {name!r}: data/{name} holds no prepared data set; make it with: {PREPARED[name]}"
    )
    space = str(Path(__file__).parents[2] / "spaces" / "convnext_space.yaml")
    code, _, err = run(capsys, "run", space, "--budget", "1GFLOPs", "--proxy", name)
    assert code == 2
    assert PREPARED[name] in err
    assert err.count("\n") == 1


def test_a_data_set_that_is_not_finished_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data" / "cifar10" / ".preparing").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"cifar10: is not finished"):
        load_proxy("cifar10")


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("cifar10", made.cifar10_files(per_batch=60)),
        ("cifar100", made.cifar100_files(train=300, test=100)),
    ],
)
def test_a_preset_trains_on_an_archive_of_its_format(
    name: str, files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it is, but for fewer epochs and an archive of 300 images."""
    monkeypatch.chdir(tmp_path)
    path = made.archive(tmp_path / "small.tar.gz", files)
    with pytest.raises(SystemExit) as exit_info:
        main(shlex.split(PREPARED[name].replace("PATH", str(path)))[1:])
    assert not exit_info.value.code
    loaded = load_proxy(name)
    assert Path(loaded.dataset.path) == tmp_path / "data" / name  # type: ignore[union-attr]
    proxy = Proxy.model_validate(loaded.model_dump() | {"epochs": 2})
    assert (proxy.steps, proxy.choice_steps, proxy.images) == (2, 6, 300)
    data = DeviceData(load_dataset(proxy.dataset, resolution=32), torch.device("cpu"))
    network = Architecture(depths=(1, 1), dims=(8, 16), kernel_sizes=(3, 3))
    torch.manual_seed(0)
    model = build(network.scaled(proxy.channels), in_channels=3, classes=data.classes)
    result = train(model, data, proxy, seed=0, device=torch.device("cpu"))
    assert (result.state, len(result.epochs)) == ("complete", 2)
    assert result.learning_rate in (1e-3, 2e-3, 4e-3)
    assert result.test_images == len(data.test_labels)


@pytest.mark.parametrize("table", [preset_costs.size_table, preset_costs.cost_table])
def test_the_document_s_tables_are_what_the_presets_are(table: Callable[[list[str]], str]) -> None:
    expected = table(preset_names())
    assert expected in DOCUMENT, f"docs/proxies.md must hold:\n{expected}"


def test_the_document_s_assumptions_are_those_of_its_table() -> None:
    assert f"{preset_costs.RATE / 1e12:g} T multiply-adds a second" in DOCUMENT
    assert f"{1000 * preset_costs.STEP_SECONDS:g} ms" in DOCUMENT


@each_prepared
def test_the_document_has_every_command(name: str) -> None:
    assert f"\n{PREPARED[name]}\n" in DOCUMENT


def test_an_unknown_preset_names_the_nearest_one() -> None:
    with pytest.raises(UserError, match=r"'embeded'.*did you mean 'embedded'"):
        load_proxy("embeded")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere\.yaml"):
        load_proxy(str(tmp_path / "nowhere.yaml"))
