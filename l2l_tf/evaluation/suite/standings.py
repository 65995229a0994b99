"""What the suite's results say about each contender; pure arithmetic on `Results`."""

import dataclasses
import math
from typing import NamedTuple

import numpy as np

from l2l_tf.evaluation.baselines import REFERENCE
from l2l_tf.evaluation.curves import NOT_REACHED, anytime, geometric_mean, time_to_target
from l2l_tf.evaluation.results import Results

SCHEDULED = "adamw_cosine"
UNTUNED = "adam_default"

# How much above Adam(1e-3)'s a train loss may be to count as no worse.
NO_WORSE = 1.02


@dataclasses.dataclass(frozen=True)
class TaskStanding:
    """One contender on one task; medians over seeds.

    Attributes:
        task: The task's name.
        optimizer: The contender's name.
        train_loss: Final train loss.
        speed_up: See `speed_up`, over tuned Adam.
        anytime: See `curves.anytime`, against tuned Adam.
        scheduled_speed_up: See `curves.time_to_target`, to the final train loss of tuned AdamW with
            cosine decay; None if never, or if that is no contender.
        held_out_loss: Final held-out loss.
        best_held_out_loss: The lowest held-out loss along each run.
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
    anytime: float
    scheduled_speed_up: float | None
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
        worst_ratio: The highest of these.
        diverged: Runs that diverged.
        runs: All runs.
        accuracy_worse: Tasks on which held-out accuracy is worse; see `accuracy_margin`.
        held_out_ratio: Median over tasks of final held-out loss / tuned Adam's.
        best_held_out_ratio: The same of the lowest held-out losses along the runs.
        anytime: Mean over tasks; see `curves.anytime`.
        anytime_ahead: Share of the tasks on which it is below 0.
        against_best: `AgainstBest`; None unless both are contenders.
        no_worse: Share of the tasks with a final train loss at or below `NO_WORSE` times that of
            Adam at 0.001; None unless that is a contender.
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
    anytime: float
    anytime_ahead: float
    against_best: "AgainstBest | None"
    no_worse: float | None


@dataclasses.dataclass(frozen=True)
class AgainstBest:
    """One contender against the better of tuned Adam and tuned AdamW with cosine decay.

    Attributes:
        share: Share of the tasks with a final train loss at or below the lower of theirs.
        held_out_ratio: Median over tasks of final held-out loss / the lower of theirs.
        speed_up: Geometric mean over tasks of the speed-up to the final loss of AdamW with cosine
            decay; `curves.NOT_REACHED` where it is never reached.
        reached: Share of the tasks on which it is.
    """

    share: float
    held_out_ratio: float
    speed_up: float
    reached: float


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


def task_standings(results: Results) -> list[TaskStanding]:
    """List of `TaskStanding`, task by task in the order of the results."""
    found = []
    for task in results.tasks:
        rows = results.settings["tasks"][task]["held_out_rows"]
        reference = _accuracies(results, task, REFERENCE)
        adam = results.curve(task, REFERENCE, "train_loss")[2]
        here = [contestant for contestant in results.contestants if contestant.task == task]
        scheduled = None
        if any(contestant.optimizer == SCHEDULED for contestant in here):
            scheduled = results.curve(task, SCHEDULED, "train_loss")[2][-1]
        for contestant in here:
            found.append(_task_standing(results, contestant, adam, scheduled, reference, rows))
    return found


def _task_standing(results, contestant, adam, scheduled, reference, rows):
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
        speed_up=speed_up(steps, losses, adam[-1]),
        anytime=anytime(steps, losses, adam),
        scheduled_speed_up=(
            None if scheduled is None else time_to_target(steps, losses, scheduled)
        ),
        held_out_loss=float(np.median([run[-1].held_out_loss for run in runs])),
        best_held_out_loss=float(np.median([min(r.held_out_loss for r in run) for run in runs])),
        held_out_accuracy=None if mine is None else float(np.mean(mine)),
        accuracy_worse=bool(worse),
        diverged=diverged(runs),
        runs=len(runs),
        seconds_per_step=float(seconds[-1] / steps[-1]),
    )


class Ranking(NamedTuple):
    """What tables and pictures of a suite are made of.

    Attributes:
        results: `Results`.
        by_task: List of `TaskStanding`.
        overall: List of `Standing`, the highest speed-up first.
    """

    results: Results
    by_task: list
    overall: list


def ranked(results: Results) -> Ranking:
    """The `Ranking` of a suite's results."""
    by_task = task_standings(results)
    return Ranking(results, by_task, standings(results, by_task))


def standings(results: Results, rows: list[TaskStanding]) -> list[Standing]:
    """List of `Standing`, the highest speed-up first.

    Args:
        results: `Results`.
        rows: Its `task_standings`.
    """
    by_name = {}
    for row in rows:
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
        anytime=float(np.mean([row.anytime for row in rows.values()])),
        anytime_ahead=float(np.mean([row.anytime < 0 for row in rows.values()])),
        against_best=_against_best(rows, by_name) if SCHEDULED in by_name else None,
        no_worse=_no_worse(rows, by_name[UNTUNED]) if UNTUNED in by_name else None,
    )


def _against_best(rows, by_name):
    def best(task, field):
        return min(getattr(by_name[name][task], field) for name in (REFERENCE, SCHEDULED))

    times = [row.scheduled_speed_up for row in rows.values()]
    outside = [_ratio(r.held_out_loss, best(t, "held_out_loss")) for t, r in rows.items()]
    return AgainstBest(
        share=float(np.mean([r.train_loss <= best(t, "train_loss") for t, r in rows.items()])),
        held_out_ratio=float(np.median(outside)),
        speed_up=geometric_mean([NOT_REACHED if time is None else time for time in times]),
        reached=float(np.mean([time is not None for time in times])),
    )


def _no_worse(rows, untuned):
    return float(
        np.mean([r.train_loss <= NO_WORSE * untuned[t].train_loss for t, r in rows.items()])
    )


def _ratio(mine, theirs):
    # Losses of exactly zero happen where classes are separable.
    tiny = 1e-30
    return (mine + tiny) / (theirs + tiny)


def _accuracies(results, task, optimizer):
    values = [run[-1].held_out_accuracy for run in results.runs(task, optimizer).values()]
    return None if any(value is None for value in values) else values
