"""A Ray cluster of several nodes on this machine, each of which can be taken away."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.services import require_module


@contextmanager
def ray_cluster(*nodes: dict[str, float]) -> Iterator[Any]:
    """A running `ray.cluster_utils.Cluster` of these nodes, such as `{"num_cpus": 2}`, head first.

    Skips the test where Ray is not installed. Ports are free ones; a short folder of its own,
    as paths of sockets may have 107 bytes.
    """
    require_module("ray")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("RAY_USAGE_STATS_ENABLED", "0")
        from ray.cluster_utils import Cluster

        folder = tempfile.mkdtemp(prefix="ray-")
        cluster = Cluster(shutdown_at_exit=False)
        try:
            for node in nodes:
                cluster.add_node(**node, include_dashboard=False, temp_dir=folder)
            yield cluster
        finally:
            cluster.shutdown()
            shutil.rmtree(folder, ignore_errors=True)
