"""What the optimizees of a meta-step train on, and what their losses are measured on."""

import tensorflow as tf

from l2l_tf.tasks import fold_in


def batches(task, seed, count, start, steps, split="train"):
    """Batches of `steps` steps for `count` optimizees: leading axes `[steps, count]`.

    Args:
        task: `Task`.
        seed: int32 `[2]`.
        count: Number of optimizees; each draws batches of its own.
        start: First step, scalar.
        steps: Number of steps, int.
        split: One of `tasks.SPLITS`.
    """
    example = task.batch(seed, 0, split)
    if not tf.nest.flatten(example):
        return ()
    seeds = tf.stack([fold_in(seed, i) for i in range(count)])
    if not task.in_graph:
        drawn = [
            [task.batch(seeds[i], start + t, split) for i in range(count)] for t in range(steps)
        ]
        rows = [tf.nest.map_structure(lambda *x: tf.stack(x), *row) for row in drawn]
        return tf.nest.map_structure(lambda *x: tf.stack(x), *rows)

    def one(pair):
        return task.batch(seeds[pair[1]], tf.cast(start, tf.int32) + pair[0], split)

    pairs = tf.stack([tf.repeat(tf.range(steps), count), tf.tile(tf.range(count), [steps])], axis=1)
    signature = tf.nest.map_structure(lambda t: tf.TensorSpec(t.shape, t.dtype), example)
    drawn = tf.map_fn(one, pairs, fn_output_signature=signature)
    return tf.nest.map_structure(lambda t: tf.reshape(t, [steps, count, *t.shape[1:]]), drawn)


def measured_batches(task, seed, count, start, steps, meta_batch):
    """Batches of `steps` steps: `(batches trained on, batches measured on or None)`.

    Args:
        task: `Task`.
        seed: int32 `[2]`, of the trajectory.
        count: Number of optimizees.
        start: Steps taken before, scalar.
        steps: Number of steps, int.
        meta_batch: Where losses are measured: "same", "fresh" or "held_out", as estimators
            say it.

    Returns:
        Batches `[steps + 1, count, …]`, and `[steps, count, …]`: None where losses are measured
        on the batch that is trained on next, and where a task has no batches.
    """
    train = batches(task, seed, count, start, steps + 1)
    if meta_batch == "same" or not tf.nest.flatten(train):
        return train, None
    split = "train" if meta_batch == "fresh" else "validation"
    return train, batches(task, fold_in(seed, 1), count, start, steps, split)
