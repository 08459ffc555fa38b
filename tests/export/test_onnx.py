"""ONNX of a network gives its logits, for batches of any size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from dse.architecture import Architecture
from dse.errors import UserError
from dse.export import onnx as exporting
from dse.export.onnx import missing_for_onnx, write_onnx
from dse.network import build
from tests.export.networks import CLASSES, NAMED, RANDOM, images, network, randomise

onnxruntime = pytest.importorskip("onnxruntime")
SMALL = Architecture(depths=(1,), dims=(8,), kernel_sizes=(3,))
SHALLOW = sorted(RANDOM, key=lambda name: sum(network(name).depths))[:3]


@pytest.mark.parametrize("name", [*NAMED, *SHALLOW])
def test_onnxruntime_gives_the_networks_logits(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    module = build(network(name), classes=CLASSES)
    randomise(module)
    path = tmp_path / "model.onnx"
    write_onnx(module, path, resolution=32)
    assert module.training  # as it was
    printed = capfd.readouterr()
    assert (printed.out, printed.err) == ("", "")
    session = onnxruntime.InferenceSession(path)
    module.eval()
    for count in (1, 5):
        batch = images(count, 32)
        (found,) = session.run(["logits"], {"images": batch.numpy()})
        with torch.no_grad():
            expected = module(batch)
        torch.testing.assert_close(torch.from_numpy(found), expected, rtol=1e-4, atol=1e-4)
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]  # weights are inside


def test_other_logits_leave_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Session:
        def __init__(self, *_: object, **__: object) -> None: ...

        def run(self, _: object, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
            return [np.full((len(inputs["images"]), 2), 9.0, dtype=np.float32)]

    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    with pytest.raises(UserError, match=r"differ from PyTorch's by .* for 1 images"):
        write_onnx(build(SMALL, classes=2), tmp_path / "model.onnx", resolution=16)
    assert not list(tmp_path.iterdir())


def test_more_weights_than_one_file_holds_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "_ONE_FILE", 100)
    with pytest.raises(UserError, match="at most 2 GB"):
        write_onnx(build(SMALL, classes=2), tmp_path / "model.onnx", resolution=16)


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert missing_for_onnx() is None
    monkeypatch.setattr(exporting, "_NEEDED", ("onnx", "no_such_module"))
    assert "no_such_module is not installed" in str(missing_for_onnx())
