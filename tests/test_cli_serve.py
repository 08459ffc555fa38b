"""`dse serve` as people start it."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.filled import fill_survey
from tests.services import require_module
from tests.test_cli import run


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require_module("dash")
    return fill_survey(tmp_path_factory.mktemp("serve") / "study.db", models=4)


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The sentence that refuses a command."""
    code, out, err = run(capsys, *map(str, arguments))
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    return err


@contextmanager
def serving(*arguments: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The program, and the address that it prints."""
    command = [sys.executable, "-m", "dse", "serve", *map(str, arguments), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


def test_it_prints_its_address_and_ctrl_c_ends_it_quietly(store: Path) -> None:
    before, stat = store.read_bytes(), store.stat()
    with serving(store) as (process, address):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)
        with urllib.request.urlopen(address, timeout=20) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
        assert (process.returncode, err) == (0, "")
    assert store.read_bytes() == before
    assert store.stat().st_mtime_ns == stat.st_mtime_ns
    assert [file.name for file in store.parent.iterdir()] == ["study.db"]


def test_an_address_that_others_reach_is_printed_with_its_token(store: Path) -> None:
    with serving(store, "--host", "0.0.0.0") as (_, address):
        found = re.fullmatch(r"http://0\.0\.0\.0:(\d+)/\?token=([\w-]{43})", address)
        assert found is not None
        local = f"http://127.0.0.1:{found[1]}/_dse/alive"
        with pytest.raises(urllib.error.HTTPError) as refusal:
            urllib.request.urlopen(local, timeout=20)
        assert refusal.value.code == 401
        with urllib.request.urlopen(f"{local}?token={found[2]}", timeout=20) as answer:
            assert answer.status == 204


def test_a_busy_port_is_one_sentence(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        sentence = refused(capsys, "serve", store, "--port", port)
    assert f"127.0.0.1:{port}: another program has this port" in sentence


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--host", "192.0.2.1"], "192.0.2.1:8050: is no address of this machine"),
        (["--host", "no.such.host.invalid"], "is no address of this machine"),
        (["--token", "short"], "--token: give at least 16 letters"),
        (["--study", "other"], "holds no study 'other'"),
        (["--dashboard", "lively"], "did you mean 'live'"),
    ],
)
def test_a_mistake_is_one_sentence(
    store: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert words in refused(capsys, "serve", store, *arguments)


def test_a_store_that_is_not_there_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "there is no store here" in refused(capsys, "serve", tmp_path / "none.db", "--port", 0)
    assert list(tmp_path.iterdir()) == []
