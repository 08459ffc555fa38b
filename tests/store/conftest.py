"""The backends that the same suite runs over, and file systems that refuse."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from dse.store.store import Store
from tests.services.postgresql import Server


class Open(Protocol):
    """Opens the same, first empty, store as often as it is called."""

    def __call__(self, *, study: str | None = None) -> Store: ...


@pytest.fixture(scope="session")
def template(postgresql: Server) -> str:
    """The name of a database with an empty store, of which copies are made quickly."""
    url = postgresql.make_database()
    Store.open(url, create=True).close()
    return url.rpartition("/")[2]


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A place for a store, in each kind of database."""
    if request.param == "sqlite":
        yield str(tmp_path / "study.db")
        return
    server: Server = request.getfixturevalue("postgresql")
    with server.database(template=request.getfixturevalue("template")) as url:
        yield url


@pytest.fixture
def open_store(place: str) -> Iterator[Open]:
    opened: list[Store] = []

    def open_again(*, study: str | None = None) -> Store:
        opened.append(Store.open(place, study=study, create=True))
        return opened[-1]

    yield open_again
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: Open) -> Store:
    return open_store()


Mount = Callable[[str], Path]


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """Mounts a memory file system of a size such as "256k"; only root may."""
    folder = tmp_path / "mounted"
    mounted = False

    def mount_small(options: str) -> Path:
        nonlocal mounted
        folder.mkdir(exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        try:
            mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
        except FileNotFoundError:
            mounted = False
        if not mounted:
            pytest.skip("needs the right to mount a file system")
        return folder

    yield mount_small
    if mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def freeze(mount: Mount) -> Iterator[Callable[[Path], None]]:
    """Makes a folder read-only: by permissions, or for root, who ignores them, by remounting."""
    frozen: list[Path] = []

    def make_read_only(folder: Path) -> None:
        if os.geteuid() == 0:
            subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        else:
            folder.chmod(0o555)
            frozen.append(folder)

    yield make_read_only
    for folder in frozen:
        folder.chmod(0o755)


@pytest.fixture
def freezable(tmp_path: Path, mount: Mount) -> Path:
    """A folder that `freeze` can make read-only."""
    if os.geteuid() == 0:
        return mount("size=4m")
    folder = tmp_path / "folder"
    folder.mkdir()
    return folder
