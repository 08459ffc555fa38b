from __future__ import annotations

import pytest
import torch

from dse.proxy.device_data import DeviceData
from tests.proxy.small import stripes


@pytest.fixture(scope="session")
def data() -> DeviceData:
    torch.set_num_threads(1)
    return stripes()
