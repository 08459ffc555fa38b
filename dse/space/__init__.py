"""SAMPLE: many networks on paper, inside a budget. No torch here."""

from dse.space.batch import Batch, Sample, duplicates
from dse.space.budget import Budget
from dse.space.design_space import DesignSpace, load_space
from dse.space.sampler import Sampler

__all__ = ["Batch", "Budget", "DesignSpace", "Sample", "Sampler", "duplicates", "load_space"]
