"""SAMPLE: many networks on paper, inside a budget. No torch here."""

from dse.space.budget import Budget
from dse.space.design_space import DesignSpace, load_space
from dse.space.sampler import Sample, Sampler

__all__ = ["Budget", "DesignSpace", "Sample", "Sampler", "load_space"]
