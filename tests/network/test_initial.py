from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from dse.architecture import Architecture
from dse.architecture.catalog import CATALOG
from dse.errors import UserError
from dse.network import build
from dse.network.initial import Loaded, load_initial
from dse.network.timm_model import import_timm
from tests.network.test_weights import huggingface_twin, randomised, timm_twin

SMALL = Architecture(depths=(1, 1, 2, 1), dims=(16, 24, 32, 40), ls_init_value=0.5)
RESNET = dataclasses.replace(CATALOG["resnet50"], depths=(1, 1, 2, 1))


def saved(tmp_path: Path, content: Any, name: str = "weights.pt") -> str:
    torch.save(content, tmp_path / name)
    return str(tmp_path / name)


def load(a: Architecture, source: str, *, classes: int = 1000) -> tuple[nn.Module, Loaded]:
    torch.manual_seed(1)
    network = build(a, classes=classes)
    return network.eval(), load_initial(network, a, source)


def require_equal_logits(ours: nn.Module, theirs: nn.Module) -> None:
    torch.manual_seed(2)
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        expected = theirs(images)
        expected = expected if isinstance(expected, Tensor) else expected.logits
        torch.testing.assert_close(ours(images), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["convnext_atto", "convnextv2_atto"])
def test_a_file_of_timms_model_gives_its_logits(name: str, tmp_path: Path) -> None:
    theirs = randomised(import_timm().create_model(name))
    ours, found = load(CATALOG["convnextv2_atto"], saved(tmp_path, theirs.state_dict()))
    if name == "convnextv2_atto":
        require_equal_logits(ours, theirs)
        assert (found.left, found.unused) == ((), ())
    else:  # the first version: layer scale there, response normalisation here
        assert {reason for _, reason in found.left} == {"not in the file"}
        assert all(".grn." in name for name, _ in found.left)
        assert all(name.endswith(".gamma") for name in found.unused)
        assert len(found.left) == 2 * len(found.unused) == 24
    assert found.naming == "timm"


@pytest.mark.parametrize(
    "a",
    [
        SMALL,
        dataclasses.replace(SMALL, pointwise="conv", norm_layer="batch_norm", bias=True),
        dataclasses.replace(SMALL, stem="overlap_act"),
    ],
    ids=["linear", "conv and batch norm", "overlap"],
)
def test_timms_own_class_gives_its_logits(a: Architecture, tmp_path: Path) -> None:
    theirs = randomised(timm_twin(a))
    ours, found = load(a, saved(tmp_path, theirs.state_dict()))
    require_equal_logits(ours, theirs)
    assert found.left == ()


def test_linear_layers_fill_1x1_convolutions(tmp_path: Path) -> None:
    theirs = randomised(timm_twin(SMALL))
    conv = dataclasses.replace(SMALL, pointwise="conv")
    ours, found = load(conv, saved(tmp_path, theirs.state_dict()))
    require_equal_logits(ours, theirs)
    assert found.left == ()


@pytest.mark.parametrize("grn", [False, True])
def test_hugging_faces_model_gives_its_logits(grn: bool, tmp_path: Path) -> None:
    a = dataclasses.replace(SMALL, grn=grn, ls_init_value=None if grn else 0.5)
    theirs = randomised(huggingface_twin(a))
    ours, found = load(a, saved(tmp_path, theirs.state_dict()))
    require_equal_logits(ours, theirs)
    assert found.naming == "Hugging Face"


@pytest.mark.parametrize("a", [SMALL, RESNET], ids=["convnext", "resnet"])
def test_our_own_weights_are_loaded_to_the_bit(a: Architecture, tmp_path: Path) -> None:
    theirs = randomised(build(a))
    ours, found = load(a, saved(tmp_path, theirs.state_dict()))
    assert found.naming == "dse"
    for name, tensor in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[name], tensor)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"state_dict": state, "epoch": 3},
        lambda state: {"model": state, "optimizer": {"state": {}}},
        lambda state: {"model": {k: v + 1 for k, v in state.items()}, "model_ema": state},
        lambda state: {f"module._orig_mod.{k}": v for k, v in state.items()},
    ],
    ids=["state_dict", "model", "ema first", "wrapped"],
)
def test_checkpoints_of_other_trainers_are_read(wrap: Any, tmp_path: Path) -> None:
    theirs = randomised(build(SMALL))
    ours, found = load(SMALL, saved(tmp_path, wrap(theirs.state_dict())))
    require_equal_logits(ours, theirs)
    assert found.left == ()


