"""What do reading a population and handing out work cost, beside Optuna's storage?

    python -m benchmarks.store [--only sqlite]

Writes benchmarks/results/store.json, one kind of database after the other. Starts a PostgreSQL
server of its own, as the tests do, but with fsync, as a real one has; SQLite syncs too.

Reading: a new process, whose imports are done, opens the store and reads the population of so many
finished trainings with curves of four epochs, one DataFrame; then the curves. For Optuna, it loads
a study of as many finished trials with as many parameters and four intermediate values.

Working: 16 processes claim a training and store its result with its curve of four epochs. In the
rhythm of a study a training takes half a second to one and a half between the two; without a break
they do nothing else, so that the processes wait for each other and for a core. For Optuna, ask and
tell, with the values that a search would suggest and report.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import multiprocessing
import os
import platform
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from dse.store.records import EpochResult, StudyRecord, TrialRecord, TrialResult
from dse.store.store import Store
from tests.services.postgresql import SETTINGS, Server, running_server

HERE = Path(__file__).parent
RESULT = HERE / "results" / "store.json"
SIZES = (10_000, 100_000)
NETWORKS = 1000
READS = 5
WORKERS = 16
TRAINING_SECONDS = 1.0
ROUNDS = 20
OPTUNA_ROUNDS = 5
EPOCHS = tuple(
    EpochResult(epoch=n, step=46 * n, train_loss=2.5 / n, error=0.9 / n, grad_norm=1.0)
    for n in range(1, 5)
)
ENDED = TrialResult(
    state="complete",
    error=0.225,
    train_loss=0.6,
    epochs=EPOCHS,
    seconds=1.0,
    cpu_seconds=1.0,
    test_images=2000,
    classes=20,
    device="cpu",
    dtype="float32",
    learning_rate=2e-3,
    micro_batch=64,
    versions={"torch": "2.13.0"},
)
FINISH = (
    "UPDATE dse_trials SET state = 'complete', error = 0.225 + 0.0001 * (id % 1000), "
    "train_loss = 0.6, seconds = 1, test_images = 2000, classes = 20, device = 'cpu', "
    "dtype = 'float32', learning_rate = 0.002, micro_batch = 64",
    "INSERT INTO dse_epochs (trial_id, epoch, step, train_loss, error, grad_norm) "
    "SELECT t.id, n, 46 * n, 2.5 / n, 0.9 / n, 1.0 FROM dse_trials t "
    "CROSS JOIN (SELECT 1 AS n UNION SELECT 2 UNION SELECT 3 UNION SELECT 4) epochs",
)


def fill(place: str, trials: int, *, finished: bool) -> dict[str, float]:
    """A store with so many trainings, waiting or finished; seconds for the adding."""
    from dse.space import Budget, Sampler, load_space
    from dse.study.plan import candidate_record

    sampler = Sampler(
        space=load_space(HERE.parent / "spaces" / "convnext_space.yaml"),
        budget=Budget.parse("4.5GFLOPs"),
    )
    drawn = [candidate_record(sample) for sample in sampler.samples(NETWORKS)]
    study = StudyRecord(
        name="benchmark",
        space_name=sampler.space.name,
        space_hash=sampler.space.hash,
        space=sampler.space.definition(),
        budget=sampler.budget.to_dict(),
        seed=0,
        proxy={"dataset": {"source": "none"}},
        design={"repeat": 0.0},
        provenance={},
    )
    with Store.open(place, create=True) as store:
        begin = time.perf_counter()
        store.create_study(study)
        store.add_candidates(
            dataclasses.replace(drawn[index % NETWORKS], index=index, hash=str(index))
            for index in range(trials)
        )
        store.add_trials(TrialRecord(index=i, replicate=0, seed=i) for i in range(trials))
        seconds = time.perf_counter() - begin
        if finished:
            for statement in FINISH:
                store._database.write(partial(_run, statement))
    return {"trials": trials, "seconds_to_add": round(seconds, 2)}


def _run(statement: str, connection: Connection) -> None:
    connection.execute(text(statement))


def fill_optuna(url: str, trials: int) -> float:
    """A study of so many finished trials in Optuna's storage; seconds for the adding."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(storage=url, study_name="benchmark")
    space: dict[str, optuna.distributions.BaseDistribution] = {
        f"p{k}": optuna.distributions.FloatDistribution(0, 1) for k in range(PARAMETERS)
    }
    made = [
        optuna.trial.create_trial(
            value=0.225 + i % 1000 / 10_000,
            params=dict.fromkeys(space, i / trials),
            distributions=space,
            intermediate_values={epoch.epoch: epoch.error for epoch in EPOCHS},
        )
        for i in range(trials)
    ]
    begin = time.perf_counter()
    study.add_trials(made)
    return time.perf_counter() - begin


