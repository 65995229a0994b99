"""When a dearer step pays back, by curves that an evaluation has recorded."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from l2l_tf.evaluation.baselines import REFERENCE
from l2l_tf.evaluation.curves import ahead_from, step_at_target


@dataclasses.dataclass(frozen=True)
class PayBack:
    """One optimizer on one task, beside tuned Adam; None: it never gets there.

    Medians over seeds; seconds are those of steps, without compilation. Between records, steps and
    seconds are interpolated.

    Attributes:
        task: The task as text.
        optimizer: Name of the contender.
        seconds_per_step: Time of a step.
        break_even: The same / tuned Adam's: the speed-up in steps from which on the optimizer is
            quicker in seconds.
        steps: Steps to tuned Adam's final train loss.
        seconds: Seconds to it.
        speed_up: Steps of tuned Adam's run / `steps`.
        speed_up_in_seconds: Seconds of tuned Adam's run / `seconds`.
        ahead_from: Second from which on the train loss is at or below tuned Adam's at the same
            second, as long as both run.
    """

    task: str
    optimizer: str
    seconds_per_step: float
    break_even: float
    steps: float | None
    seconds: float | None
    speed_up: float | None
    speed_up_in_seconds: float | None
    ahead_from: float | None


def pay_back(results: Any, task: str) -> list[PayBack]:
    """A `PayBack` of every optimizer on a task, the quickest in seconds first.

    Args:
        results: `Results`; nothing is run again.
        task: The task as text.

    Raises:
        ValueError: If there is no such task, or tuned Adam was not on it.
    """
    names = [row.contestant.optimizer for row in results.summary(task)]
    if REFERENCE not in names:
        raise ValueError(
            f"What a step costs is told beside tuned {REFERENCE}, which is among the optimizers. "
            f"Received: {names} on {task}"
        )
    curves = {name: results.curve(task, name, "train_loss")[:3] for name in names}
    found = [_pay_back(task, name, curves[name], curves[REFERENCE]) for name in names]
    return sorted(found, key=lambda row: -(row.speed_up_in_seconds or 0.0))


def _pay_back(task, name, curve, reference):
    (steps, seconds, losses), (their_steps, their_seconds, theirs) = curve, reference
    step = step_at_target(steps, losses, theirs[-1]) if math.isfinite(theirs[-1]) else None
    second = None if step is None else float(np.interp(step, steps, seconds))
    per_step, their_per_step = seconds[-1] / steps[-1], their_seconds[-1] / their_steps[-1]
    return PayBack(
        task=task,
        optimizer=name,
        seconds_per_step=float(per_step),
        break_even=float(per_step / their_per_step),
        steps=step,
        seconds=second,
        speed_up=None if step is None else float(their_steps[-1] / step),
        speed_up_in_seconds=None if step is None else float(their_seconds[-1] / second),
        ahead_from=ahead_from(seconds, losses, their_seconds, theirs),
    )


def over_tasks(rows: Sequence[PayBack]) -> tuple[list[str], list[list[str]]]:
    """Medians over tasks; what is never reached counts as a speed-up of 0.

    Args:
        rows: Of several tasks.

    Returns:
        `(head, rows)`: names of columns, and a list of cells per optimizer, the quickest first.
    """
    head = [
        "optimizer", "× Adam's = break-even", "speed-up in steps", "in seconds", "quicker on"
    ]  # fmt: skip
    by_name = {}
    for row in rows:
        by_name.setdefault(row.optimizer, []).append(row)
    found = []
    for name, own in by_name.items():
        in_seconds = [row.speed_up_in_seconds or 0.0 for row in own]
        medians = [
            float(np.median([row.break_even for row in own])),
            float(np.median([row.speed_up or 0.0 for row in own])),
            float(np.median(in_seconds)),
        ]
        quicker = f"{sum(value > 1 for value in in_seconds)} of {len(own)}"
        found.append((medians[-1], [name, *(f"{m:.2f}" for m in medians), quicker]))
    return head, [cells for _, cells in sorted(found, key=lambda pair: -pair[0])]
