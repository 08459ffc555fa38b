"""What a finished full training leaves in its folder: `result.json` and `weights.pt`."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import torch
from scipy import stats
from torch import nn

import dse
from dse.errors import UserError
from dse.files import write_whole
from dse.training.trained import Trained

RESULT: Final = "result.json"
WEIGHTS: Final = "weights.pt"
CONFIDENCE: Final = 0.95
_DECISIVE: Final = ("torch", "torchvision", "timm", "numpy", "pillow")


def error_interval(wrong: int, images: int) -> tuple[float, float]:
    """The exact 95 % interval of an error from `wrong` of `images` (Clopper & Pearson 1934).

    It says how far another draw of test images would have gone, and nothing of another seed.
    """
    found = stats.binomtest(wrong, images).proportion_ci(CONFIDENCE, method="exact")
    return float(found.low), float(found.high)


def result_text(trained: Trained, **more: Any) -> str:
    """`result.json`: all of `trained`, the error's interval, and what else is given."""
    values = trained.to_dict()
    if trained.error is not None:
        wrong = round(trained.error * trained.test_images)
        low, high = error_interval(wrong, trained.test_images)
        values["error_interval"] = {
            "low": low,
            "high": high,
            "confidence": CONFIDENCE,
            "method": "Clopper-Pearson over test images, of this one training",
        }
    return json.dumps(values | more, indent=2, allow_nan=False) + "\n"


def write_weights(path: Path, network: nn.Module) -> None:
    """Write a network's state dict: fp32 tensors on the CPU, under the names of `dse`'s networks.

    Raises:
        UserError: the place cannot be written or the disk is full.
    """
    file = io.BytesIO()
    torch.save({name: _plain(tensor) for name, tensor in network.state_dict().items()}, file)
    write_whole(path, file.getvalue())


def _plain(tensor: torch.Tensor) -> torch.Tensor:
    """A contiguous copy on the CPU; counters stay integers."""
    kind = torch.float32 if tensor.is_floating_point() else tensor.dtype
    return tensor.detach().to("cpu", kind, copy=True).contiguous()


def read_result(folder: Path) -> Mapping[str, Any] | None:
    """What an ended training in `folder` left; None where none has ended.

    Raises:
        UserError: the file is none that `dse train` writes.
    """
    path = folder / RESULT
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        Trained.from_dict(found)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"{path}: is not what `dse train` writes; remove it.") from None
    return dict(found)


def versions() -> dict[str, str]:
    """The versions of dse and of the libraries that decide a result, of those installed."""
    found = {"dse": dse.__version__}
    for name in _DECISIVE:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
