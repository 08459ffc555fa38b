"""Where a store is: a file or a database on a server, as people write it."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from dse.errors import UserError

TAKEN: Final = (".html", ".best", ".checkpoints", ".backup", ".logs", ".yaml", ".yml")
"""What lies beside a store under its name, or is read from it: no store may be called so."""
ALLOWED: Final = "give a path, sqlite:///PATH or postgresql://USER@HOST/DATABASE"


@dataclass(frozen=True)
class Target:
    """The place of a store. As text it has no password, so that it may be shown anywhere.

    Attributes:
        url: for SQLAlchemy, with the driver's name and any password.
        path: the file; None if the store is on a server.
        study: the name of the study that is meant; None for the only survey there.
    """

    url: URL
    path: Path | None = None
    study: str | None = None

    @property
    def location(self) -> str:
        """What opens the store from anywhere: an absolute path, or the URL with its password."""
        if self.path is not None:
            return str(self.path.absolute())
        return self.url.set(drivername="postgresql").render_as_string(hide_password=False)

    def __str__(self) -> str:
        if self.path is not None:
            return str(self.path)
        url = self.url
        user = f"{url.username}@" if url.username else ""
        port = f":{url.port}" if url.port else ""
        return f"postgresql://{user}{url.host or ''}{port}/{url.database or ''}"

    __repr__ = __str__


Place = str | os.PathLike[str] | Target
"""What names a store."""


def parse_target(place: Place, *, study: str | None = None) -> Target:
    """The store that a path, an `sqlite:///` or a `postgresql://` URL names, and a study of it.

    Raises:
        UserError: another URL, or a file's name that no store may have.
    """
    if isinstance(place, Target):
        return replace(place, study=study or place.study)
    return replace(_parse(os.fspath(place)), study=study)


def _parse(text: str) -> Target:
    if "://" not in text:
        return _file(text)
    scheme = text.partition("://")[0]
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # without the text, which may hold a password
        raise UserError(f"{scheme}://...: is no URL of a store: {ALLOWED}.") from None
    backend = scheme.partition("+")[0]
    if backend == "sqlite" and url.database not in (None, "", ":memory:"):
        return _file(str(url.database))
    if backend in ("postgresql", "postgres"):
        return Target(url.set(drivername="postgresql+psycopg"))
    raise UserError(f"{scheme}://...: a store is a file or a PostgreSQL database: {ALLOWED}.")


def _file(text: str) -> Target:
    path = Path(text)
    if path.name in ("", ".."):
        raise UserError(f"{text!r}: is a folder, a store is a file.")
    if path.suffix.lower() in TAKEN:
        raise UserError(
            f"{text}: a store's name may not end in {path.suffix}, as other files do: "
            "name it .db, for example."
        )
    return Target(URL.create("sqlite", database=str(path)), path)


def split_study(text: str) -> tuple[str, str | None]:
    """A store and the name of its study, which follows the last `::`, if any does.

    >>> split_study("a.db"), split_study("a.db::b")
    (('a.db', None), ('a.db', 'b'))
    >>> split_study("postgresql://me@[::1]/db")  # a slash follows: no name
    ('postgresql://me@[::1]/db', None)
    """
    place, mark, name = text.rpartition("::")
    if not mark or "/" in name or not place or not name:
        return text, None
    return place, name
