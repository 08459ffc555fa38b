"""Stores that are read while others write, move, lock and restart them."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from dse.errors import UserError
from dse.jobs import watching
from dse.jobs.watching import WatchedStore, WatchedStores
from dse.store.store import Store
from tests.filled import fill_survey
from tests.services.postgresql import Server
from tests.store.records import result


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("watched")
    return fill_survey(folder / "study.db", models=8, ended=6, diverged=(2,))


@pytest.fixture
def path(filled: Path, tmp_path: Path) -> Path:
    """A survey of 8 networks, of which 6 have ended."""
    return copied(filled, tmp_path / "study.db")


def copied(source: Path, target: Path) -> Path:
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)
    return target


def until(is_so: Callable[[], object], seconds: float = 20.0) -> float:
    """Wait until something is so; how long it took."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < seconds, "it never came"
        time.sleep(0.02)
    return time.monotonic() - began


def land(path: Path | str, error: float = 0.25) -> int:
    """Let the next training end; its network."""
    with Store.open(path) as store:
        claim = store.claim("test")
        assert claim is not None
        store.complete(claim, result(error))
        return claim.index


@contextmanager
def watching_stores(*stores: WatchedStore) -> Iterator[WatchedStores]:
    source = WatchedStores(stores)
    source.start()
    try:
        yield source
    finally:
        source.stop()


def networks(source: WatchedStores) -> list[int]:
    return [len(study.networks) for study in source.view()[1].studies]


def test_what_ends_is_told_within_three_seconds(path: Path) -> None:
    with watching_stores(WatchedStore(path)) as source:
        first = source.glance()
        assert networks(source) == [6]
        assert first.problems == ()
        index = land(path)
        took = until(lambda: source.glance().studies[0].landings[0].index == index)
        assert took < 3
        until(lambda: networks(source) == [7])
        assert source.glance().revision != first.revision
        live = source.glance().studies[0]
        assert live.landings[0].error == 0.25
        assert live.status["done"] == first.studies[0].status["done"] + 1


def test_a_status_is_that_of_dse_status(path: Path) -> None:
    from dse.study.status import read_status

    watched = WatchedStore(path)
    for left in (2, 1, 0):
        watched.look_or_raise()
        (told,) = read_status(path, [])
        (live,) = watched.lives
        now = ("throughput_window_seconds", "throughput_per_hour", "eta_seconds")
        exact = {key: value for key, value in told.to_dict().items() if key not in now}
        assert {key: live.status[key] for key in exact} == exact
        if left:
            land(path)


def test_tables_are_read_again_only_when_they_have_changed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    real = watching.read_study_data
    monkeypatch.setattr(
        watching, "read_study_data", lambda target: read.append(target.study) or real(target)
    )
    monkeypatch.setattr(watching, "SHARE", 1.0)
    watched = WatchedStore(path)
    for _ in range(3):
        watched.look()
        watched.read()
    assert len(read) == 1
    with Store.open(path) as store:
        claim = store.claim("test")
        assert claim is not None
        store.heartbeat(claim, step=1, steps=10, loss=2.0)
    watched.look()
    watched.read()
    assert len(read) == 1, "a training under way changes no table"
    assert watched.lives[0].status["flights"][0]["network"] == claim.index
    land(path)
    watched.look()
    watched._not_before = 0.0
    watched.read()
    assert len(read) == 2


def test_a_store_that_is_moved_away_keeps_what_was_read_and_comes_back(path: Path) -> None:
    with watching_stores(WatchedStore(path)) as source:
        away = path.rename(path.with_name("away.db"))
        until(lambda: source.glance().problems)
        (said,) = source.glance().problems
        assert said.startswith(f"{path}: not readable since ")
        assert "no store here" in said
        assert networks(source) == [6]
        assert source.glance().studies[0].status["total"] > 0
        assert not path.exists()
        time.sleep(1.5)
        assert source.glance().problems == (said,), "it is told since when, not until when"
        land(away)
        away.rename(path)
        until(lambda: not source.glance().problems)
        until(lambda: networks(source) == [7])


def test_another_store_in_its_place_is_seen(path: Path, tmp_path: Path) -> None:
    other = fill_survey(tmp_path / "other.db", models=3, seed=7)
    with watching_stores(WatchedStore(path)) as source:
        other.replace(path)
        until(lambda: networks(source) == [3])


