"""A worker as launchers know it, which starts at once and does nothing but take its time.

It pulls items under leases with heartbeats until none waits, and on SIGTERM or SIGUSR1 gives its
item back and ends with exit code 0. Items are rows of a small SQLite file.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sqlite3
import sys
import time

LEASE_SECONDS = 2.0
ENVIRONMENT = "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "CUDA_MPS_PIPE_DIRECTORY"
TABLES = """
CREATE TABLE work (
  item INTEGER PRIMARY KEY, state TEXT DEFAULT 'waiting', owner TEXT, lease REAL,
  results INTEGER DEFAULT 0
);
CREATE TABLE workers (name TEXT, pid INTEGER, options TEXT, given_back INTEGER DEFAULT 0);
"""
CLAIM = """
UPDATE work SET state = 'running', owner = ?, lease = ? WHERE item = (
  SELECT item FROM work WHERE state = 'waiting' OR (state = 'running' AND lease < ?)
  ORDER BY item LIMIT 1
) RETURNING item
"""
OURS = "WHERE item = ? AND owner = ? AND state = 'running'"


class PreemptedError(Exception):
    """We are to go."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--store", required=True)
    parser.add_argument("--seconds", type=float, default=0.1)
    parser.add_argument("--error", default=None)
    for option in ("--name", "--log", "--device", "--memory", "--gpu-share"):
        parser.add_argument(option)
    options = parser.parse_args()
    if options.error:
        sys.exit(options.error)
    for number in (signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, preempt)
    store = sqlite3.connect(options.store, timeout=30, isolation_level=None)
    environment = {key: os.environ.get(key) for key in ENVIRONMENT}
    facts = json.dumps({**vars(options), **environment})
    row = (options.name, os.getpid(), facts)
    store.execute("INSERT INTO workers (name, pid, options) VALUES (?, ?, ?)", row)
    owner = f"{options.name} {os.getpid()}"
    try:
        while claimed := claim(store, owner):
            work(store, claimed, owner, options.seconds)
    except PreemptedError:
        # whatever is ours: the signal may have come between a claim and its answer
        give_back = "UPDATE work SET state = 'waiting' WHERE owner = ? AND state = 'running'"
        store.execute(give_back, (owner,))
        store.execute("UPDATE workers SET given_back = 1 WHERE pid = ?", (os.getpid(),))


def preempt(number: int, frame: object) -> None:
    """SLURM signals the whole job and its submitit passes the signal on: only the first counts."""
    for each in (signal.SIGTERM, signal.SIGUSR1):
        signal.signal(each, signal.SIG_IGN)
    raise PreemptedError


def claim(store: sqlite3.Connection, owner: str) -> int | None:
    now = time.time()
    found = store.execute(CLAIM, (owner, now + LEASE_SECONDS, now)).fetchone()
    return found[0] if found else None


def work(store: sqlite3.Connection, item: int, owner: str, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(min(0.1, seconds))
        lease = time.time() + LEASE_SECONDS
        store.execute(f"UPDATE work SET lease = ? {OURS}", (lease, item, owner))
    done = f"UPDATE work SET state = 'done', results = results + 1 {OURS}"
    store.execute(done, (item, owner))


if __name__ == "__main__":
    main()
