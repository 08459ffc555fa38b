"""SAMPLE: many networks on paper, inside a budget. No torch here."""

from dse.space.language.design_space import DesignSpace, load_space
from dse.space.sampling.batch import Batch, Sample, duplicates
from dse.space.sampling.budget import Budget
from dse.space.sampling.sampler import Sampler

__all__ = ["Batch", "Budget", "DesignSpace", "Sample", "Sampler", "duplicates", "load_space"]
