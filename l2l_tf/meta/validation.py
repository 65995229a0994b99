"""How good a rule is on tasks that it is not meta-trained on."""

import tensorflow as tf

from l2l_tf.meta.batches import measured_batches
from l2l_tf.meta.unroll import begin, unroll


def validation_losses(rule, task, seed, num_tasks, steps, meta_loss_split="same"):
    """Losses `[steps, num_tasks]` float32 of fresh optimizees, without any meta-gradient.

    Args: those of `validation_run`.
    """
    run = validation_run(rule, task, seed, num_tasks, steps, meta_loss_split)
    return run_losses(rule, task, *run, steps)


def validation_run(rule, task, seed, num_tasks, steps, meta_loss_split="same"):
    """Fresh optimizees and the batches of their run.

    Args:
        rule: `UpdateRule`.
        task: `Task`.
        seed: int32 `[2]`; the same seed gives the same optimizees and batches.
        num_tasks: Number of optimizees.
        steps: Length of the run, int.
        meta_loss_split: Where losses are measured, as estimators say it.

    Returns:
        `(trajectory, train batches, meta batches)`, for `run_losses`.
    """
    trajectory = begin(rule, task, seed, num_tasks)
    drawn = measured_batches(task, trajectory.seed, num_tasks, 0, steps, meta_loss_split)
    return trajectory, *drawn


def run_losses(rule, task, trajectory, train_batches, meta_batches, steps, known_horizon=True):
    """Losses `[steps, num_tasks]` of what `validation_run` gave.

    `known_horizon`: whether the rule knows `steps`.
    """
    length = float(steps if known_horizon else "nan")
    losses, _ = unroll(rule, task, trajectory, train_batches, meta_batches, 0, length, steps)
    return losses


def validation_score(losses, weights):
    """One number from `[steps, num_tasks]` losses, lower is better; infinite if one is not finite.

    The mean over optimizees of the log of the mean loss along the run, weighted by `weights`
    `[steps]`, those of the meta-loss.
    """
    weights = tf.cast(weights / tf.reduce_sum(weights), losses.dtype)
    mean = tf.reduce_sum(weights[:, None] * losses, axis=0)
    score = tf.reduce_mean(tf.math.log(mean + 1e-20))
    finite = tf.reduce_all(tf.math.is_finite(losses))
    return tf.where(finite, score, tf.constant(float("inf")))
