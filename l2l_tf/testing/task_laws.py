"""Laws of tasks, each a function of one task that raises `AssertionError`."""

import numpy as np
import tensorflow as tf

from l2l_tf.tasks import as_seed, fold_in
from l2l_tf.testing.laws import require, require_close, require_same_arguments


def one_seed_gives_one_task_and_one_batch(task):
    """Start and batches are drawn from the seed that comes in, and from nothing else."""
    first, again, other = (task.init(as_seed(seed)) for seed in (3, 3, 4))
    require_close(again, first)
    pairs = zip(tf.nest.flatten(first), tf.nest.flatten(other), strict=True)
    differs = any(not np.array_equal(a, b) for a, b in pairs)
    require(differs, "Two seeds give the same parameters and the same state.")
    require_close(task.batch(as_seed(1), 5), task.batch(as_seed(1), 5))


def several_at_once_equal_them_one_by_one(task, rtol=1e-4):
    """`tasks_loss` of three optimizees is `loss` of each, and so is the state after it."""
    params, state = task.init_tasks(as_seed(0), 3)
    drawn = [task.batch(fold_in(as_seed(1), i), 0) for i in range(3)]
    batch = tf.nest.map_structure(lambda *t: tf.stack(t), *drawn)
    together = task.tasks_loss(params, state, batch)
    alone = [
        task.loss([p[i] for p in params], [s[i] for s in state], drawn[i])[:2] for i in range(3)
    ]
    alone = tf.nest.map_structure(lambda *t: tf.stack(t), *alone)
    require_close(together, alone, rtol=rtol, atol=1e-6)


def the_loss_is_a_finite_scalar_with_a_gradient(task):
    """The loss at the start is a finite float scalar, and so is every entry of its gradient."""
    params, state = task.init(as_seed(0))
    with tf.GradientTape() as tape:
        tape.watch(params)
        loss, after, _ = task.loss(params, state, task.batch(as_seed(0), 0))
    require(loss.shape == (), f"The loss has the shape {tuple(loss.shape)}.")
    gradients = tape.gradient(loss, params)
    require(all(g is not None for g in gradients), "The loss does not depend on a parameter.")
    tensors = [loss, *map(tf.convert_to_tensor, gradients)]
    finite = all(np.isfinite(t).all() for t in tensors)
    require(finite, "The loss or its gradient at the start is NaN or Inf.")
    require(any(np.any(t) for t in tensors[1:]), "The gradient at the start is zero.")
    shapes = [[t.shape for t in tf.nest.flatten(s)] for s in (state, after)]
    require(shapes[0] == shapes[1], f"The state changes its shapes: {shapes[1]} after {shapes[0]}.")


def the_configuration_comes_back(task):
    """A task is made again from its configuration."""
    require_same_arguments(type(task).from_config(task.get_config()), task)
