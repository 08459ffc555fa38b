"""Stores of an older schema, brought up to date in place."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.exc import IntegrityError

from dse.errors import UserError
from dse.store.engines.base import SCHEMA_VERSION, VERSION_TABLE
from dse.store.lock import store_lock
from dse.store.records import Counts
from dse.store.schema import Base
from dse.store.store import Store
from dse.store.target import parse_target
from dse.store.upgrade import migrate
from tests.services.postgresql import Server
from tests.store.records import candidate, result, trial
from tests.store.test_full import full_study
from tests.store.test_imported import NETWORKS, imported
from tests.store.test_lock import hold

VERSION_1 = (Path(__file__).parent / "version_1.sql").read_text()
"""What dse 0.1.0 wrote: two complete trainings, one diverged, one running after a crash, two that
wait; four networks and a reference."""


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The place of an empty database."""
    if request.param == "sqlite":
        yield str(tmp_path / "study.db")
        return
    server: Server = request.getfixturevalue("postgresql")
    with server.database() as url:
        yield url


@pytest.fixture
def old(empty: str) -> str:
    """A store of version 1. No PostgreSQL store of that version was ever written."""
    target = parse_target(empty)
    if target.path is not None:
        with closing(sqlite3.connect(target.path)) as connection:
            connection.executescript(VERSION_1)
        return empty
    rows = re.findall(r'^INSERT INTO "dse_.*$', VERSION_1, re.MULTILINE)
    order = ["studies", "candidates", "trials", "epochs"]
    with create_engine(target.url).begin() as connection:
        migrate(connection, until=1)
        connection.exec_driver_sql(f"DROP TABLE {VERSION_TABLE}")
        for table in ("meta", *order):
            for row in rows:
                if row.startswith(f'INSERT INTO "dse_{table}"'):
                    connection.execute(text(row.replace(":", r"\:")))
    return empty


@pytest.fixture
def engine(empty: str) -> Iterator[Engine]:
    engine = create_engine(parse_target(empty).url)
    yield engine
    engine.dispose()


def rows(engine: Engine, query: str) -> list[dict[str, Any]]:
    with engine.begin() as connection:
        return [dict(row) for row in connection.execute(text(query)).mappings()]


SAME = {
    "candidates": 'id, study_id, "index", hash, flops, params, activations',
    "trials": "id, replicate, seed, attempts, crashes, worker, error, train_loss, seconds, "
    "cpu_seconds, test_images, classes, device, dtype, started, finished",
    "epochs": "id, trial_id, epoch, step, train_loss, error",
    "studies": "id, name, space_name, seed, created",
}


