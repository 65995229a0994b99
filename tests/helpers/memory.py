"""What a process has allocated, to the byte: what stays behind shows after a few hundred steps."""

import ctypes
import gc
import itertools
import statistics

import pytest


class _Allocated(ctypes.Structure):
    """What glibc's `mallinfo2` returns."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    ]


def allocated():
    """Bytes that are allocated and not freed, without Python's small objects; glibc alone knows."""
    try:
        mallinfo = ctypes.CDLL(None).mallinfo2
    except (AttributeError, OSError):
        pytest.skip("the C library does not tell what is allocated")
    mallinfo.restype = _Allocated
    gc.collect()
    found = mallinfo()
    return found.uordblks + found.hblkhd


def kept_of_each(take, times):
    """Bytes that stay allocated of each call of a function.

    Args:
        take: Function of the number of the call.
        times: Calls between readings, five times as many in all.
    """
    readings = []
    for number in range(5 * times):
        take(number)
        if number % times == times - 1:
            readings.append(allocated())
    return usual(readings) / times


def usual(readings):
    """The median of what came from one reading to the next: what comes or goes once is no leak."""
    return statistics.median(after - before for before, after in itertools.pairwise(readings))
