"""How good a rule is on tasks that it is not meta-trained on."""

import tensorflow as tf

from l2l_tf.meta.unroll import batches, begin, unroll


def validation_losses(rule, task, seed, count, steps):
    """Losses of fresh optimizees under a rule, without any meta-gradient.

    Args:
        rule: `UpdateRule`.
        task: `Task`.
        seed: int32 `[2]`; the same seed gives the same optimizees and batches.
        count: Number of optimizees.
        steps: Length of the run, int.

    Returns:
        `[steps, count]` float32.
    """
    return run_losses(rule, task, *validation_run(rule, task, seed, count, steps), steps)


def validation_run(rule, task, seed, count, steps):
    """Fresh optimizees and their batches: `(trajectory, batches)`; see `validation_losses`."""
    trajectory = begin(rule, task, seed, count)
    return trajectory, batches(task, trajectory.seed, count, 0, steps + 1)


def run_losses(rule, task, trajectory, drawn, steps):
    """Losses `[steps, count]` of what `validation_run` gave."""
    losses, _ = unroll(rule, task, trajectory, drawn, None, 0, float(steps), steps)
    return losses


def validation_score(losses):
    """One number from `[steps, count]` losses: the mean over optimizees of the log of the
    mean loss along the run. Lower is better; infinite where a loss is not finite."""
    mean = tf.reduce_mean(losses, axis=0)
    score = tf.reduce_mean(tf.math.log(mean + 1e-20))
    finite = tf.reduce_all(tf.math.is_finite(losses))
    return tf.where(finite, score, tf.constant(float("inf")))
