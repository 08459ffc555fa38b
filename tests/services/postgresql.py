"""A PostgreSQL server of the tests' own, in a temporary folder."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from tests.services import require

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",  # nothing of it outlives the tests
    "max_connections": "200",
}
_NUMBERS = count(1)


@dataclass
class Server:
    """A running server; `restart` as often as wanted."""

    programs: Path
    folder: Path
    port: int

    def url(self, database: str) -> str:
        return f"postgresql://dse@127.0.0.1:{self.port}/{database}"

    def make_database(self, *, template: str = "template1") -> str:
        """The URL of a new database, a copy of another one, which stays."""
        name = f"test_{next(_NUMBERS)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    @contextmanager
    def database(self, *, template: str = "template1") -> Iterator[str]:
        """A database for a `with` block."""
        url = self.make_database(template=template)
        yield url
        self.sql(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    def sql(self, statement: str, database: str = "postgres") -> None:
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement)

    def start(self) -> None:
        self._control("start", "-w", "-l", str(self.folder / "log"))

    def stop(self, mode: str = "fast") -> None:
        """`immediate` is like a crash of the server."""
        self._control("stop", "-m", mode)

    def restart(self, mode: str = "fast") -> None:
        self.stop(mode)
        self.start()

    def _control(self, *arguments: str) -> None:
        command = [str(self.programs / "pg_ctl"), "-D", str(self.folder / "data"), *arguments]
        run_as_server(command)


def run_as_server(command: list[str]) -> None:
    """Run as a user whom the server accepts: root it refuses."""
    if os.geteuid() == 0:
        command = ["runuser", "-u", "postgres", "--", *command]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    assert run.returncode == 0, run.stdout + run.stderr


def find_programs() -> Path | None:
    """The folder of the server's programs, which Debian keeps off the path."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    places += [Path(on_path).resolve().parent] if on_path else []
    return next((place for place in places if (place / "initdb").exists()), None)


@contextmanager
def running_server() -> Iterator[Server]:
    """A new server, which is gone after the block with all its databases."""
    programs = find_programs()
    require(programs is not None, "a PostgreSQL server (initdb)")
    assert programs is not None
    folder = Path(tempfile.mkdtemp(prefix="dse-postgresql-"))
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
    server = Server(programs, folder, _free_port())
    data = str(folder / "data")
    initdb = [str(programs / "initdb"), "-D", data, "-U", "dse", "-A", "trust", "--no-sync"]
    try:
        run_as_server(initdb)
        settings = SETTINGS | {"port": str(server.port)}
        with (folder / "data" / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        server.start()
        yield server
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            server.stop("immediate")
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """One server for all tests, started by the first that asks for it."""
    require(importlib.util.find_spec("psycopg") is not None, "psycopg")
    with running_server() as server:
        yield server


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