PARAMETERS = 25
"""As many as the values of a drawn network."""

READ = """
import sys, time
import pandas
from dse.store import frames
from dse.store.store import Store
if sys.argv[1].startswith("postgresql"):
    import psycopg
    import dse.store.engines.postgresql
    import sqlalchemy.dialects.postgresql.psycopg
begin = time.perf_counter(), time.process_time()
store = Store.open(sys.argv[1], read_only=True)
population = store.population()
read = time.perf_counter(), time.process_time()
curves = store.curves()
end = time.perf_counter()
assert len(curves) == 4 * len(population)
print(len(population), read[0] - begin[0], read[1] - begin[1], end - read[0])
"""
READ_OPTUNA = """
import sys, time
import optuna
import optuna.storages._rdb.storage, sqlalchemy.dialects.sqlite
if sys.argv[1].startswith("postgresql"):
    import psycopg
    import sqlalchemy.dialects.postgresql.psycopg
begin = time.perf_counter(), time.process_time()
trials = optuna.load_study(storage=sys.argv[1], study_name="benchmark").trials
end = time.perf_counter(), time.process_time()
print(len(trials), end[0] - begin[0], end[1] - begin[1])
"""


def read(place: str, code: str, times: int) -> dict[str, Any]:
    """Seconds that a new process needs, again and again."""
    found = []
    for _ in range(times):
        command = [sys.executable, "-c", code, place]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found.append([float(word) for word in out.split()])
    names = ("trials", "seconds", "cpu_seconds", "curves_seconds")
    columns = dict(zip(names, zip(*found, strict=True), strict=False))
    result: dict[str, Any] = {"trials": int(columns.pop("trials")[0]), "n": times}
    result |= {name: round(statistics.median(values), 3) for name, values in columns.items()}
    return result | {"seconds_from_to": [round(f(columns["seconds"]), 3) for f in (min, max)]}


def pull(place: str, number: int, rounds: int, seconds: float, barrier: Any, queue: Any) -> None:
    """One worker: milliseconds for each claim and each result."""
    spent, lengths = [], random.Random(number)
    with Store.open(place) as store:
        store.existing_study()
        barrier.wait()
        begin = time.perf_counter()
        for _ in range(rounds):
            start = time.perf_counter()
            claim = store.claim(f"worker {number}")
            claimed = time.perf_counter()
            assert claim is not None
            time.sleep(seconds * lengths.uniform(0.5, 1.5))
            trained = time.perf_counter()
            assert store.complete(claim, ENDED)
            spent.append((1e3 * (claimed - start), 1e3 * (time.perf_counter() - trained)))
        queue.put((spent, begin, time.perf_counter()))


