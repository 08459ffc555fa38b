"""A SLURM cluster of one node, this machine: with its own key, ports and folder."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.services import free_port, require, require_module, running
from tests.study.waiting import until

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "scancel")
CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmctldPort={controller_port}
SlurmdPort={node_port}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=1,batch_sched_delay=0,sched_min_interval=10000
JobRequeue=1
KillWait=5
ReturnToService=2
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=8000 Gres=gpu:2
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""
"""`cred_expire` (5 s at least) is also how long a requeued job waits before it starts again;
`config_overrides` lets the node have more CPUs than the machine; its GPUs are none."""


@contextmanager
def slurm_cluster(*, cpus: int = 4) -> Iterator[Path]:
    """A running cluster, to which SLURM's commands belong meanwhile; its folder, with its logs.

    Skips the test where submitit or SLURM (Debian: slurm-wlm, munge) is absent, or we are not root.
    """
    require_module("submitit")
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    require(not missing, f"SLURM ({', '.join(missing)})")
    require(os.geteuid() == 0, "root, as whom alone slurmd starts jobs,")
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    configuration = write_configuration(folder, cpus)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        environment = stack.enter_context(pytest.MonkeyPatch.context())
        environment.setenv("SLURM_CONF", str(configuration))
        log = stack.enter_context((folder / "output").open("ab"))
        stack.enter_context(running(munged(folder), log))
        until((folder / "munge.socket").exists, "munged is up", 10)
        stack.enter_context(running(["slurmctld", "-D"], log))
        stack.enter_context(running(["slurmd", "-D"], log))
        until(node_is_idle, f"the node is up ({folder}/*.log)", 20)
        yield folder


def write_configuration(folder: Path, cpus: int) -> Path:
    folder.chmod(0o755)  # munge's clients may be anyone
    (folder / "state").mkdir()
    (folder / "spool").mkdir()
    path = folder / "slurm.conf"
    host = socket.gethostname().partition(".")[0]
    (folder / "gres.conf").write_text("Name=gpu File=/dev/null\nName=gpu File=/dev/zero\n")
    ports = {"controller_port": free_port(), "node_port": free_port()}
    path.write_text(CONFIGURATION.format(host=host, folder=folder, cpus=cpus, **ports))
    return path


def munged(folder: Path) -> list[str]:
    key = folder / "munge.key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o600)
    own = {"key-file": "key", "socket": "socket", "pid-file": "pid", "seed-file": "seed"}
    options = [f"--{option}={folder}/munge.{suffix}" for option, suffix in own.items()]
    return ["munged", "--foreground", *options]


def node_is_idle() -> bool:
    command = ["sinfo", "--noheader", "--format=%T"]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return said.strip() == "idle"
