"""What this machine offers: device, arithmetic, cores."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Literal

import torch

from dse.errors import UserError

Precision = Literal["auto", "float32", "bfloat16"]


def pick_device() -> torch.device:
    """The GPU if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def torch_device(name: str) -> torch.device:
    """The device of that name; `auto` is the GPU if there is one.

    Raises:
        UserError: this machine has no such device.
    """
    try:
        place = pick_device() if name == "auto" else torch.device(name)
    except RuntimeError:
        raise UserError(f"--device: {name!r} is no device: auto, cpu, cuda or cuda:1.") from None
    if place.type not in ("cpu", "cuda"):
        raise UserError(f"--device: {name}: only cpu and cuda are known.")
    if place.type == "cuda" and (place.index or 0) >= torch.cuda.device_count():
        raise UserError(f"--device: {name}: this machine has no such GPU.")
    return place


def pick_dtype(device: torch.device, precision: Precision = "auto") -> torch.dtype:
    """What was asked for; `auto`: bfloat16 where the hardware multiplies it, else float32."""
    if precision != "auto":
        return torch.bfloat16 if precision == "bfloat16" else torch.float32
    native = (
        torch.cuda.is_bf16_supported(including_emulation=False)
        if device.type == "cuda"
        else _cpu_has_bf16()
    )
    return torch.bfloat16 if native else torch.float32


@cache
def _cpu_has_bf16() -> bool:
    """avx512_bf16 or amx_bf16; plain AVX-512 only emulates bfloat16, slower than float32."""
    try:
        capabilities = torch.cpu.get_capabilities()
        return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    except (AttributeError, RuntimeError):  # torch before 2.11 does not say
        flags = _read(Path("/proc/cpuinfo"))
        return "avx512_bf16" in flags or "amx_bf16" in flags


def device_name(device: torch.device) -> str:
    """The name a person knows the device by, such as "NVIDIA H100" or "Intel(R) Xeon(R)"."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    for line in _read(Path("/proc/cpuinfo")).splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()


def usable_cores() -> int:
    """CPU cores this process may keep busy: its affinity mask and its container's quota."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    quota = _cgroup_quota(Path("/sys/fs/cgroup"), _read(Path("/proc/self/cgroup")))
    return max(1, min(cores, math.floor(quota + 0.5)) if quota is not None else cores)


def _cgroup_quota(root: Path, membership: str) -> float | None:
    """The tightest cgroup v2 CPU quota from our group up to the root, in cores."""
    own = next((line[3:] for line in membership.splitlines() if line.startswith("0::")), "/")
    group = root / own.strip().lstrip("/")
    quotas = []
    for folder in (group, *group.parents):
        fields = _read(folder / "cpu.max").split()
        if len(fields) == 2 and fields[0] != "max":
            quotas.append(int(fields[0]) / int(fields[1]))
        if folder == root:
            break
    return min(quotas, default=None)


def free_memory(device: torch.device) -> int | None:
    """Bytes of a GPU that this process may still take; None for a CPU, whose memory is shared."""
    if device.type != "cuda":
        return None
    free, _ = torch.cuda.mem_get_info(device)
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return int(free + kept)


def evaluation_batch(device: torch.device, resolution: int) -> int:
    """Held-out images to compute at once: few stay in a CPU's cache, many fill a GPU."""
    return 250 if device.type == "cpu" else max(250, 2**21 // resolution**2)


@contextmanager
def reproducible(device: torch.device) -> Iterator[None]:
    """Within this context cuDNN takes only algorithms that give the same bits every time."""
    before = torch.backends.cudnn.deterministic
    torch.backends.cudnn.deterministic = before or device.type == "cuda"
    try:
        yield
    finally:
        torch.backends.cudnn.deterministic = before


@contextmanager
def without_cudnn() -> Iterator[None]:
    """Within this context convolutions are computed by torch's own kernels."""
    before = torch.backends.cudnn.enabled
    torch.backends.cudnn.enabled = False
    try:
        yield
    finally:
        torch.backends.cudnn.enabled = before


def default_workers(device: torch.device) -> int:
    """Worker processes to start: one single-threaded one per core, or one on each GPU."""
    return max(1, torch.cuda.device_count()) if device.type == "cuda" else usable_cores()


def prepare_worker() -> None:
    """Make this process a good neighbour; call it before the first tensor is computed.

    One thread, as several processes with several threads each would fight for the cores. And a
    small cache of oneDNN kernels: every network brings its own shapes, so that kernels kept for
    longer would hold memory and save no time.
    """
    torch.set_num_threads(1)
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "128")


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
