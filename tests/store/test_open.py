"""What can be wrong with a store file: one plain sentence, and nothing left behind."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event

from dse.errors import UserError
from dse.store.engines.base import SCHEMA_VERSION
from dse.store.lock import store_lock
from dse.store.records import Counts
from dse.store.store import Store
from tests.store.conftest import Mount
from tests.store.records import fill, result, study


def sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def refusal(path: Path, *, create: bool = True) -> str:
    """The sentence that refuses a store; its folder is as it was."""
    before = files(path.parent) if path.parent.is_dir() else None
    with pytest.raises(UserError) as caught:
        Store.open(path, create=create)
    assert (files(path.parent) if path.parent.is_dir() else None) == before
    sentence = str(caught.value)
    assert str(path) in sentence
    assert "\n" not in sentence
    return sentence


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """A store with one finished trial and one that waits."""
    path = tmp_path / "study.db"
    with Store.open(path, create=True) as store:
        fill(store, 2)
        claim = store.claim("worker")
        assert claim is not None
        store.complete(claim, result())
    return path


def test_path_and_url_name_the_same_store(finished: Path) -> None:
    for target in (finished, str(finished), f"sqlite:///{finished}"):
        with Store.open(target) as store:
            assert store.counts() == Counts(waiting=1, complete=1)


@pytest.mark.parametrize("url", ["mysql://host/x", "sqlite://", "sqlite:///:memory:", "a://"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(UserError, match="a store is a file or a PostgreSQL database"):
        Store.open(url, create=True)


def test_a_closed_store_is_one_file(finished: Path) -> None:
    assert set(files(finished.parent)) == {finished.name}


def test_a_store_is_made_with_its_folder(tmp_path: Path) -> None:
    with Store.open(tmp_path / "studies" / "new.db", create=True) as store:
        assert store.counts() == Counts()


def test_a_missing_store_is_not_made_by_looking(tmp_path: Path) -> None:
    assert "there is no store here" in refusal(tmp_path / "missing.db", create=False)


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    """A run that is killed while it makes the store leaves one."""
    path = tmp_path / "study.db"
    path.touch()
    assert "there is no store here" in refusal(path, create=False)
    with Store.open(path, create=True) as store:
        assert store.study() is None


@pytest.mark.parametrize("create", [True, False])
def test_a_text_file_is_refused(tmp_path: Path, create: bool) -> None:
    path = tmp_path / "notes.db"
    path.write_text("not a database, but precious")
    assert "is no SQLite database" in refusal(path, create=create)


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_another_programs_database_is_refused_and_left_alone(
    tmp_path: Path, create: bool, journal: str
) -> None:
    path = tmp_path / "other.db"
    sql(path, f"PRAGMA journal_mode = {journal}", "CREATE TABLE precious (x)")
    assert "database of another program" in refusal(path, create=create)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    path.mkdir()
    assert "is a folder" in refusal(path)


@pytest.mark.parametrize("create", [True, False])
def test_a_newer_store_is_refused_with_what_to_do(finished: Path, create: bool) -> None:
    newer = SCHEMA_VERSION + 1
    sql(finished, f"UPDATE dse_alembic_version SET version_num = '{newer:04}'")
    sentence = refusal(finished, create=create)
    assert (
        f"written by a newer dse (schema version {newer}; this one knows {newer - 1})" in sentence
    )
    assert "upgrade dse" in sentence


def test_a_store_that_only_an_unreleased_version_can_have_written_is_refused(
    tmp_path: Path,
) -> None:
    path = tmp_path / "study.db"
    sql(path, "CREATE TABLE dse_meta (schema_version)", "INSERT INTO dse_meta VALUES (2)")
    sentence = refusal(path)
    assert "an unreleased dse (schema version 2): use the version that wrote it" in sentence


def test_a_half_made_meta_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "odd.db"
    sql(path, "CREATE TABLE dse_meta (x)")
    assert "is no store" in refusal(path)


def test_a_damaged_store_is_refused_before_a_run_builds_on_it(finished: Path) -> None:
    whole = finished.read_bytes()
    finished.write_bytes(whole[: len(whole) // 2])
    assert "the store is damaged" in refusal(finished)
    page = int.from_bytes(whole[16:18], "big")
    finished.write_bytes(whole[:page] + b"\xaa" * page + whole[2 * page :])
    assert "the store is damaged" in refusal(finished)


def test_damage_found_while_reading_is_a_plain_sentence(finished: Path) -> None:
    with closing(sqlite3.connect(finished)) as connection:
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'dse_candidates'"
        (number,) = connection.execute(query).fetchone()
    whole = finished.read_bytes()
    page = int.from_bytes(whole[16:18], "big")
    finished.write_bytes(whole[: (number - 1) * page] + b"\xaa" * page + whole[number * page :])
    with Store.open(finished) as store, pytest.raises(UserError, match="is damaged"):
        store.population()


def test_a_read_only_folder_is_refused(freezable: Path, freeze: Callable[[Path], None]) -> None:
    freeze(freezable)
    assert "is read-only" in refusal(freezable / "study.db")
    assert "cannot be created" in refusal(freezable / "new" / "study.db")


def test_a_store_on_a_read_only_medium_can_be_read_but_not_run(
    freezable: Path, freeze: Callable[[Path], None]
) -> None:
    path = freezable / "study.db"
    with Store.open(path, create=True) as store:
        fill(store, 2)
    freeze(freezable)
    assert "is read-only" in refusal(path)
    with Store.open(path, read_only=True) as store:
        assert store.counts() == Counts(waiting=2)
        with pytest.raises(UserError, match="cannot be opened for writing"):
            store.claim("worker")


def test_a_folder_that_takes_no_files_is_refused() -> None:
    if not Path("/proc/self").is_dir():
        pytest.skip("needs /proc, where nobody can create files")
    with pytest.raises(UserError, match=r"/proc/.*(read-only|cannot be)"):
        Store.open("/proc/study.db", create=True)


def test_a_write_protected_file_is_refused(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.access

    def access(path: Path, mode: int) -> bool:  # as for a user who is not root
        return real(path, mode) and not (path == finished and mode & os.W_OK)

    monkeypatch.setattr(os, "access", access)
    assert f"{finished} is read-only" in refusal(finished)


def test_reading_needs_no_write_permission(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    before = files(finished.parent)
    with Store.open(finished, read_only=True) as store:
        assert len(store.population()) == 2
        assert files(finished.parent) == before


def test_a_full_disk_while_making_a_store_leaves_no_file(mount: Mount) -> None:
    folder = mount("size=16k")
    sentence = refusal(folder / "study.db")
    assert "the disk is full" in sentence
    assert files(folder) == {}


def test_a_full_disk_while_running_keeps_what_was_finished(mount: Mount) -> None:
    folder = mount("size=400k")
    path = folder / "study.db"
    with Store.open(path, create=True) as store:
        fill(store, 10)
        first = store.claim("worker")
        assert first is not None
        store.complete(first, result())
        second = store.claim("worker")
        assert second is not None
        with pytest.raises(OSError, match="No space left"):
            (folder / "ballast").write_bytes(bytes(1_000_000))
        with pytest.raises(UserError, match="the disk is full"):
            store.complete(second, result(reason="r" * 100_000))
        (folder / "ballast").unlink()
        assert store.counts() == Counts(waiting=8, running=1, complete=1)
        assert store.complete(second, result())


def test_a_full_database_is_told_as_a_full_disk_and_changes_nothing(tmp_path: Path) -> None:
    with Store.open(tmp_path / "study.db", create=True) as store:
        fill(store, 2)
        claim = store.claim("worker")
        assert claim is not None

        @event.listens_for(store._database._engine, "begin")
        def limit(connection: object) -> None:
            connection.exec_driver_sql("PRAGMA max_page_count = 1")  # type: ignore[attr-defined]

        with pytest.raises(UserError, match=r"study\.db: the disk is full"):
            store.complete(claim, result(reason="r" * 100_000))
        assert store.counts() == Counts(waiting=1, running=1)


def test_a_locked_store_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dse.store.engines.sqlite.BUSY_SECONDS", 0.1)
    path = tmp_path / "study.db"
    with Store.open(path, create=True) as store:
        fill(store, 1)
        with closing(sqlite3.connect(path)) as other:
            other.execute("BEGIN EXCLUSIVE")
            assert store.counts() == Counts(waiting=1), "reading goes on"
            with pytest.raises(UserError, match="another program has locked the store"):
                store.claim("worker")


def test_opening_a_store_again_keeps_the_locks_of_the_first_connection(tmp_path: Path) -> None:
    """POSIX drops all locks of a process when it closes *any* descriptor of the file.

    Without its lock, the next process to close the store takes itself for the last one, deletes
    the `-wal` file, and this process goes on reading the deleted one.
    """
    path = tmp_path / "study.db"
    with Store.open(path, create=True) as first:
        first.create_study(study())
        for read_only in (False, True):
            Store.open(path, create=not read_only, read_only=read_only).close()
        code = """
