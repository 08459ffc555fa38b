"""dse: a design-space explorer for ConvNets."""

__version__ = "0.1.0"
