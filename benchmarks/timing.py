"""Medians of interleaved repeats, and peaks of memory."""

import gc
import pathlib
import statistics
import time


def interleaved(candidates, repeats=5, least_seconds=0.05):
    """Median time of a call of each candidate, all of them in turn in every repeat.

    What disturbs the machine for a while then disturbs all candidates alike.

    Args:
        candidates: Dict name → function without arguments that returns when it is done.
        repeats: Rounds.
        least_seconds: Each candidate is called so often per round that it takes this long.

    Returns:
        Dict name → seconds per call.
    """
    numbers = {}
    for name, call in candidates.items():
        call()
        started = time.perf_counter()
        call()
        numbers[name] = max(1, int(least_seconds / (time.perf_counter() - started)))
    times = {name: [] for name in candidates}
    for _ in range(repeats):
        for name, call in candidates.items():
            started = time.perf_counter()
            for _ in range(numbers[name]):
                call()
            times[name].append((time.perf_counter() - started) / numbers[name])
    return {name: statistics.median(values) for name, values in times.items()}


def peak_bytes(call):
    """How far a call raises the memory of the process above what it held before, at most.

    Small blocks may come from what the process holds already: only large sizes tell.
    None where the system does not say (other than Linux).
    """
    gc.collect()
    status, reset = pathlib.Path("/proc/self/status"), pathlib.Path("/proc/self/clear_refs")
    if not reset.exists():
        return None
    reset.write_text("5")
    before = _kilobytes(status, "VmRSS")
    call()
    return 1024 * max(0, _kilobytes(status, "VmHWM") - before)


def _kilobytes(status, key):
    line = next(row for row in status.read_text().splitlines() if row.startswith(key))
    return int(line.split()[1])
