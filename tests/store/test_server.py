"""A store on a server: what can go wrong there, and what a lost connection costs (nothing)."""

from __future__ import annotations

import builtins
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from dse.errors import UserError
from dse.store.lock import store_lock
from dse.store.records import Counts
from dse.store.store import Store
from dse.store.target import parse_target
from tests.services.postgresql import Server
from tests.store.records import fill, result

SECRET = "hunter2"


@pytest.fixture
def url(postgresql: Server, template: str) -> Iterator[str]:
    with postgresql.database(template=template) as url:
        yield url


def refusal(url: str, **options: Any) -> str:
    with pytest.raises(UserError) as caught:
        Store.open(url, **options)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert SECRET not in sentence
    return sentence


@contextmanager
def unheard_commits(store: Store, number: int = 1) -> Iterator[list[bool]]:
    """The server commits so many transactions, but the connection is lost before it says so."""
    dialect = store._database._engine.dialect
    commit, lost = dialect.do_commit, []

    def do_commit(connection: Any) -> None:
        commit(connection)
        if len(lost) < number:
            lost.append(True)
            raise psycopg.OperationalError("server closed the connection unexpectedly")

    dialect.do_commit = do_commit  # type: ignore[method-assign]
    try:
        yield lost
    finally:
        dialect.do_commit = commit  # type: ignore[method-assign]
    assert len(lost) == number


def test_no_server_is_told_at_once(postgresql: Server) -> None:
    begin = time.monotonic()
    sentence = refusal(f"postgresql://dse:{SECRET}@127.0.0.1:1/x", create=True)
    assert sentence.startswith("postgresql://dse@127.0.0.1:1/x: no connection to the server (")
    assert time.monotonic() - begin < 5


def test_a_missing_database_is_told(postgresql: Server) -> None:
    assert 'database "nothing" does not exist' in refusal(postgresql.url("nothing"), create=True)


def test_an_empty_database_is_no_store_but_can_become_one(postgresql: Server) -> None:
    url = postgresql.make_database()
    assert "there is no store here" in refusal(url)
    Store.open(url, create=True).close()
    with Store.open(url) as store:
        assert store.counts() == Counts()


def test_a_newer_store_is_refused(url: str, postgresql: Server) -> None:
    name = url.rpartition("/")[2]
    postgresql.sql("UPDATE dse_alembic_version SET version_num = '0099'", database=name)
    assert "was written by a newer dse (schema version 99;" in refusal(url, create=True)


def test_a_user_without_rights_is_told(url: str, postgresql: Server) -> None:
    postgresql.sql(f"CREATE ROLE reader LOGIN PASSWORD '{SECRET}'")
    name = url.rpartition("/")[2]
    postgresql.sql("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader", database=name)
    with Store.open(url.replace("dse@", f"reader:{SECRET}@")) as store:
        assert store.counts() == Counts()
        with pytest.raises(UserError, match="has no right to do this") as caught:
            fill(store, 1)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://dse:{SECRET}@host:port/x",
        f"postgres://dse:{SECRET}@127.0.0.1:1/x?connect_timeout=2&application_name=me",
        f"postgresql://127.0.0.1:1/x?user=dse&password={SECRET}",
        f"mysql://dse:{SECRET}@host/x",
    ],
)
def test_a_password_is_in_no_message(url: str) -> None:
    assert "://" in refusal(url)
    if "host" not in url:
        target = parse_target(url)
        assert SECRET not in f"{target} {target!r}"
        assert SECRET in target.url.render_as_string(hide_password=False)


def test_a_missing_driver_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_driver(name: str, *arguments: Any) -> Any:
        if name == "psycopg":
            raise ImportError(name)
        return real(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without_driver)
    assert "install 'dse[postgresql]'" in refusal("postgresql://dse@127.0.0.1:1/x")


def test_a_server_that_starts_a_little_later_is_waited_for_if_asked(
    url: str, postgresql: Server
) -> None:
    postgresql.stop()
    thread = threading.Timer(0.5, postgresql.start)
    thread.start()
    try:
        with Store.open(url, patience=30) as store:
            assert store.counts() == Counts()
    finally:
        thread.join()


