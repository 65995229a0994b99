"""Tuning a learning rate on a logarithmic grid."""

import dataclasses
import math

from l2l_tf.core.checks import check_choice
from l2l_tf.core.config import Configured, integer, number

CRITERIA = {"train_loss": "train", "held_out_loss": "validation"}


class Grid(Configured):
    """Learning rates `10^(k / per_decade)` from `low` to `high`; `help` says what fields mean.

    Raises:
        ValueError: If a number is out of range.
    """

    low: float = number(1e-7, above=0, flag="grid_low", help="Smallest learning rate.")
    high: float = number(1.0, above=0, flag="grid_high", help="Largest learning rate.")
    per_decade: int = integer(
        2, min=1, flag="grid_per_decade", help="Learning rates per factor of ten."
    )
    extend: int = integer(
        8,
        flag="grid_extend",
        help="Most rates added at either end of the grid while the best one lies there.",
    )

    def __post_init__(self):
        super().__post_init__()
        if self.low > self.high:
            raise ValueError(
                "A grid runs from `low` up to `high`. "
                f"Received: low={self.low!r}, high={self.high!r}"
            )

    def indices(self) -> list[int]:
        """The integers k of the grid, increasing."""
        first, last = (round(math.log10(end) * self.per_decade) for end in (self.low, self.high))
        return list(range(first, last + 1))

    def rate(self, index: int) -> float:
        """The learning rate of one index k."""
        return float(f"{10 ** (index / self.per_decade):.6g}")


@dataclasses.dataclass(frozen=True)
class Tuning:
    """What tuning found.

    Attributes:
        rate: The best learning rate.
        inside: Whether worse rates were tried on both sides of it.
        losses: Dict learning rate → mean over the seeds of the final loss.
    """

    rate: float
    inside: bool
    losses: dict


def tune(finished, grid, seeds, criterion="train_loss", progress=lambda: None):
    """The learning rate with the lowest mean final loss; runs that diverge count as infinite.

    The grid is extended, up to `grid.extend` rates at either end, while the best rate is
    at its edge.

    Args:
        finished: `FinishedRuns` of the runner.
        grid: `Grid`.
        seeds: Number of seeds per rate, none of them among the reported ones.
        criterion: "train_loss", or "held_out_loss": on the validation split, so that the
            test split stays unseen.
        progress: Called after each run.

    Returns:
        A `Tuning`.

    Raises:
        ValueError: If the criterion is unknown, or the task has no such loss.
    """
    check_choice("criterion", criterion, CRITERIA)
    problem, split = finished.runner.problem, CRITERIA[criterion]
    if criterion == "held_out_loss" and not problem.has_data:
        raise ValueError(f"A task without data has no held-out loss. Received: {problem.task!r}")
    return search(grid, lambda rate, seed: finished.final_loss(rate, seed, split), seeds, progress)


def search(grid, loss_of, seeds, progress=lambda: None):
    """The grid's learning rate with the lowest mean loss; see `tune`.

    Args:
        grid: `Grid`.
        loss_of: `loss_of(rate, seed)` → float, infinite after a run that diverged.
        seeds: Number of seeds per rate.
        progress: Called after each run.

    Returns:
        A `Tuning`.
    """
    losses = {}

    def try_index(index):
        total = 0.0
        for seed in range(seeds):
            total += loss_of(grid.rate(index), seed)
            progress()
        losses[index] = total / seeds

    for index in grid.indices():
        try_index(index)
    for _ in range(2 * grid.extend):
        best, low, high = min(losses, key=losses.get), min(losses), max(losses)
        first, last = grid.indices()[0], grid.indices()[-1]
        if best == low and first - low < grid.extend:
            try_index(low - 1)
        elif best == high and high - last < grid.extend:
            try_index(high + 1)
        else:
            break
    best = min(losses, key=losses.get)
    return Tuning(
        rate=grid.rate(best),
        inside=min(losses) < best < max(losses) and math.isfinite(losses[best]),
        losses={grid.rate(i): losses[i] for i in sorted(losses)},
    )