def kept(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    """What an upgrade changes nothing of."""
    return {
        table: rows(engine, f"SELECT {columns} FROM dse_{table} ORDER BY id")
        for table, columns in SAME.items()
    }


def test_an_upgrade_keeps_everything(
    old: str, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    before = kept(engine)
    networks = rows(engine, "SELECT architecture FROM dse_candidates ORDER BY id")
    (asked,) = rows(engine, "SELECT space, budget, proxy, design, provenance FROM dse_studies")
    with Store.open(old) as store:
        assert kept(engine) == before
        assert rows(engine, "SELECT architecture FROM dse_candidates ORDER BY id") == networks
        study = store.existing_study()
        for name, value in asked.items():
            plain = json.loads(value) if isinstance(value, str) else value
            if name == "design":
                assert plain.pop("kind") == study.kind == "survey"
            assert getattr(study, name) == plain
        assert (study.space_hash, study.space_name) == ("f21d86a2486e", "linear_or_conv")
        assert store.counts() == Counts(waiting=3, complete=2, diverged=1)
        table = store.population()
        assert table["state"].tolist() == ["diverged", "waiting", "complete", "waiting", "waiting"]
        assert table["reason"][3] == "the store was upgraded"
        assert store.references() == ["timm:test_convnext"]
        assert store.curves()["error"].tolist() == [0.8, 0.7, 0.6, 0.5]
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"upgraded from schema version 1 to {SCHEMA_VERSION}; a backup is " in said


def test_a_store_of_version_2_keeps_everything_and_takes_a_study_from_elsewhere(
    old: str, engine: Engine
) -> None:
    with engine.begin() as connection:
        migrate(connection, since=1, until=2)
    before = kept(engine)
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(text("UPDATE dse_studies SET kind = 'imported'"))
    with Store.open(old) as store:
        assert kept(engine) == before
        assert store.import_study(imported(), NETWORKS) is None
        assert [study.kind for study in store.studies()] == ["survey", "imported"]
        assert store.counts() == Counts(waiting=3, complete=2, diverged=1)
    costs = rows(engine, "SELECT flops FROM dse_candidates WHERE flops IS NULL")
    assert len(costs) == 1
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(text("UPDATE dse_studies SET kind = 'guessed'"))


def test_a_store_of_version_3_keeps_everything_and_takes_a_full_training(
    old: str, engine: Engine
) -> None:
    with engine.begin() as connection:
        migrate(connection, since=1, until=3)
        connection.execute(text("UPDATE dse_candidates SET flops = NULL WHERE id = 1"))
    before = kept(engine)
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(text("UPDATE dse_studies SET kind = 'training'"))
    with Store.open(old) as store:
        assert kept(engine) == before
        store.record_training(full_study(), candidate(0), 7, result())
        assert [study.kind for study in store.studies()] == ["survey", "training"]
        assert store.counts() == Counts(waiting=3, complete=2, diverged=1)


def test_an_upgraded_store_is_gone_on_with(old: str) -> None:
    with Store.open(old) as store:
        store.add_candidates([candidate(4)])
        store.add_trials([trial(4)])
        done = 0
        while claim := store.claim("worker"):
            done += store.complete(claim, result())
        assert done == 4
        assert store.counts() == Counts(complete=6, diverged=1)
        assert len(store.curves()) == 4 + 4 * 2


def test_an_old_store_is_not_upgraded_by_reading_it(old: str, engine: Engine) -> None:
    before = kept(engine)
    with pytest.raises(UserError, match=r"schema version 1; .*`dse upgrade .*` brings it up"):
        Store.open(old, read_only=True)
    assert kept(engine) == before
    assert not inspect(engine).has_table("dse_spaces")


def test_a_file_is_copied_before_it_is_upgraded(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    for number in ("", "1"):
        path.unlink(missing_ok=True)
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(VERSION_1)
            before = list(connection.iterdump())
        Store.open(path).close()
        backup = tmp_path / f"study.db.v1{number}.backup"
        with closing(sqlite3.connect(backup)) as connection:
            assert list(connection.iterdump()) == before
    names = {file.name for file in tmp_path.iterdir()}
    assert names == {"study.db", "study.db.v1.backup", "study.db.v11.backup"}


@pytest.mark.parametrize("empty", ["postgresql"], indirect=True)
def test_tables_on_a_server_are_copied_before_they_are_upgraded(old: str, engine: Engine) -> None:
    before = kept(engine)
    Store.open(old).close()
    for table, columns in SAME.items():
        copy = rows(engine, f"SELECT {columns} FROM dse_backup_v1.dse_{table} ORDER BY id")
        assert copy == before[table]


def test_a_store_that_an_old_run_works_on_is_not_upgraded(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(VERSION_1)
    holder = hold(path)
    try:
        with pytest.raises(UserError, match=rf"another run \(process {holder.pid}\)"):
            Store.open(path)
    finally:
        holder.kill()
        holder.wait()
    assert not list(tmp_path.glob("*.backup*"))
    with store_lock(path):  # one's own lock is no hindrance
        Store.open(path).close()


def test_an_upgrade_that_fails_changes_nothing(
    old: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = kept(engine)

    def fail(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("alembic.migration.MigrationContext.stamp", fail)
        with pytest.raises(KeyboardInterrupt):
            Store.open(old)
    assert kept(engine) == before
    Store.open(old).close()
    assert inspect(engine).has_table("dse_spaces")


@pytest.mark.parametrize("start", ["empty", "old"])
def test_migrations_end_in_the_schema_of_the_models(
    start: str, engine: Engine, request: pytest.FixtureRequest
) -> None:
    Store.open(request.getfixturevalue(start), create=True).close()

    def is_ours(_: object, name: str | None, kind: str, *__: object) -> bool:
        return kind != "table" or str(name).startswith("dse_")

    options = {"version_table": VERSION_TABLE, "compare_type": True, "include_object": is_ours}
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []


def constraints(engine: Engine) -> dict[str, Any]:
    """Of each table, what Alembic does not compare."""
    look = inspect(engine)
    return {
        table: (
            sorted(map(str, look.get_check_constraints(table))),
            look.get_pk_constraint(table)["name"],
            sorted(f"{key['name']} {key['options']}" for key in look.get_foreign_keys(table)),
        )
        for table in Base.metadata.tables
    }


def test_migrations_end_in_the_constraints_of_the_models(empty: str, engine: Engine) -> None:
    Store.open(empty, create=True).close()
    migrated = constraints(engine)
    with engine.begin() as connection:
        for (view,) in connection.execute(text(VIEWS[engine.dialect.name])).all():
            connection.execute(text(f"DROP VIEW {view}"))
        Base.metadata.drop_all(connection)
        Base.metadata.create_all(connection)
    assert constraints(engine) == migrated


VIEWS = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'view'",
    "postgresql": "SELECT viewname FROM pg_views WHERE viewname LIKE 'dse_%'",
}


def test_tables_of_other_programs_stay_as_they_are(old: str, engine: Engine) -> None:
    """Optuna keeps its own, with Alembic's own table, in the same database."""
    with engine.begin() as connection:
        for table in ("studies", "trials", "alembic_version"):
            connection.execute(text(f"CREATE TABLE {table} (version_num TEXT)"))
            connection.execute(text(f"INSERT INTO {table} VALUES ('v3')"))
    Store.open(old).close()
    for table in ("studies", "trials", "alembic_version"):
        assert rows(engine, f"SELECT * FROM {table}") == [{"version_num": "v3"}]


def test_two_that_open_an_old_store_at_once_upgrade_it_once(old: str, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        for store in threads.map(lambda _: Store.open(old), range(4)):
            with store:
                assert store.counts().total == 6
    if parse_target(old).path is not None:
        assert len(list(tmp_path.glob("*.backup"))) == 1
