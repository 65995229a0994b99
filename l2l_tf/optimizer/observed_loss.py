"""The loss that a rule sees: noted at `scale_loss`, counted once, then forgotten."""

import numpy as np
import tensorflow as tf


def noted(loss, before, calls, accumulation):
    """What is to be remembered of a loss, a float32 scalar.

    Under gradient accumulation the mean over the accumulated steps counts.

    Args:
        loss: Tensor; its mean is taken.
        before: What was remembered, scalar.
        calls: Number of `apply` calls so far, scalar.
        accumulation: Accumulated steps per update, or None.
    """
    loss = tf.cast(tf.reduce_mean(tf.cast(loss, tf.float32)), tf.float32)
    if not accumulation:
        return loss
    loss = loss / float(accumulation)
    return tf.where(_between_updates(calls, accumulation), loss, before + loss)


def left(before, calls, accumulation):
    """What remains of a loss after an `apply`: nothing (NaN), but within an accumulation.

    Args:
        before: What was remembered, scalar.
        calls: Number of `apply` calls so far, scalar.
        accumulation: Accumulated steps per update, or None.
    """
    unknown = tf.constant(np.nan, tf.float32)
    if not accumulation:
        return unknown
    return tf.where(_between_updates(calls, accumulation), unknown, before)


def _between_updates(calls, accumulation):
    return tf.equal(tf.math.floormod(calls, accumulation), 0)
