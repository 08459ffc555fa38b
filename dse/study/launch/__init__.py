"""Ways to start workers. A launcher only starts them: what is to be done is in the store."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self


class Launcher(Protocol):
    """Starts identical workers on one store, keeps them for the length of a `with` block.

    While the block lasts, more trials may be added to the store and `drain` called again.
    """

    def __enter__(self) -> Self: ...

    def drain(self) -> None:
        """Work until no trial of the store waits or runs."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...
