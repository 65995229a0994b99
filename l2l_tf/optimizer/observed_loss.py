"""The loss that a rule sees: noted at `scale_loss`, counted once, then forgotten."""

import numpy as np
from keras import ops


def noted(loss, before, calls, accumulation):
    """What is to be remembered of a loss, a float32 scalar.

    Under gradient accumulation the mean over the accumulated steps counts. One that is NaN or
    infinite, whose step is skipped, counts as the mean of those before it in its window, or where
    there is none as the first that follows.

    Args:
        loss: Tensor; its mean is taken.
        before: What was remembered, scalar.
        calls: Number of `apply` calls so far, scalar.
        accumulation: Accumulated steps per update, or None.
    """
    loss = ops.mean(ops.cast(loss, "float32"))
    if not accumulation:
        return loss
    steps = float(accumulation)
    place = ops.cast(ops.mod(calls, accumulation), "float32")
    before = ops.where(_between_updates(calls, accumulation), _unknown(), before)
    loss = ops.where(ops.isfinite(loss), loss, before * steps / ops.maximum(place, 1.0))
    return ops.where(ops.isfinite(before), before, loss * place / steps) + loss / steps


def left(before, calls, accumulation):
    """What remains of a loss after an `apply`: nothing (NaN), but within an accumulation.

    Args:
        before: What was remembered, scalar.
        calls: Number of `apply` calls so far, scalar.
        accumulation: Accumulated steps per update, or None.
    """
    if not accumulation:
        return _unknown()
    return ops.where(_between_updates(calls, accumulation), _unknown(), before)


def _unknown():
    return ops.convert_to_tensor(np.nan, "float32")


def _between_updates(calls, accumulation):
    return ops.equal(ops.mod(calls, accumulation), 0)
