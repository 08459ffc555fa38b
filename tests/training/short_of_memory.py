"""`dse` where the last process has memory for the passes of two images, not of more."""

from __future__ import annotations

import os
from typing import Any

import torch
from torch.nn.modules.module import register_module_forward_hook

from dse.cli import main


def fail(module: Any, inputs: Any, output: Any) -> None:
    """Of any part of the network in training."""
    if isinstance(output, torch.Tensor) and output.requires_grad and len(output) > 2:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


if __name__ == "__main__":
    if int(os.environ["RANK"]) == int(os.environ["WORLD_SIZE"]) - 1:
        register_module_forward_hook(fail)
    main()
