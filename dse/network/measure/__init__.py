"""What one network really takes on a device, and what its first weights seem to promise."""

from dse.network.measure.measurement import Measurement, Setting
from dse.network.measure.networks import REPEATS, measure, measure_networks

__all__ = ["REPEATS", "Measurement", "Setting", "measure", "measure_networks"]