def test_a_claim_whose_commit_was_not_heard_is_found_again(url: str) -> None:
    with Store.open(url) as store:
        fill(store, 2)
        with unheard_commits(store):
            claim = store.claim("worker")
        assert claim is not None
        assert claim.index == 0
        assert store.counts() == Counts(waiting=1, running=1)
        assert store.complete(claim, result())


def test_a_result_whose_commit_was_not_heard_is_stored_once(url: str) -> None:
    with Store.open(url) as store:
        fill(store, 1)
        claim = store.claim("worker")
        assert claim is not None
        with unheard_commits(store):
            assert store.complete(claim, result())
        assert store.counts() == Counts(complete=1)
        assert len(store.curves()) == 2


def test_all_writing_may_be_repeated(url: str) -> None:
    with Store.open(url) as store:
        with unheard_commits(store, 3):
            fill(store, 2)
        assert store.counts() == Counts(waiting=2)
        store.claim("doomed")
        with unheard_commits(store):
            store.crashed("doomed", "killed")
        assert store.population()["reason"].tolist() == ["killed", None]
        claim = store.claim("worker")
        assert claim is not None
        with unheard_commits(store):
            assert store.heartbeat(claim)
        with unheard_commits(store):
            store.release(claim, "Ctrl-C")
        assert store.counts() == Counts(waiting=2)


def test_a_server_that_never_comes_back_ends_in_a_sentence(
    url: str, postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(url) as store:
        fill(store, 1)
        postgresql.stop()
        store._database.retry_seconds = 1.0
        try:
            with pytest.raises(UserError, match="no connection to the server"):
                store.counts()
        finally:
            postgresql.start()
        assert store.counts() == Counts(waiting=1)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_workers_go_on_when_the_server_is_started_again(
    url: str, postgresql: Server, mode: str
) -> None:
    with Store.open(url) as store:
        fill(store, 120)
        started = threading.Barrier(5)

        def pull(worker: str) -> list[int]:
            mine = []
            with Store.open(url) as own:
                started.wait()
                while claim := own.claim(worker):
                    time.sleep(0.02)
                    assert own.complete(claim, result(claim.index / 1000))
                    mine.append(claim.index)
            return mine

        with ThreadPoolExecutor(4) as threads:
            pulling = [threads.submit(pull, f"worker {number}") for number in range(4)]
            started.wait()
            for _ in range(2):
                time.sleep(0.2)
                assert store.counts().waiting, "it is restarted under way"
                postgresql.restart(mode)
            done = sorted(index for each in pulling for index in each.result())
        assert done == list(range(120)), "each once"
        assert store.counts() == Counts(complete=120)
        table = store.population()
        assert table["error"].tolist() == [index / 1000 for index in range(120)]
        assert len(store.curves()) == 240


def test_a_mistake_of_the_program_is_no_lost_connection(url: str) -> None:
    with Store.open(url) as store:
        begin = time.monotonic()
        with pytest.raises(Exception, match="no_such_table"):
            store._read(lambda c: c.exec_driver_sql("SELECT * FROM no_such_table"))
        assert time.monotonic() - begin < 5


def test_runs_on_a_server_do_not_exclude_each_other(url: str) -> None:
    with store_lock(url), store_lock(url):
        pass


def test_a_claim_does_not_wait_for_another_one_under_way(url: str) -> None:
    """`FOR UPDATE SKIP LOCKED`: a worker that hangs in its claim stops nobody."""
    with Store.open(url) as store, Store.open(url) as other:
        fill(store, 2)
        inside, leave = threading.Event(), threading.Event()
        original: Callable[..., Any] = store._queue.find_claim

        def hang(*arguments: Any) -> Any:
            inside.set()
            assert leave.wait(20)
            return original(*arguments)

        store._queue.find_claim = hang  # type: ignore[method-assign]
        with ThreadPoolExecutor(1) as threads:
            first = threads.submit(store.claim, "hanging")
            assert inside.wait(20)
            second = other.claim("quick")
            assert other.claim("quick") is None
            leave.set()
            hanging = first.result()
        assert second is not None
        assert hanging is not None
        assert (hanging.index, second.index) == (0, 1)