def test_safetensors_are_read(tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.torch")
    theirs = randomised(build(SMALL))
    safetensors.save_file(theirs.state_dict(), tmp_path / "w.safetensors")
    ours, _ = load(SMALL, str(tmp_path / "w.safetensors"))
    require_equal_logits(ours, theirs)


def test_a_head_for_other_classes_stays_fresh_as_a_whole(tmp_path: Path) -> None:
    theirs = randomised(timm_twin(SMALL))
    torch.manual_seed(1)
    fresh = build(SMALL, classes=10).state_dict()
    ours, found = load(SMALL, saved(tmp_path, theirs.state_dict()), classes=10)
    assert dict(found.left) == {
        "head.fc.weight": "another shape (1000, 40) instead of (10, 40)",
        "head.fc.bias": "another shape (1000,) instead of (10,)",
    }
    for name in ("head.fc.weight", "head.fc.bias"):
        assert torch.equal(ours.state_dict()[name], fresh[name])
    assert found.unused == ()
    assert len(found.loaded) + 2 == len(fresh)


def test_every_tensor_is_loaded_whole_or_keeps_its_fresh_value(tmp_path: Path) -> None:
    other = dataclasses.replace(SMALL, dims=(16, 24, 48, 40), kernel_sizes=(7, 5, 7, 7))
    theirs = randomised(timm_twin(other)).state_dict()
    torch.manual_seed(1)
    fresh = build(SMALL).state_dict()
    ours, found = load(SMALL, saved(tmp_path, theirs))
    loaded = dict.fromkeys(found.loaded)
    for name, tensor in ours.state_dict().items():
        assert torch.equal(tensor, fresh[name]) == (name not in loaded)
    assert set(loaded) | {name for name, _ in found.left} == set(fresh)
    assert "stages.1.blocks.0.branch.spatial.weight" in dict(found.left)


def test_the_sentences_name_all_that_was_left(tmp_path: Path) -> None:
    theirs = timm_twin(dataclasses.replace(SMALL, depths=(1, 1, 1, 1), ls_init_value=None))
    state = theirs.state_dict() | {"extra.weight": torch.zeros(2)}
    source = saved(tmp_path, state)
    _, found = load(dataclasses.replace(SMALL, depths=(1, 1, 4, 1)), source, classes=10)
    first, *rest = found.sentences
    whole = len(found.loaded) + len(found.left)
    assert first == (
        f"{source}: {len(found.loaded)} of {whole} tensors of the network were loaded, by timm's "
        "names."
    )
    missing, others, unknown = rest
    assert "keep their fresh values, not being in the file: " in missing
    assert "stages.2.blocks.{1-3}.branch.spatial (weight, bias)" in missing
    assert "stages.0.blocks.0.branch.scale (gamma)" in missing
    assert others == (
        "2 keep their fresh values, being different in the file: head.fc (weight): another shape "
        "(1000, 40) instead of (10, 40); head.fc (bias): another shape (1000,) instead of (10,)."
    )
    assert unknown == "1 of the file are not in the network: extra (weight)."


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_is_refused(bad: float, tmp_path: Path) -> None:
    state = build(SMALL).state_dict()
    state["head.fc.bias"] = state["head.fc.bias"].clone()
    state["head.fc.bias"][3] = bad
    with pytest.raises(UserError, match=r"head\.fc\.bias holds a number that is not finite"):
        load(SMALL, saved(tmp_path, state))


def test_what_fits_nowhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing in it fits this network"):
        load(SMALL, saved(tmp_path, {"layer1.0.conv1.weight": torch.zeros(3, 3)}))


class Opaque:
    pass


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("w.pt", {"state_dict": Opaque()}, "what would need its code to be run is not read"),
        ("w.pt", {"epoch": 3}, "holds no weights by name"),
        ("w.pt", [torch.zeros(2)], "holds no weights by name"),
        ("w.bin", {}, "give timm:NAME, or a file that ends in one of .pt, .pth, .safetensors"),
    ],
)
def test_a_file_without_weights_is_refused(
    name: str, content: Any, said: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=said):
        load(SMALL, saved(tmp_path, content, name))


@pytest.mark.parametrize("name", ["w.pt", "w.safetensors"])
def test_a_file_that_is_cut_short_or_missing_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"there is no such file"):
        load(SMALL, str(tmp_path / name))
    whole = saved(tmp_path, build(SMALL).state_dict(), "whole.pt")
    (tmp_path / name).write_bytes(Path(whole).read_bytes()[:5000])
    with pytest.raises(UserError, match=r"cannot be read|is no such file"):
        load(SMALL, str(tmp_path / name))


def test_timm_has_no_such_model() -> None:
    with pytest.raises(UserError, match=r"--init 'timm:convnext_huge': .* no such model"):
        load(SMALL, "timm:convnext_huge")


CACHED = """
import sys
from pathlib import Path
import torch
from safetensors.torch import save_file
from dse.architecture.catalog import CATALOG
from dse.errors import UserError
from dse.network import build
from dse.network.initial import load_initial
from dse.network.timm_model import import_timm

ATTO = CATALOG["convnextv2_atto"]
network = build(ATTO).eval()
try:
    load_initial(network, ATTO, "timm:convnextv2_atto")
except UserError as error:
    print(error)
theirs = import_timm().create_model("convnextv2_atto").eval()
home = Path(sys.argv[1], "hub", "models--" + theirs.default_cfg["hf_hub_id"].replace("/", "--"))
for folder in ("refs", "snapshots/0"):
    (home / folder).mkdir(parents=True)
(home / "refs/main").write_text("0")
save_file(theirs.state_dict(), home / "snapshots/0/model.safetensors")
print(*load_initial(network, ATTO, "timm:convnextv2_atto").sentences)
images = torch.randn(1, 3, 64, 64)
assert torch.allclose(network(images), theirs(images), rtol=1e-5, atol=1e-5)
"""


def test_without_a_network_timms_cache_is_enough(tmp_path: Path) -> None:
    """In a process of its own, as the hub's client reads its settings when it is imported."""
    script = tmp_path / "cached.py"
    script.write_text(CACHED)
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "cache")}
    paths = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "cache")],
        env=os.environ | offline | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    refused, loaded = done.stdout.splitlines()
    assert refused.startswith("timm:convnextv2_atto: its pretrained weights cannot be had: ")
    whole = len(build(CATALOG["convnextv2_atto"]).state_dict())
    assert f"timm:convnextv2_atto: {whole} of {whole} tensors of the network" in loaded
