"""What the optimizees of a meta-step train on, and what their losses are measured on."""

import tensorflow as tf

from l2l_tf.tasks import fold_in


def batches(task, seed, num_tasks, start, steps, split="train", first=0):
    """Batches of `steps` steps for `num_tasks` optimizees: leading axes `[steps, num_tasks]`.

    Args:
        task: `Task`.
        seed: int32 `[2]`.
        num_tasks: Number of optimizees; each draws batches of its own.
        start: First step, scalar.
        steps: Number of steps, int.
        split: One of `tasks.SPLITS`.
        first: Number of the first optimizee, scalar int.
    """
    example = task.batch(seed, 0, split)
    if not tf.nest.flatten(example):
        return ()
    seeds = tf.stack([fold_in(seed, first + i) for i in range(num_tasks)])
    if not task.in_graph:
        drawn = [
            [task.batch(seeds[i], start + t, split) for i in range(num_tasks)] for t in range(steps)
        ]
        rows = [tf.nest.map_structure(lambda *x: tf.stack(x), *row) for row in drawn]
        return tf.nest.map_structure(lambda *x: tf.stack(x), *rows)

    def one(pair):
        return task.batch(seeds[pair[1]], tf.cast(start, tf.int32) + pair[0], split)

    pairs = tf.stack(
        [tf.repeat(tf.range(steps), num_tasks), tf.tile(tf.range(num_tasks), [steps])], axis=1
    )
    signature = tf.nest.map_structure(lambda t: tf.TensorSpec(t.shape, t.dtype), example)
    drawn = tf.map_fn(one, pairs, fn_output_signature=signature)
    return tf.nest.map_structure(lambda t: tf.reshape(t, [steps, num_tasks, *t.shape[1:]]), drawn)


def measured_batches(task, seed, num_tasks, start, steps, meta_loss_split, first=0):
    """Batches of `steps` steps: `(batches trained on, batches measured on or None)`.

    Args:
        task: `Task`.
        seed: int32 `[2]`, of the trajectory.
        num_tasks: Number of optimizees.
        start: Steps taken before, scalar.
        steps: Number of steps, int.
        meta_loss_split: Where losses are measured: "same", "fresh" or "held_out", as estimators
            say it.
        first: Number of the first optimizee, scalar int.

    Returns:
        Batches `[steps + 1, num_tasks, …]`, and `[steps, num_tasks, …]`: None where losses are
        measured on the batch that is trained on next, and where a task has no batches.
    """
    train = batches(task, seed, num_tasks, start, steps + 1, first=first)
    if meta_loss_split == "same" or not tf.nest.flatten(train):
        return train, None
    split = "train" if meta_loss_split == "fresh" else "validation"
    return train, batches(task, fold_in(seed, 1), num_tasks, start, steps, split, first)