import sys
from dse.store.store import Store
with Store.open(sys.argv[1]) as store:
    store.networks()
"""
        subprocess.run([sys.executable, "-c", code, str(path)], check=True)
        assert path.with_name("study.db-wal").exists()


@pytest.mark.parametrize(
    "name", ["x.html", "x.best", "x.checkpoints", "x.yaml", "x.YML", "a.db.html"]
)
def test_a_name_that_another_file_of_the_study_has_is_refused(tmp_path: Path, name: str) -> None:
    for target in (tmp_path / name, f"sqlite:///{tmp_path / name}"):
        with pytest.raises(UserError, match=r"name may not end in \."):
            Store.open(target, create=True)
    assert files(tmp_path) == {}


@pytest.mark.parametrize("target", [".", "/", "..", "", "sqlite:///."])
def test_what_has_no_name_is_refused(target: str) -> None:
    for use in (Store.open, store_lock):
        with pytest.raises(UserError, match="is a folder, a store is a file"), use(target):
            pytest.fail("it was taken for a store")


def test_a_name_too_long_for_the_file_system_is_a_plain_sentence(tmp_path: Path) -> None:
    assert "cannot be read (File name too long)" in refusal(tmp_path / ("n" * 300))


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize(
    "damage",
    [
        "DROP TABLE dse_epochs",
        "DROP TABLE dse_trials",
        "ALTER TABLE dse_studies DROP COLUMN design",
    ],
)
def test_a_store_that_lacks_a_table_or_a_column_is_refused(
    finished: Path, damage: str, create: bool
) -> None:
    sql(finished, damage)
    assert "the store is damaged (it lacks dse_" in refusal(finished, create=create)


@pytest.mark.parametrize("value", ["", "{", "{}", "[]", "3", '{"kind": "survey"}'])
@pytest.mark.parametrize(
    "column",
    ["spaces SET definition", "studies SET budget", "studies SET proxy", "studies SET design"],
)
def test_a_study_that_cannot_be_understood_is_damage(
    finished: Path, column: str, value: str
) -> None:
    sql(finished, f"UPDATE dse_{column} = '{value}'")
    with Store.open(finished) as store, pytest.raises(UserError, match="the store is damaged"):
        store.study()


@pytest.mark.parametrize("value", ["", "{", "{}", "[]", "3", '{"depths": [1, 1]}'])
def test_a_network_that_cannot_be_understood_is_damage(finished: Path, value: str) -> None:
    sql(finished, f"UPDATE dse_candidates SET architecture = '{value}'")
    with Store.open(finished) as store:
        with pytest.raises(UserError, match="the store is damaged"):
            store.population()
        with pytest.raises(UserError, match="the store is damaged"):
            store.claim("worker")
        assert store.counts() == Counts(waiting=1, complete=1), "the claim was undone"


def test_text_where_a_number_belongs_is_damage(finished: Path) -> None:
    sql(finished, "UPDATE dse_candidates SET flops = 'many'", "UPDATE dse_epochs SET step = 'two'")
    with Store.open(finished) as store:
        for read in (store.population, store.curves):
            with pytest.raises(UserError, match="the store is damaged"):
                read()


def test_what_is_opened_to_be_read_changes_no_byte(finished: Path) -> None:
    before = files(finished.parent)
    with Store.open(finished, read_only=True) as store:
        assert len(store.population()) == 2
        assert store.revisions()
        with pytest.raises(UserError, match="cannot be opened for writing"):
            store.claim("worker")
    assert files(finished.parent) == before


def test_a_reader_sees_what_is_written_later_and_folds_nothing(finished: Path) -> None:
    with Store.open(finished, read_only=True) as reader:
        assert reader.counts() == Counts(complete=1, waiting=1)
        code = """
import os, sys
from dse.store.store import Store
store = Store.open(sys.argv[1])
store.claim("worker")
os._exit(1)
"""
        subprocess.run([sys.executable, "-c", code, str(finished)], check=False)
        before = finished.read_bytes()
        assert reader.counts() == Counts(complete=1, running=1)
    assert finished.read_bytes() == before
    assert finished.with_name("study.db-wal").stat().st_size > 0


def test_a_store_that_is_moved_away_can_be_read_again_when_it_is_back(finished: Path) -> None:
    with Store.open(finished, read_only=True) as store:
        away = finished.rename(finished.with_name("away.db"))
        with pytest.raises(UserError, match="is not there any more"):
            store.counts()
        assert not finished.exists()
        away.rename(finished)
        assert store.counts() == Counts(complete=1, waiting=1)
