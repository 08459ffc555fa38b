"""nn.Linear or 1x1 convolution: the same function, at which speed?

    python benchmarks/linear_conv.py

Writes benchmarks/results/linear_conv-DEVICE.json and a Markdown table beside it. For each width,
map size, memory layout and dtype, both layers get the same weights and inputs, their outputs are
compared, and forward and backward passes are timed in alternation. A ratio above 1 means that the
convolution takes longer. The batch is chosen for about the same work in every case.
"""

from __future__ import annotations

import itertools
import json
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dse.network.layers import PointwiseLinear
from dse.proxy.device import device_name, pick_device

RESULTS = Path(__file__).parent / "results"
WIDTHS = (24, 96, 192, 384, 768)
SIZES = (56, 28, 14, 7)
LAYOUTS = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
WORK = {"cpu": 5e8, "cuda": 5e10}  # multiply-adds of a forward pass
PAIRS = 15


def seconds(action: Callable[[], Any], device: torch.device) -> float:
    """Time of one call."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    begin = time.perf_counter()
    action()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begin


def case(width: int, size: int, layout: str, dtype: str, device: torch.device) -> dict[str, Any]:
    """Both layers from `width` to four times as many channels, on `size`^2 maps."""
    torch.manual_seed(0)
    batch = max(1, min(256, round(WORK[device.type] / (4 * width**2 * size**2))))
    kind = DTYPES[dtype]
    linear = PointwiseLinear(width, 4 * width).to(device, kind)
    conv = nn.Conv2d(width, 4 * width, 1).to(device, kind, memory_format=LAYOUTS[layout])  # type: ignore[call-overload]
    with torch.no_grad():
        conv.weight.copy_(linear.weight[:, :, None, None])
        conv.bias.copy_(linear.bias)
    images = torch.randn(batch, width, size, size, device=device, dtype=kind)
    images = images.to(memory_format=LAYOUTS[layout]).requires_grad_()
    upstream = torch.randn(batch, 4 * width, size, size, device=device, dtype=kind)
    upstream = upstream.to(memory_format=LAYOUTS[layout])
    times: dict[str, list[float]] = {"forward": [], "backward": []}
    spent: dict[str, list[float]] = {"forward": [], "backward": []}
    for repeat in range(PAIRS + 2):
        for name, layer in (("linear", linear), ("conv", conv)):
            outputs: list[Tensor] = []
            forward = seconds(lambda: outputs.append(layer(images)), device)  # noqa: B023
            backward = seconds(
                lambda: outputs[0].backward(upstream),  # type: ignore[no-untyped-call]  # noqa: B023
                device,
            )
            if repeat < 2:
                continue
            if name == "linear":
                spent["forward"].append(forward)
                spent["backward"].append(backward)
            else:
                times["forward"].append(forward / spent["forward"][-1])
                times["backward"].append(backward / spent["backward"][-1])
    with torch.no_grad():
        difference = (linear(images) - conv(images)).abs().max() / linear(images).abs().max()
    return {
        "width": width,
        "size": size,
        "batch": batch,
        "layout": layout,
        "dtype": dtype,
        "linear_forward_ms": round(1e3 * statistics.median(spent["forward"]), 3),
        "linear_backward_ms": round(1e3 * statistics.median(spent["backward"]), 3),
        "conv_over_linear_forward": round(statistics.median(times["forward"]), 2),
        "conv_over_linear_backward": round(statistics.median(times["backward"]), 2),
        "largest_relative_difference": float(f"{difference.item():.1e}"),
    }


def table(rows: list[dict[str, Any]]) -> str:
    """The rows in Markdown."""
    keys = list(rows[0])
    lines = [
        "| " + " | ".join(key.replace("_", " ") for key in keys) + " |",
        "|---" * len(keys) + "|",
    ]
    return "\n".join(
        [*lines, *("| " + " | ".join(str(row[k]) for k in keys) + " |" for row in rows)]
    )


def main() -> None:
    """Measure and write the result."""
    device = pick_device()
    if device.type == "cpu":
        torch.set_num_threads(1)
    rows = [case(*point, device) for point in itertools.product(WIDTHS, SIZES, LAYOUTS, DTYPES)]
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "device": device_name(device),
        "threads": torch.get_num_threads(),
        "torch": version("torch"),
        "pairs": PAIRS,
        "statistic": "median of paired ratios",
        "rows": rows,
    }
    name = RESULTS / f"linear_conv-{device.type}"
    name.with_suffix(".json").write_text(json.dumps(result, indent=2) + "\n")
    head = {key: value for key, value in result.items() if key != "rows"}
    text = f"# nn.Linear against 1x1 convolution\n\n{json.dumps(head)}\n\n{table(rows)}\n"
    name.with_suffix(".md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
