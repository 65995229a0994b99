"""Plain gradient descent on a task."""

import tensorflow as tf

from l2l_tf import tasks


def descend(task, split, steps=30, rate=0.1):
    """Losses on a whole split before each step, and the gradients at the last.

    Args:
        task: `tasks.Task`.
        split: Name of the split.
        steps: Number of steps.
        rate: What gradients are multiplied by.
    """
    params, state = task.init(tasks.as_seed(0))
    batch, losses = task.full_batch(split), []
    for _ in range(steps):
        with tf.GradientTape() as tape:
            tape.watch(params)
            loss, state, _ = task.loss(params, state, batch)
        gradients = tape.gradient(loss, params)
        params = [p - rate * g for p, g in zip(params, gradients, strict=True)]
        losses.append(float(loss))
    return losses, gradients
