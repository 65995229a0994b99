"""What the suite's results say about each contender; pure arithmetic on `Results`."""

import dataclasses
import math

import numpy as np

REFERENCE = "adam"
UNTUNED = "adam_default"


@dataclasses.dataclass(frozen=True)
class TaskStanding:
    """One contender on one task; medians over seeds.

    Attributes:
        task: The task's name.
        optimizer: The contender's name.
        train_loss: Final train loss.
        speed_up: See `speed_up`, over tuned Adam.
        held_out_loss: Final held-out loss.
        best_held_out_loss: The least held-out loss along each run.
        held_out_accuracy: Final held-out accuracy, mean over seeds; None if there is none.
        accuracy_worse: Whether it is below tuned Adam's by more than `accuracy_margin`.
        diverged: Runs that were not finite once or ended above their start.
        runs: Number of runs.
        seconds_per_step: Time of a step; on this machine, as loaded as it was.
    """

    task: str
    optimizer: str
    train_loss: float
    speed_up: float
    held_out_loss: float
    best_held_out_loss: float
    held_out_accuracy: float | None
    accuracy_worse: bool
    diverged: int
    runs: int
    seconds_per_step: float


@dataclasses.dataclass(frozen=True)
class Standing:
    """One contender over all tasks.

    Attributes:
        optimizer: The contender's name.
        learned: Whether its rule was learned.
        speed_up: Interquartile mean over tasks of the speed-up over tuned Adam.
        median_speed_up: Median over tasks.
        won: Dict other contender → share of the tasks with a lower final train loss.
        loss_ratio: Geometric mean over tasks of final train loss / tuned Adam's.
        worst_ratio: The greatest of these.
        diverged: Runs that diverged.
        runs: All runs.
        accuracy_worse: Tasks on which held-out accuracy is worse; see `accuracy_margin`.
        held_out_ratio: Median over tasks of final held-out loss / tuned Adam's.
        best_held_out_ratio: The same of the least held-out losses along the runs.
    """

    optimizer: str
    learned: bool
    speed_up: float
    median_speed_up: float
    won: dict
    loss_ratio: float
    worst_ratio: float
    diverged: int
    runs: int
    accuracy_worse: list
    held_out_ratio: float
    best_held_out_ratio: float


def interquartile_mean(values):
    """Mean without the lowest and the highest quarter (rounded down) of the values."""
    ordered = sorted(values)
    cut = len(ordered) // 4
    return float(np.mean(ordered[cut : len(ordered) - cut]))


def speed_up(steps, losses, target):
    """N / the first recorded step after the start whose loss is at or below `target`; else 0.

    Args:
        steps: Increasing steps, the first of them 0, the last N.
        losses: Median train loss at each.
        target: Tuned Adam's final median train loss.
    """
    for step, loss in zip(steps[1:], losses[1:], strict=True):
        if loss <= target:
            return float(steps[-1] / step)
    return 0.0


def accuracy_margin(mine, others, rows):
    """How much lower an accuracy may be: one point or two standard errors, the greater.

    The standard error of the difference has the variance between seeds of both, and that of
    the rows, `a(1 − a) / rows` each.

    Args:
        mine: Final accuracies, one per seed.
        others: Tuned Adam's.
        rows: Number of held-out rows.
    """
    variance = 0.0
    for values in (mine, others):
        mean = np.mean(values)
        if len(values) > 1:
            variance += np.var(values, ddof=1) / len(values)
        variance += mean * (1 - mean) / rows
    return max(0.01, 2 * math.sqrt(variance))


def diverged(runs):
    """Number of runs that were not finite once, or ended above where they started."""
    return sum(
        not all(math.isfinite(r.train_loss) for r in run) or run[-1].train_loss > run[0].train_loss
        for run in runs
    )


def task_standings(results):
    """List of `TaskStanding`, task by task in the order of the results."""
    found = []
    for task in results.tasks:
        rows = results.settings["tasks"][task]["held_out_rows"]
        reference = _accuracies(results, task, REFERENCE)
        target = results.curve(task, REFERENCE, "train_loss")[2][-1]
        for contestant in results.contestants:
            if contestant.task == task:
                found.append(_task_standing(results, contestant, target, reference, rows))
    return found


def _task_standing(results, contestant, target, reference, rows):
    task, name = contestant.task, contestant.optimizer
    runs = list(results.runs(task, name).values())
    steps, seconds, losses, *_ = results.curve(task, name, "train_loss")
    mine = _accuracies(results, task, name)
    worse = False
    if mine is not None:
        worse = np.mean(mine) < np.mean(reference) - accuracy_margin(mine, reference, rows)
    return TaskStanding(
        task=task,
        optimizer=name,
        train_loss=float(losses[-1]),
        speed_up=speed_up(steps, losses, target),
        held_out_loss=float(np.median([run[-1].held_out_loss for run in runs])),
        best_held_out_loss=float(np.median([min(r.held_out_loss for r in run) for run in runs])),
        held_out_accuracy=None if mine is None else float(np.mean(mine)),
        accuracy_worse=bool(worse),
        diverged=diverged(runs),
        runs=len(runs),
        seconds_per_step=float(seconds[-1] / steps[-1]),
    )


def standings(results):
    """List of `Standing`, the greatest speed-up first."""
    by_name = {}
    for row in task_standings(results):
        by_name.setdefault(row.optimizer, {})[row.task] = row
    learned = {c.optimizer: c.learned for c in results.contestants}
    found = [_standing(name, rows, by_name, learned[name]) for name, rows in by_name.items()]
    return sorted(found, key=lambda s: (-s.speed_up, s.loss_ratio))


def _standing(name, rows, by_name, learned):
    reference = by_name[REFERENCE]
    speed_ups = [row.speed_up for row in rows.values()]

    def ratios(field):
        return [_ratio(getattr(r, field), getattr(reference[t], field)) for t, r in rows.items()]

    losses = ratios("train_loss")
    return Standing(
        optimizer=name,
        learned=learned,
        speed_up=interquartile_mean(speed_ups),
        median_speed_up=float(np.median(speed_ups)),
        won={
            other: float(np.mean([r.train_loss < theirs[t].train_loss for t, r in rows.items()]))
            for other, theirs in by_name.items()
            if other != name
        },
        loss_ratio=float(np.exp(np.mean(np.log(losses)))),
        worst_ratio=max(losses),
        diverged=sum(row.diverged for row in rows.values()),
        runs=sum(row.runs for row in rows.values()),
        accuracy_worse=[task for task, row in rows.items() if row.accuracy_worse],
        held_out_ratio=float(np.median(ratios("held_out_loss"))),
        best_held_out_ratio=float(np.median(ratios("best_held_out_loss"))),
    )


def _ratio(mine, theirs):
    # Losses of exactly zero happen where classes are separable.
    tiny = 1e-30
    return (mine + tiny) / (theirs + tiny)


def _accuracies(results, task, optimizer):
    values = [run[-1].held_out_accuracy for run in results.runs(task, optimizer).values()]
    return None if any(value is None for value in values) else values
