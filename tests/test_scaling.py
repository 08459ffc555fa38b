"""docs/kubernetes.yaml and docs/scaling.md say what works."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from dse.cli import cli
from dse.study.launch.base import WorkerOrder
from dse.study.launch.departures import EXIT_REPLACE
from dse.study.launch.slurm_options import slurm_options
from tests.study.waiting import until

DOCS = Path(__file__).parents[1] / "docs"
PROMISED = {
    *("--store", "--study", "--device", "--memory", "--gpu-share", "--log", "--name"),
}
"""The options of `dse worker`, until there is one to ask."""


@pytest.fixture(scope="module")
def job() -> dict[str, Any]:
    (document,) = yaml.safe_load_all((DOCS / "kubernetes.yaml").read_text())
    assert (document["apiVersion"], document["kind"]) == ("batch/v1", "Job")
    return document


@pytest.fixture(scope="module")
def container(job: dict[str, Any]) -> dict[str, Any]:
    (container,) = job["spec"]["template"]["spec"]["containers"]
    return container


def options_of_a_worker() -> set[str]:
    command = cli.commands.get("worker")
    if command is None:
        return PROMISED
    return {option for parameter in command.params for option in parameter.opts}


def test_launchers_and_documents_use_options_that_a_worker_has(container: dict[str, Any]) -> None:
    order = WorkerOrder(command=("dse",), count=1, logs=Path("/logs"), gpus=0.5, memory=2**30)
    (line,) = re.findall(r"^dse worker .*", container["args"][0], re.MULTILINE)
    page = re.findall(r"^dse worker [^#\n]*", (DOCS / "scaling.md").read_text(), re.MULTILINE)
    for words in (order.argv("w"), shlex.split(line), *map(shlex.split, page)):
        used = {word for word in words if word.startswith("--")}
        assert used
        assert used <= options_of_a_worker()


def test_pods_are_replaced_until_nothing_waits(
    job: dict[str, Any], container: dict[str, Any]
) -> None:
    spec = job["spec"]
    pod = spec["template"]["spec"]
    assert spec["parallelism"] > 1
    assert "completions" not in spec, "else as many would have to end well one after the other"
    assert pod["restartPolicy"] == "Never", "which podFailurePolicy needs"
    ignored, disrupted = spec["podFailurePolicy"]["rules"]
    assert ignored["onExitCodes"] == {
        "containerName": container["name"],
        "operator": "In",
        "values": [EXIT_REPLACE],
    }
    assert ignored["action"] == disrupted["action"] == "Ignore"
    assert pod["terminationGracePeriodSeconds"] >= 30
    assert (
        container["resources"]["limits"]["memory"] == container["resources"]["requests"]["memory"]
    )


def test_the_url_comes_from_a_secret(container: dict[str, Any]) -> None:
    (variable,) = container["env"]
    assert set(variable["valueFrom"]) == {"secretKeyRef"}
    assert f'--store "${variable["name"]}"' in container["args"][0]


FAKE = """#!/bin/sh
trap 'echo given back; exit 0' TERM
echo "$@"
{then}
"""


def start(container: dict[str, Any], folder: Path, then: str) -> subprocess.Popen[str]:
    """The container's command with a worker that only does `then`."""
    program = folder / "dse"
    program.write_text(FAKE.format(then=then))
    program.chmod(0o755)
    environment = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "DSE_STORE": "the url"}
    return subprocess.Popen(
        [*container["command"], *container["args"]],
        env={**environment, "HOSTNAME": "pod-1"},
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("code", [0, 2])
def test_a_pod_ends_as_its_worker_does(
    container: dict[str, Any], tmp_path: Path, code: int
) -> None:
    process = start(container, tmp_path, f"exit {code}")
    assert process.communicate(timeout=10)[0].startswith("worker --store the url --device cuda ")
    assert process.returncode == code


def test_a_pod_that_has_to_go_gives_back_and_asks_for_another(
    container: dict[str, Any], tmp_path: Path
) -> None:
    ready = tmp_path / "ready"
    process = start(container, tmp_path, f"touch {ready}; while :; do sleep 0.05; done")
    until(ready.exists, "the worker works")
    process.terminate()
    assert "given back" in process.communicate(timeout=10)[0]
    assert process.returncode == EXIT_REPLACE


def test_the_options_of_a_cluster_in_the_document_can_be_read(tmp_path: Path) -> None:
    page = (DOCS / "scaling.md").read_text()
    (text,) = re.findall(r"^```yaml\n(partition:.*?)^```", page, re.MULTILINE | re.DOTALL)
    path = tmp_path / "cluster.yaml"
    path.write_text(text)
    options = slurm_options([str(path), "time=2:00:00"])
    assert (options.partition, options.time) == ("gpu", "2:00:00")
