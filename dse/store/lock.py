"""One run per store at a time: a lock that the kernel releases however its holder dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dse.errors import UserError
from dse.store.engine import store_path


@contextmanager
def store_lock(target: str | os.PathLike[str]) -> Iterator[None]:
    """Hold the store's lock, the file `<store>.lock`, for the length of a `with` block.

    Raises `UserError` if another process holds it (and says which) or its folder is not writable.
    """
    store = store_path(target)
    path = store.with_name(f"{store.name}.lock")
    descriptor = _acquire(path, store)
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()
        os.close(descriptor)


def _acquire(path: Path, store: Path) -> int:
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise UserError(
                f"{store}: cannot write in the folder {store.parent} ({error.strerror}): "
                "choose another place with --store."
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not _is_the_file(descriptor, path):  # its last holder removed it under our hands
                os.close(descriptor)
                continue
            with suppress(OSError):  # on a full disk the lock holds all the same
                os.ftruncate(descriptor, 0)
                os.write(descriptor, str(os.getpid()).encode())
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode(errors="replace")
            os.close(descriptor)
            raise UserError(
                f"{store}: another run (process {holder or 'unknown'}) is working on this store: "
                "wait until it ends, or stop it, or choose another --store."
            ) from None
        except OSError as error:  # a file system without locks
            os.close(descriptor)
            raise UserError(f"{path}: cannot be locked ({error.strerror}).") from error
        return descriptor


def _is_the_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