def pull_optuna(
    url: str, number: int, rounds: int, seconds: float, barrier: Any, queue: Any
) -> None:
    """One worker of Optuna's: milliseconds for each ask and each report with tell."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.RandomSampler(seed=number)
    patient = {"connect_args": {"timeout": 300}} if url.startswith("sqlite") else None
    storage = optuna.storages.RDBStorage(url, engine_kwargs=patient)  # or "database is locked"
    study = optuna.load_study(storage=storage, study_name="benchmark", sampler=sampler)
    space: dict[str, optuna.distributions.BaseDistribution] = {
        f"p{k}": optuna.distributions.FloatDistribution(0, 1) for k in range(PARAMETERS)
    }
    study.tell(study.ask(space), 0.5)  # reads all trials
    spent, lengths = [], random.Random(number)
    barrier.wait()
    begin = time.perf_counter()
    for _ in range(rounds):
        start = time.perf_counter()
        trial = study.ask(space)
        asked = time.perf_counter()
        time.sleep(seconds * lengths.uniform(0.5, 1.5))
        trained = time.perf_counter()
        for epoch in EPOCHS:
            trial.report(epoch.error, epoch.epoch)
        study.tell(trial, 0.225)
        spent.append((1e3 * (asked - start), 1e3 * (time.perf_counter() - trained)))
    queue.put((spent, begin, time.perf_counter()))


def work(target: Any, place: str, *, rounds: int, seconds: float) -> dict[str, Any]:
    """All workers at once; what one training costs beside itself."""
    context = multiprocessing.get_context("spawn")
    barrier, queue = context.Barrier(WORKERS), context.Queue()
    crew = [
        context.Process(target=target, args=(place, k, rounds, seconds, barrier, queue))
        for k in range(WORKERS)
    ]
    for process in crew:
        process.start()
    found = [queue.get() for _ in crew]
    for process in crew:
        process.join()
    first, last = zip(*(pair for spent, _, _ in found for pair in spent), strict=True)
    both = sorted(a + b for a, b in zip(first, last, strict=True))
    wall = max(end for _, _, end in found) - min(begin for _, begin, _ in found)
    return {
        "n": len(both),
        "training_seconds": seconds,
        "milliseconds_a_trial": round(statistics.median(both), 2),
        "milliseconds_95_percent": round(both[int(0.95 * len(both))], 2),
        "milliseconds_to_take": round(statistics.median(first), 2),
        "milliseconds_to_store": round(statistics.median(last), 2),
        "trials_a_second": round(len(both) / wall, 1),
    }


@contextmanager
def places() -> Iterator[dict[str, Any]]:
    """Makers of empty databases, by kind."""
    SETTINGS["fsync"] = "on"
    with running_server() as server, tempfile.TemporaryDirectory(dir=".") as folder:

        def on_server() -> str:
            return str(server.make_database())

        def in_file() -> str:
            handle, path = tempfile.mkstemp(dir=folder, suffix=".db")
            os.close(handle)
            return path

        yield {"postgresql": on_server, "sqlite": in_file, "server": server}


def optuna_url(place: str) -> str:
    """The same place as Optuna's storage takes it."""
    if "://" in place:
        return place.replace("postgresql://", "postgresql+psycopg://")
    return f"sqlite:///{place}"


def server_version(server: Server) -> str:
    """What the server says it is."""
    out = subprocess.run(
        [str(server.programs / "postgres"), "--version"], capture_output=True, text=True, check=True
    )
    return out.stdout.split()[2]


def measure(kind: str, make: Any, optuna_trials: int) -> dict[str, Any]:
    """Everything on one kind of database."""
    found: dict[str, Any] = {"reading": [], "working": [], "adding": []}
    for trials in SIZES:
        place = make()
        found["adding"].append(fill(place, trials, finished=True))
        found["reading"].append(read(place, READ, READS))
        place = make()
        fill(place, trials, finished=False)
        for seconds in (TRAINING_SECONDS, 0.0):
            row = work(pull, place, rounds=ROUNDS, seconds=seconds)
            found["working"].append({"trials": trials} | row)
        print(kind, trials, json.dumps(found), flush=True)
    url = optuna_url(make())
    seconds = fill_optuna(url, optuna_trials)
    found["optuna"] = {
        "adding": {"trials": optuna_trials, "seconds_to_add": round(seconds, 1)},
        "reading": read(url, READ_OPTUNA, 3),
        "working": [
            {"trials": optuna_trials} | work(pull_optuna, url, rounds=OPTUNA_ROUNDS, seconds=pause)
            for pause in (TRAINING_SECONDS, 0.0)
        ],
    }
    print(kind, json.dumps(found["optuna"], indent=1), flush=True)
    return found


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--optuna-trials", type=int, default=SIZES[0])
    parser.add_argument("--only", choices=["postgresql", "sqlite"])
    options = parser.parse_args()
    import torch  # not above: every process of a worker reads this file

    from dse.proxy.device import device_name

    with places() as makers:
        server = makers.pop("server")
        about = {
            "date": datetime.now(UTC).date().isoformat(),
            "device": device_name(torch.device("cpu")),
            "cores": os.cpu_count(),
            "workers": WORKERS,
            "statistic": "median",
            "versions": {
                "python": platform.python_version(),
                "postgresql": server_version(server),
                "sqlite": sqlite3.sqlite_version,
                **{name: version(name) for name in ("sqlalchemy", "psycopg", "pandas", "optuna")},
            },
        }
        for kind, make in makers.items():
            if options.only in (None, kind):
                load = {"load_average_before": round(os.getloadavg()[0], 1)}
                keep(about, kind, load | measure(kind, make, options.optuna_trials))


def keep(about: dict[str, Any], kind: str, found: dict[str, Any]) -> None:
    """Write what was found beside what is known of the other kind of database."""
    known = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    others = {name: known[name] for name in ("postgresql", "sqlite") if name in known}
    RESULT.write_text(json.dumps(about | others | {kind: found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
