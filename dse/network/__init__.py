"""BUILD: an architecture on paper becomes a torch module."""

from dse.network.build import Network, build

__all__ = ["Network", "build"]
