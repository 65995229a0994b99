"""Medians of interleaved repeats by either clock, and peaks of memory."""

import ctypes
import gc
import pathlib
import time

import tensorflow as tf

from l2l_tf.core import timing

_clock = time.perf_counter


def use_one_core():
    """Compute on one thread and count processor time, which other processes disturb less.

    To be called before TensorFlow computes anything.
    """
    global _clock
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    _clock = time.process_time


def interleaved(candidates, repeats=5, min_seconds=0.05):
    """`l2l_tf.core.timing.interleaved` by the clock that was chosen."""
    return timing.interleaved(candidates, repeats, min_seconds, _clock)


def peak_bytes(call):
    """How far a call raises the memory of the process above what it held before, at most.

    Small blocks may come from what the process holds already: only large sizes tell. Where
    TensorFlow keeps what is freed for itself, as with oneDNN, its own account of it counts too.
    None where the system does not say (other than Linux).
    """
    gc.collect()
    # Freed blocks go back to the system, or a call would take them unseen.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    status, reset = pathlib.Path("/proc/self/status"), pathlib.Path("/proc/self/clear_refs")
    if not reset.exists():
        return None
    reset.write_text("5")
    before, allocated = _kilobytes(status, "VmRSS"), _allocated("current")
    call()
    risen = 1024 * (_kilobytes(status, "VmHWM") - before)
    return max(0, risen, _allocated("peak") - allocated)


def _allocated(which):
    """Bytes that TensorFlow has allocated now, or had at most since it was last asked for now."""
    memory = tf.config.experimental
    try:
        if which == "current":
            memory.reset_memory_stats("CPU:0")
        return memory.get_memory_info("CPU:0")[which]
    except ValueError:  # An allocator that keeps no account, and nothing that is freed either.
        return 0


def _kilobytes(status, key):
    line = next(row for row in status.read_text().splitlines() if row.startswith(key))
    return int(line.split()[1])
