"""A network as ONNX, checked by onnxruntime before the file is in its place."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dse.errors import UserError

TOLERANCE = 1e-4
"""The most that logits may differ, as a share of the largest one."""
FloatArray = NDArray[np.floating[Any]]
_NEEDED = ("onnx", "onnxscript", "onnxruntime")
_ONE_FILE = 2_000_000_000  # protobuf's limit is 2 GiB


def missing_for_onnx() -> str | None:
    """A sentence that says what is not installed, or None."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if not missing:
        return None
    return (
        f"model.onnx was left out, as {', '.join(missing)} is not installed: "
        "pip install 'dse[onnx]'."
    )


def write_onnx(network: nn.Module, path: Path, *, resolution: int, in_channels: int = 3) -> None:
    """Write a network in its evaluation mode, with its weights, for batches of any size.

    The input is `images` (N, in_channels, resolution, resolution), the output `logits`
    (N, classes), both float32. onnxruntime must give the network's own logits for batches of 1 and
    3 random images, within `TOLERANCE`.

    Args:
        network: on the CPU, in fp32; it is left as it was.
        path: the file.
        resolution: pixels.
        in_channels: of the images.

    Raises:
        UserError: nothing was written, as it is too large for one file or onnxruntime's logits
            differ.
    """
    size = sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())
    if size > _ONE_FILE:
        raise UserError(
            f"{path}: an ONNX file holds at most 2 GB of weights, not {size / 1e9:.1f}."
        )
    generator = torch.Generator().manual_seed(0)
    shape = (in_channels, resolution, resolution)
    batches = [torch.randn(n, *shape, generator=generator) for n in (1, 3)]
    was_training = network.training
    network.eval()
    try:
        with torch.no_grad():
            expected = [network(images).numpy() for images in batches]
        _export(network, batches[1], path)
        _check(path, batches, expected)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    finally:
        network.train(was_training)


def _export(network: nn.Module, images: torch.Tensor, path: Path) -> None:
    with _quiet():
        torch.onnx.export(
            network,
            (images,),
            str(path),
            input_names=["images"],
            output_names=["logits"],
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            external_data=False,
            verbose=False,
        )


def _check(path: Path, batches: Sequence[torch.Tensor], expected: Sequence[FloatArray]) -> None:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    for images, logits in zip(batches, expected, strict=True):
        (found,) = session.run(["logits"], {"images": images.numpy()})
        gap = float(np.abs(found - logits).max() / max(np.abs(logits).max(), 1e-12))
        if not gap <= TOLERANCE:
            raise UserError(
                f"{path}: not written: onnxruntime's logits differ from PyTorch's by {gap:.1e} of "
                f"the largest one for {len(images)} images; {TOLERANCE:g} is allowed."
            )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The exporter reports its progress on every channel; errors are raised all the same."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
