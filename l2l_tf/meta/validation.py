"""How good a rule is on tasks that it is not meta-trained on."""

import tensorflow as tf

from l2l_tf.meta.batches import measured_batches
from l2l_tf.meta.unroll import begin, unroll


def validation_losses(rule, task, seed, count, steps, meta_batch="same"):
    """Losses `[steps, count]` float32 of fresh optimizees, without any meta-gradient.

    Args: those of `validation_run`.
    """
    run = validation_run(rule, task, seed, count, steps, meta_batch)
    return run_losses(rule, task, *run, steps)


def validation_run(rule, task, seed, count, steps, meta_batch="same"):
    """Fresh optimizees and the batches of their run.

    Args:
        rule: `UpdateRule`.
        task: `Task`.
        seed: int32 `[2]`; the same seed gives the same optimizees and batches.
        count: Number of optimizees.
        steps: Length of the run, int.
        meta_batch: Where losses are measured, as estimators say it.

    Returns:
        `(trajectory, train batches, meta batches)`, for `run_losses`.
    """
    trajectory = begin(rule, task, seed, count)
    drawn = measured_batches(task, trajectory.seed, count, 0, steps, meta_batch)
    return trajectory, *drawn


def run_losses(rule, task, trajectory, train_batches, meta_batches, steps, told=True):
    """Losses `[steps, count]` of what `validation_run` gave; `told`: the rule knows `steps`."""
    length = float(steps if told else "nan")
    losses, _ = unroll(rule, task, trajectory, train_batches, meta_batches, 0, length, steps)
    return losses


def validation_score(losses, weights):
    """One number from `[steps, count]` losses, lower is better; infinite where one is not finite.

    The mean over optimizees of the log of the mean loss along the run, weighted by `weights`
    `[steps]`, those of the meta-loss.
    """
    weights = tf.cast(weights / tf.reduce_sum(weights), losses.dtype)
    mean = tf.reduce_sum(weights[:, None] * losses, axis=0)
    score = tf.reduce_mean(tf.math.log(mean + 1e-20))
    finite = tf.reduce_all(tf.math.is_finite(losses))
    return tf.where(finite, score, tf.constant(float("inf")))
