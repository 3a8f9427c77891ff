"""What the C library does with the memory of a step: kept for the next one."""

from __future__ import annotations

import ctypes
import platform
from functools import cache

#: Of glibc's malloc.h: mallopt's names for its thresholds.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
#: Bytes. Blocks up to the first come from the heap: glibc takes no more than 32 MiB. The heap's end is given back from
#: the second on, the most that an int holds.
FROM_HEAP, KEPT = 32 * 2**20, 2**31 - 1


@cache
def keep_freed_memory() -> bool:
    """Tells glibc to keep freed memory for the next step; True where it could be told. Once a process, to its end.

    By default activations of some MiB are handed back to the system and fetched again at every step, page by page:
    20,000 page faults a step, up to 13 % of its time (experiments/training_speed.py). The peak is about the same, but
    what was needed once stays with the process. Elsewhere than on glibc nothing is done.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    mallopt.argtypes, mallopt.restype = [ctypes.c_int, ctypes.c_int], ctypes.c_int
    return bool(mallopt(M_MMAP_THRESHOLD, FROM_HEAP)) and bool(mallopt(M_TRIM_THRESHOLD, KEPT))
