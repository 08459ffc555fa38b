"""DESCRIBE: one network on paper, with its cost in closed form. No torch here."""

from dse.architecture.cost import Cost, Costs, Layer, cost, costs, layers
from dse.architecture.spec import Architecture

__all__ = ["Architecture", "Cost", "Costs", "Layer", "cost", "costs", "layers"]
