from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from dse.proxy import device
from dse.proxy.device import (
    default_workers,
    device_name,
    pick_device,
    pick_dtype,
    prepare_worker,
    usable_cores,
)


def test_the_cpu_is_taken_where_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert pick_device() == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device() == torch.device("cuda")


@pytest.mark.parametrize(
    ("capabilities", "dtype"),
    [
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": True}, torch.bfloat16),
        ({"avx512_f": True, "avx512_bf16": False}, torch.float32),
        ({}, torch.float32),
    ],
)
def test_bfloat16_is_used_only_where_the_cpu_has_it(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], dtype: torch.dtype
) -> None:
    device._cpu_has_bf16.cache_clear()
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert pick_dtype(torch.device("cpu")) == dtype
    device._cpu_has_bf16.cache_clear()


def test_the_device_has_a_name() -> None:
    assert device_name(torch.device("cpu")).strip()


def test_cores_are_limited_by_affinity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5}, raising=False)
    monkeypatch.setattr(device, "_cgroup_quota", lambda *_: None)
    assert usable_cores() == 2
    assert default_workers(torch.device("cpu")) == 2
    assert default_workers(torch.device("cuda")) == 1


@pytest.mark.parametrize(("quota", "cores"), [(0.1, 1), (1.5, 2), (2.4, 2), (64.0, 8), (None, 8)])
def test_cores_are_limited_by_the_container(
    monkeypatch: pytest.MonkeyPatch, quota: float | None, cores: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(device, "_cgroup_quota", lambda *_: quota)
    assert usable_cores() == cores


def test_the_tightest_quota_from_the_own_group_to_the_root_counts(tmp_path: Path) -> None:
    own = tmp_path / "pod" / "box"
    own.mkdir(parents=True)
    (own / "cpu.max").write_text("max 100000\n")
    (tmp_path / "pod" / "cpu.max").write_text("150000 100000\n")
    assert device._cgroup_quota(tmp_path, "1:cpu:/\n0::/pod/box\n") == 1.5
    (tmp_path / "cpu.max").write_text("100000 100000\n")
    assert device._cgroup_quota(tmp_path, "0::/pod/box\n") == 1.0
    assert device._cgroup_quota(tmp_path / "pod", "0::/\n") == 1.5


def test_without_cgroups_there_is_no_quota(tmp_path: Path) -> None:
    assert device._cgroup_quota(tmp_path, "") is None


def test_a_worker_keeps_to_one_thread_and_respects_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "7")
    prepare_worker()
    assert torch.get_num_threads() == 1
    assert os.environ["ONEDNN_PRIMITIVE_CACHE_CAPACITY"] == "7"
    monkeypatch.delenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY")
    prepare_worker()
    assert os.environ["ONEDNN_PRIMITIVE_CACHE_CAPACITY"] == "128"
