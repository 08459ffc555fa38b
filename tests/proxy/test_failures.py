from __future__ import annotations

import pytest
import torch

from dse.proxy.failures import is_device_lost, is_out_of_memory


class AcceleratorError(RuntimeError):
    """Named as torch's, which older versions lack."""


@pytest.mark.parametrize(
    ("error", "memory", "lost"),
    [
        (MemoryError(), True, False),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"), True, False),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes"), True, False),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"), True, False),
        (AcceleratorError("CUDA error: out of memory"), True, False),
        (AcceleratorError("CUDA error: device-side assert triggered"), False, True),
        (AcceleratorError("an illegal memory access was encountered"), False, True),
        (RuntimeError("CUDA error: unspecified launch failure"), False, True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False, False),
        (ValueError("out of memory, says the user"), False, False),
        (ValueError("CUDA error, says the user"), False, False),
    ],
)
def test_errors_are_told_apart(error: Exception, memory: bool, lost: bool) -> None:
    assert (is_out_of_memory(error), is_device_lost(error)) == (memory, lost)
