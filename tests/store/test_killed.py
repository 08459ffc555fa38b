"""A process that is killed inside a transaction leaves nothing half-written."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dse.errors import UserError
from dse.store.records import Counts
from dse.store.store import Store
from tests.store.records import fill, result

KILLED = """
import os, signal, sys
from sqlalchemy import Engine, event
from dse.store.store import Store
from tests.store.records import fill, result

@event.listens_for(Engine, "after_cursor_execute")
def kill(connection, cursor, statement, *_):
    if sys.argv[2] in statement:
        os.kill(os.getpid(), signal.SIGKILL)

with Store.open(sys.argv[1], create=True) as store:
    fill(store, 2)
    store.complete(store.claim("worker", run="run"), result())
"""


def killed_after(statement: str, path: Path) -> None:
    """Make and use a store in a process that is killed in the middle of a transaction."""
    run = subprocess.run([sys.executable, "-c", KILLED, str(path), statement], check=False)
    assert run.returncode == -signal.SIGKILL


def test_while_making_the_store(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    killed_after("CREATE TABLE dse_trials", path)
    with pytest.raises(UserError, match="there is no store here"):
        Store.open(path)
    with Store.open(path, create=True) as store:
        fill(store, 2)
        assert store.counts() == Counts(waiting=2)


def test_while_adding_trials(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    killed_after("INSERT INTO dse_trials (study_id", path)
    with Store.open(path) as store:
        assert store.counts() == Counts()
        assert store.networks() == 2


def test_while_claiming(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    killed_after("token=?, worker=?", path)
    with Store.open(path) as store:
        assert store.counts() == Counts(waiting=2)


@pytest.mark.parametrize("statement", ["error=?, train_loss=?", "INSERT INTO dse_epochs (trial_id"])
def test_while_storing_a_result(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "study.db"
    killed_after(statement, path)
    with Store.open(path, create=True) as store:
        assert store.counts() == Counts(waiting=1, running=1)
        assert store.curves().empty
        assert store.release_dead_runs("the run was interrupted") == 1
        claim = store.claim("worker")
        assert claim is not None
        assert claim.index == 0
        assert store.complete(claim, result())
        assert len(store.curves()) == 2
