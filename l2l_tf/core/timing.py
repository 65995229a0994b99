"""Medians of interleaved repeats."""

import statistics
import time
from collections.abc import Callable, Hashable, Mapping


def interleaved(
    candidates: Mapping[Hashable, Callable],
    repeats: int = 5,
    min_seconds: float = 0.05,
    clock: Callable[[], float] = time.perf_counter,
) -> dict:
    """Median time of a call of each candidate, all of them in turn in every repeat.

    What disturbs the machine for a while then disturbs all candidates alike.

    Args:
        candidates: Dict name → function without arguments that returns when it is done.
        repeats: Rounds.
        min_seconds: Each candidate is called so often per round that it takes this long.
        clock: Function without arguments → seconds.

    Returns:
        Dict name → seconds per call.
    """
    numbers = {}
    for name, call in candidates.items():
        call()
        started = clock()
        call()
        numbers[name] = max(1, int(min_seconds / max(clock() - started, 1e-6)))
    times = {name: [] for name in candidates}
    for _ in range(repeats):
        for name, call in candidates.items():
            started = clock()
            for _ in range(numbers[name]):
                call()
            times[name].append((clock() - started) / numbers[name])
    return {name: statistics.median(values) for name, values in times.items()}
