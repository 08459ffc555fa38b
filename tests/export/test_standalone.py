"""model.py makes the network that is trained here, to the bit, where there is no dse."""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from dse.architecture import Architecture
from dse.export.standalone import entry_point, standalone
from dse.network import build
from dse.network.timm_model import import_timm
from tests.export.networks import CLASSES, NAMED, RANDOM, images, network, randomise

EXAMPLES = (*NAMED, *RANDOM)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each network, with what it does here and what it does without dse."""
    root = tmp_path_factory.mktemp("alone")
    torch.save(images(), root / "images.pt")
    for name in EXAMPLES:
        (root / name).mkdir()
        source = standalone(network(name), name=name, classes=CLASSES, resolution=64)
        (root / name / "model.py").write_text(source, encoding="utf-8")
        torch.save(made_here(name, root / name / "weights.pt"), root / name / "expected.pt")
    job = {
        "site_packages": str(Path(torch.__file__).parents[1]),
        "threads": torch.get_num_threads(),
        "images": str(root / "images.pt"),
        "folders": [str(root / name) for name in EXAMPLES],
        "drop": "random",
    }
    script = Path(__file__).with_name("alone.py")
    command = [sys.executable, "-I", "-S", str(script), json.dumps(job)]
    subprocess.run(command, check=True, cwd=root, timeout=280)
    return root


def made_here(name: str, weights: Path) -> dict[str, Any]:
    """What alone.py is to find of a network whose weights are written."""
    torch.manual_seed(3)
    module = build(network(name), classes=CLASSES)
    found: dict[str, Any] = {"fresh": checksum(module)}
    randomise(module)
    torch.save(module.state_dict(), weights)
    with torch.no_grad():
        found["logits"] = module.eval()(images())
        if name in RANDOM:
            a = dataclasses.replace(network(name), drop_path_rate=0.5)
            dropping = build(a, classes=CLASSES)
            dropping.load_state_dict(module.state_dict())
            torch.manual_seed(4)
            found["dropped"] = dropping.train()(images())
    return found


def checksum(module: torch.nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        digest.update(name.encode() + str(tuple(tensor.shape)).encode() + tensor.numpy().tobytes())
    return digest.hexdigest()


@pytest.mark.parametrize("name", EXAMPLES)
def test_logits_and_fresh_weights_equal_the_built_networks_to_the_bit(
    folders: Path, name: str
) -> None:
    """In evaluation, and with dropped paths in training."""
    found = torch.load(folders / name / "found.pt", weights_only=True)
    expected = torch.load(folders / name / "expected.pt", weights_only=True)
    assert found["fresh"] == expected["fresh"]
    assert expected["logits"].std() > 0
    assert torch.equal(found["logits"], expected["logits"])
    assert ("dropped" in found) == (name in RANDOM)
    if name in RANDOM:
        assert torch.equal(found["dropped"], expected["dropped"])
        assert not torch.equal(found["dropped"], found["logits"])


def test_the_files_are_as_ruff_wants_them(folders: Path) -> None:
    files = [str(folders / name / "model.py") for name in EXAMPLES]
    long_name = folders / "long.py"
    long_name.write_text(standalone(Architecture(), name="a long name " * 6))
    ruff = [sys.executable, "-m", "ruff"]
    options = ["--isolated", "--line-length", "100", *files, str(long_name)]
    chosen = ["--select", "E,F,W,I,B,UP,N,D1", "--ignore", "D107,N812"]
    subprocess.run([*ruff, "check", *chosen, *options], check=True)
    subprocess.run([*ruff, "format", "--check", *options], check=True)


def test_equal_blocks_are_written_once() -> None:
    source = standalone(network("convnext_tiny"), name="t")
    assert source.count("def stage_") == 4
    assert "map(stage_3_block, rates[6:15])" in source
    assert len(source.splitlines()) < 350


@pytest.mark.parametrize(
    "name", ['"""\nimport os', "a\\", "ä ß 💥", "", "class", "1 + 1", "$header ${x}", "x" * 300]
)
def test_any_name_gives_a_module_that_says_it_and_does_nothing_else(name: str) -> None:
    tree = ast.parse(standalone(Architecture(depths=(1,), dims=(8,), kernel_sizes=(3,)), name=name))
    plain = ast.parse(standalone(Architecture(depths=(1,), dims=(8,), kernel_sizes=(3,)), name="n"))
    assert [type(node) for node in tree.body] == [type(node) for node in plain.body]
    assert entry_point(name).isidentifier()


def test_run_by_itself_it_tells_its_size_and_its_logits(folders: Path) -> None:
    path = folders / "random 0" / "model.py"
    done = subprocess.run(
        [sys.executable, str(path)], capture_output=True, text=True, check=True, cwd=path.parent
    )
    count = sum(p.numel() for p in build(network("random 0"), classes=CLASSES).parameters())
    assert done.stdout == f"{count:,} parameters; (1, 3, 64, 64) -> (1, {CLASSES})\n"
    assert not done.stderr


@pytest.fixture
def registered(tmp_path: Path) -> Iterator[Any]:
    """A module whose network timm knows, and timm."""
    timm = import_timm()
    path = tmp_path / "model.py"
    path.write_text(standalone(network("random 1"), name="My net", classes=7, resolution=48))
    spec = importlib.util.spec_from_file_location("exported_model", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["exported_model"] = module
    spec.loader.exec_module(module)
    yield timm
    del sys.modules["exported_model"]


def test_timm_makes_it_by_name_with_the_options_of_its_train_script(registered: Any) -> None:
    from timm.data import resolve_data_config

    options = {"drop_rate": 0.0, "drop_block_rate": None, "global_pool": None, "bn_eps": None}
    model = registered.create_model(
        "dse_my_net", pretrained=False, in_chans=1, num_classes=5, drop_path_rate=0.2, **options
    )
    assert model(torch.zeros(2, 1, 48, 48)).shape == (2, 5)
    assert model.stages[-1].blocks[-1].drop_path.rate == 0.2
    assert model.num_classes == 5
    config = resolve_data_config({}, model=model)
    assert (config["input_size"], config["crop_pct"]) == ((3, 48, 48), 0.875)
    assert registered.is_model("dse_my_net")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"pretrained": True}, "no pretrained weights"),
        ({"drop_rate": 0.1}, "has no drop_rate"),
        ({"global_pool": "max"}, "has no global_pool"),
    ],
)
def test_what_the_network_has_not_is_refused(
    registered: Any, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=sentence):
        registered.create_model("dse_my_net", **options)


def test_a_script_is_run_that_knows_the_network(tmp_path: Path) -> None:
    """As timm's train script is, by `python model.py SCRIPT OPTIONS`."""
    small = Architecture(depths=(1,), dims=(8,), kernel_sizes=(3,), patch_size=4)
    (tmp_path / "model.py").write_text(standalone(small, name="small"))
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "beside.py").write_text("WORD = 'beside'\n")
    (tmp_path / "scripts" / "train.py").write_text(
        "import sys\nfrom beside import WORD\nimport timm\nif __name__ == '__main__':\n"
        "    print(type(timm.create_model(sys.argv[2])).__name__, WORD, sys.argv[1:])\n"
    )
    mended = "from dse.network.timm_model import import_timm; import_timm(); import runpy, sys; "
    mended += "sys.argv = sys.argv[1:]; runpy.run_path('model.py', run_name='__main__')"
    command = [sys.executable, "-c", mended, "model.py", "scripts/train.py", "--model", "dse_small"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout == "Network beside ['--model', 'dse_small']\n"
