from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dse.errors import UserError
from dse.store.store import Store
from dse.study.launching import Launching
from tests.store.records import fill


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ray": "head:6379"}, "--ray head:6379: is for --launcher ray, not local"),
        ({"launcher": "ray", "slurm": ("time=30",)}, "--slurm time=30: is for --launcher slurm"),
        ({"gpu_share": 0.5, "device": "cpu"}, "--gpu-share 0.5: --device cpu has no GPU"),
        ({"memory": "1MB"}, "--memory 1MB: a worker needs 256MiB"),
        ({"memory": "much"}, "'much'"),
    ],
)
def test_what_cannot_be_meant_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        Launching(**options)


def test_a_worker_is_told_all_but_the_store_by_its_command(tmp_path: Path) -> None:
    launching = Launching(workers=3, device="cpu", memory="1GiB", cores=2, scorer="a:b")
    with Store.open(tmp_path / "study.db", create=True) as store:
        fill(store, 1)
        order = launching.order(store, "run-1", tmp_path / "logs")
    words = " ".join(order.argv("w"))
    assert (order.count, order.cores, order.gpus, order.memory) == (3, 2, 0.0, 2**30)
    assert "--run run-1 --study toy" in words
    assert "--scorer a:b" in words
    assert "study.db --" not in words.replace("study.db.checkpoints", "")
    assert order.environment["DSE_STORE"] == str(tmp_path / "study.db")
    assert "DSE_STORE" not in repr(order), "it may hold a password"
