"""DESCRIBE: one network on paper, with its cost in closed form. No torch here."""

from dse.architecture.cost import Cost, Layer, cost, layers
from dse.architecture.spec import Architecture

__all__ = ["Architecture", "Cost", "Layer", "cost", "layers"]
