"""The loss that a rule sees: noted at `scale_loss`, counted once, then forgotten."""

import numpy as np
from keras import ops


def noted(loss, before, calls, accumulation):
    """What is to be remembered of a loss, a float32 scalar.

    Under gradient accumulation the mean over the accumulated steps counts.

    Args:
        loss: Tensor; its mean is taken.
        before: What was remembered, scalar.
        calls: Number of `apply` calls so far, scalar.
        accumulation: Accumulated steps per update, or None.
    """
    loss = ops.mean(ops.cast(loss, "float32"))
    if not accumulation:
        return loss
    loss = loss / float(accumulation)
    return ops.where(_between_updates(calls, accumulation), loss, before + loss)


def left(before, calls, accumulation):
    """What remains of a loss after an `apply`: nothing (NaN), but within an accumulation.

    Args:
        before: What was remembered, scalar.
        calls: Number of `apply` calls so far, scalar.
        accumulation: Accumulated steps per update, or None.
    """
    unknown = ops.convert_to_tensor(np.nan, "float32")
    if not accumulation:
        return unknown
    return ops.where(_between_updates(calls, accumulation), unknown, before)


def _between_updates(calls, accumulation):
    return ops.equal(ops.mod(calls, accumulation), 0)