def test_a_locked_store_is_waited_for_while_the_rest_goes_on(path: Path, tmp_path: Path) -> None:
    free = fill_survey(tmp_path / "free.db", models=4, ended=2, seed=3, study="free")
    with watching_stores(WatchedStore(path), WatchedStore(free)) as source:
        with closing(sqlite3.connect(path, isolation_level=None)) as locker:
            locker.execute("PRAGMA locking_mode = EXCLUSIVE")
            locker.execute("BEGIN EXCLUSIVE")
            until(lambda: source.glance().problems)
            assert f"{path}: " in source.glance().problems[0]
            began = time.monotonic()
            assert networks(source) == [6, 2]
            assert time.monotonic() - began < 0.5, "nobody waits for the database"
            land(free)
            until(lambda: networks(source)[1] == 3)
        until(lambda: not source.glance().problems)
        land(path)
        until(lambda: networks(source) == [7, 3])


def test_no_byte_of_a_store_is_written(path: Path) -> None:
    before, stat = path.read_bytes(), path.stat()
    with watching_stores(WatchedStore(path)) as source:
        time.sleep(2.5)
        assert networks(source) == [6]
        assert [file.name for file in path.parent.iterdir()] == ["study.db"]
    assert path.read_bytes() == before
    assert path.stat().st_mtime_ns == stat.st_mtime_ns


def test_it_opens_stores_so_that_they_cannot_be_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[bool] = []
    real = Store.open.__func__  # type: ignore[attr-defined]

    def spy(cls: type[Store], place: object, **options: object) -> Store:
        opened.append(bool(options.get("read_only")))
        return real(cls, place, **options)

    monkeypatch.setattr(Store, "open", classmethod(spy))
    watched = WatchedStore(path)
    watched.look_or_raise()
    watched.read_or_raise()
    assert len(opened) > 2
    assert all(opened)


def test_all_studies_of_a_store_are_shown_and_later_ones_too(path: Path) -> None:
    with watching_stores(WatchedStore(path)) as source:
        fill_survey(path, models=3, seed=5, study="second")
        until(lambda: networks(source) == [6, 3])
        assert [live.name for live in source.glance().studies][1] == "second"


def test_only_the_studies_that_are_named_are_shown(path: Path) -> None:
    fill_survey(path, models=3, seed=5, study="second")
    with watching_stores(WatchedStore(path, ["second"])) as source:
        assert networks(source) == [3]
    with pytest.raises(UserError, match=r"holds no study 'third'; it holds: .*'second'"):
        WatchedStore(path, ["third"]).look_or_raise()


def test_studies_of_one_name_are_told_apart_by_their_stores(path: Path, tmp_path: Path) -> None:
    other = copied(path, tmp_path / "other.db")
    with watching_stores(WatchedStore(path), WatchedStore(other)) as source:
        shown = [study.name for study in source.view()[1].studies]
        assert len(set(shown)) == 2
        assert shown == [live.name for live in source.glance().studies]
        assert str(other) in shown[1]


def test_a_store_that_is_not_there_at_the_start_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no store here"):
        WatchedStores([WatchedStore(tmp_path / "none.db")]).start()


def test_a_mistake_of_ours_is_told_and_does_not_end_the_thread(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = WatchedStore(path)
    watched.look()
    with monkeypatch.context() as patch:
        patch.setattr(watching, "read_study_data", lambda target: 1 / 0)
        watched.read()
        assert "ZeroDivisionError" in str(watched.problem)
        watched.look()
        assert "ZeroDivisionError" in str(watched.problem)
    watched._not_before = 0.0
    watched.read()
    assert watched.problem is None
    assert len(watched.tables.studies) == 1


def test_how_a_study_stands_is_told_while_its_tables_are_read(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with watching_stores(WatchedStore(path)) as source:
        slow, real = threading.Event(), watching.read_study_data
        monkeypatch.setattr(
            watching, "read_study_data", lambda target: slow.wait(20) and real(target)
        )
        for _ in range(2):
            index = land(path)
            until(lambda index=index: source.glance().studies[0].landings[0].index == index, 5)
        assert networks(source) == [6]
        slow.set()
        until(lambda: networks(source) == [8])


def test_a_slow_answer_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "SLOW_SECONDS", 0.2)
    watched, slow = WatchedStore(path), threading.Event()
    watched.look_or_raise()
    monkeypatch.setattr(Store, "revisions", lambda store: slow.wait(10) and {})
    thread = threading.Thread(target=watched.look)
    thread.start()
    until(lambda: watched.problem)
    assert "no answer since" in str(watched.problem)
    slow.set()
    thread.join()


def test_a_server_that_restarts_is_waited_for(postgresql: Server, path: Path) -> None:
    with postgresql.database() as url:
        fill_survey(url, models=4, ended=2)  # type: ignore[arg-type]
        with watching_stores(WatchedStore(url)) as source:
            assert networks(source) == [2]
            postgresql.stop("immediate")
            until(lambda: source.glance().problems)
            (said,) = source.glance().problems
            assert "since" in said
            assert "127.0.0.1" in said
            assert networks(source) == [2]
            postgresql.start()
            until(lambda: not source.glance().problems)
            land(url)
            until(lambda: networks(source) == [3])
