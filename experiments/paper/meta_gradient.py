"""How much each step of an unroll contributes to the meta-gradient."""

import numpy as np
import tensorflow as tf

from l2l_tf.meta import objective
from l2l_tf.meta.batches import batches
from l2l_tf.meta.unroll import begin
from l2l_tf.rules import Context


def norms_by_step(rule, task, seed, steps, kind, count=4, second_derivatives=False):
    """‖∂L/∂φ_t‖ for t = 1 … steps, φ_t the meta-parameters as they are used in step t.

    The meta-gradient is Σ_t ∂L/∂φ_t: where these norms fall towards the first steps, the
    meta-loss vanishes over backpropagation through time.

    Args:
        rule: Coordinatewise `UpdateRule`.
        task: `Task`.
        seed: int32 `[2]`.
        steps: Length of the unroll, int.
        kind: Weights w_t, see `l2l_tf.meta.objective`.
        count: Optimizees side by side.
        second_derivatives: Whether the optimizees' gradients are differentiated too.

    Returns:
        `(norms [steps], gradient)`: float64 array, and a dict name → `[steps, …]`, the
        contributions themselves.

    Raises:
        ValueError: If the rule is not coordinatewise.
    """
    if not rule.coordinatewise:
        raise ValueError(f"The rule has to be coordinatewise. Received: {rule!r}")
    trajectory = begin(rule, task, seed, count)
    drawn = batches(task, trajectory.seed, count, 0, steps + 1)
    names = list(rule.meta_params)
    values = [tf.repeat(tf.convert_to_tensor(rule.meta_params[n])[None], steps, 0) for n in names]
    params, model_state = list(trajectory.params), trajectory.model_state
    state, losses = trajectory.rule_state, []
    with tf.GradientTape() as tape:
        tape.watch(values)
        for step in range(steps + 1):
            batch = tf.nest.map_structure(lambda t, step=step: t[step], drawn)
            with tf.GradientTape() as inner:
                inner.watch(params)
                before, model_state = task.tasks_loss(params, model_state, batch)
                total = tf.reduce_sum(before)
            losses.append(before)
            if step == steps:
                break
            gradients = inner.gradient(total, params)
            if not second_derivatives:
                gradients = [tf.stop_gradient(g) for g in gradients]
            used = rule.bind({n: v[step] for n, v in zip(names, values, strict=True)})
            context = Context(step, tf.stop_gradient(before), float(steps))
            (update,), state = used.update([_flat(gradients)], state, [_flat(params)], context)
            params = _add(params, update)
        weights = objective.loss_weights(kind, steps, 0, steps)
        meta_loss = tf.reduce_mean(weights[:, None] * tf.stack(losses[1:]))
    found = tape.gradient(meta_loss, values)
    squares = sum(
        np.sum(g.numpy().astype("float64").reshape(steps, -1) ** 2, axis=1) for g in found
    )
    return np.sqrt(squares), dict(zip(names, found, strict=True))


def _flat(tensors):
    return tf.concat([tf.reshape(t, [-1]) for t in tensors], axis=0)


def _add(params, update):
    sizes = [p.shape.num_elements() for p in params]
    pieces = tf.split(update, sizes)
    return [p + tf.reshape(u, p.shape) for p, u in zip(params, pieces, strict=True)]
