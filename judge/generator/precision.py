"""Which number format is faster here: measured once in a process, never read off a processor's name."""

from __future__ import annotations

import threading
import time
from functools import cache
from typing import Any

import torch
from torch.nn import functional

#: bf16 has to be this much faster than float32 to be taken.
WORTH = 1.3

_measuring = threading.Lock()


def autocast(precision: str, device: str) -> Any:
    """The context for a network's passes; precision is auto, float32 or bf16."""
    wanted = precision == "bf16" or (precision == "auto" and bf16_is_faster(device))
    return torch.autocast(device, torch.bfloat16, enabled=wanted)


def bf16_is_faster(device: str) -> bool:
    """Whether a dense convolution with its gradients takes less time in bf16; measured once in a process.

    CPUs with AMX are up to 4.6 times faster in it; those without any unit for it compute it, slowly, all the same.
    """
    # it sets the threads of the process and its random state for a moment: one caller at a time
    with _measuring:
        return _measured(device)


@cache
def _measured(device: str) -> bool:
    if device == "cuda":
        return torch.cuda.is_bf16_supported()
    # on one thread: whether units are there is asked, and other processes are disturbed the least
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(), torch.inference_mode(False), torch.enable_grad():
            times = {dtype: min(_step(dtype) for _ in range(3)) for dtype in (torch.float32, torch.bfloat16)}
    finally:
        torch.set_num_threads(threads)
    return times[torch.float32] > WORTH * times[torch.bfloat16]


def _step(dtype: torch.dtype) -> float:
    x = (
        torch.randn(16, 64, 16, 16, dtype=dtype)
        .contiguous(memory_format=torch.channels_last)
        .requires_grad_()
    )
    w = torch.randn(64, 64, 3, 3, dtype=dtype).contiguous(memory_format=torch.channels_last).requires_grad_()
    begin = time.perf_counter()
    functional.conv2d(x, w, padding=1).sum().backward()
    return time.perf_counter() - begin
