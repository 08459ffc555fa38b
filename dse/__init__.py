"""dse: a design-space explorer for ConvNets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dse.jobs.notebook import Population as Population
    from dse.jobs.notebook import open_study as open_study

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """What notebooks use is imported when it is first asked for, as it takes a while."""
    if name in ("Population", "open_study"):
        from dse.jobs import notebook

        return getattr(notebook, name)
    raise AttributeError(f"module 'dse' has no attribute {name!r}")
