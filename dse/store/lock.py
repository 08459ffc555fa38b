"""One run per store at a time: a lock that the kernel releases however its holder dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dse.errors import UserError
from dse.store.target import Place, parse_target


@contextmanager
def store_lock(place: Place) -> Iterator[None]:
    """Hold the store's lock, the file `<store>.lock`, for the length of a `with` block.

    A store on a server has none: there, any number of runs may work at once, on many machines.

    Raises `UserError` if another process holds it (and says which) or its folder is not writable.
    """
    store = parse_target(place).path
    if store is None:
        yield
        return
    path = _lock_file(store)
    descriptor = _acquire(path, store)
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()
        os.close(descriptor)


def require_no_other_run(store: Path) -> None:
    """Raise `UserError` if another process holds the lock of a file."""
    try:
        descriptor = os.open(_lock_file(store), os.O_RDWR)
    except OSError:  # nobody holds it
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = _holder(descriptor)
        if holder != str(os.getpid()):
            raise _refusal(store, holder) from None
    finally:
        os.close(descriptor)


def _lock_file(store: Path) -> Path:
    return store.with_name(f"{store.name}.lock")


def _holder(descriptor: int) -> str:
    return os.pread(descriptor, 20, 0).decode(errors="replace")


def _refusal(store: Path, holder: str) -> UserError:
    return UserError(
        f"{store}: another run (process {holder or 'unknown'}) is working on this store: "
        "wait until it ends, or stop it, or choose another --store."
    )


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
            holder = _holder(descriptor)
            os.close(descriptor)
            raise _refusal(store, holder) from None
        except OSError as error:  # a file system without locks
            os.close(descriptor)
            raise UserError(f"{path}: cannot be locked ({error.strerror}).") from error
        return descriptor


def _is_the_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
