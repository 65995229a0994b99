"""The straightforward meta-step that the estimators are measured against.

State `[n, 20]`, gates of one layer from two products, the unroll a Python loop, no jit: how
one writes it down at first. The figure beside `TruncatedBPTT`'s comes from the same run.
"""

import tensorflow as tf


def meta_step(task, meta_params, params, model_state, batches, steps, preprocess):
    """Meta-gradient of the paper's two-layer LSTM over `steps` steps.

    Args:
        task: `Task`.
        meta_params: Dict of tensors, as the `lstm` rule's.
        params: List of tensors `[tasks, …]`.
        model_state: List of tensors `[tasks, …]`.
        batches: Batches `[steps + 1, tasks, …]`.
        steps: Number of steps, int.
        preprocess: The paper's p, or None.

    Returns:
        `(meta_loss, gradients)`: a scalar, and a dict like `meta_params`.
    """
    sizes = [p.shape.num_elements() for p in params]
    hidden = meta_params["lstm_1_kernel"].shape[1] // 2
    states = [[tf.zeros([sum(sizes), hidden])] * 2 for _ in range(2)]

    def at(step):
        return tf.nest.map_structure(lambda t: t[step], batches)

    with tf.GradientTape() as outer:
        outer.watch(meta_params)
        total = 0.0
        for step in range(steps):
            with tf.GradientTape() as inner:
                inner.watch(params)
                losses, model_state = task.tasks_loss(params, model_state, at(step))
                loss = tf.reduce_sum(losses)
            gradients = inner.gradient(loss, params)
            flat = tf.concat([tf.reshape(tf.stop_gradient(g), [-1, 1]) for g in gradients], 0)
            features = _features(flat, preprocess)
            for layer in range(2):
                kernel, bias = (
                    meta_params[f"lstm_{layer}_kernel"],
                    meta_params[f"lstm_{layer}_bias"],
                )
                h, c = states[layer]
                width = features.shape[1]
                gates = tf.matmul(features, kernel[:, :width], transpose_b=True)
                gates += tf.matmul(h, kernel[:, width:], transpose_b=True) + bias
                i, f, g, o = tf.split(gates, 4, axis=1)
                c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
                h = tf.sigmoid(o) * tf.tanh(c)
                states[layer] = [h, c]
                features = h
            update = tf.matmul(features, meta_params["output_kernel"], transpose_b=True)
            update = 0.1 * (update + meta_params["output_bias"])
            pieces = tf.split(update[:, 0], sizes)
            params = [p + tf.reshape(u, p.shape) for p, u in zip(params, pieces, strict=True)]
            after, _ = task.tasks_loss(params, model_state, at(step + 1))
            total += tf.reduce_mean(after) / steps
    return total, outer.gradient(total, meta_params)


def _features(gradient, p):
    if p is None:
        return gradient
    magnitude = tf.abs(gradient)
    large = magnitude >= tf.exp(-p)
    log = tf.math.log(tf.maximum(magnitude, tf.exp(-p))) / p
    first = tf.where(large, log, -tf.ones_like(gradient))
    second = tf.where(large, tf.sign(gradient), tf.exp(p) * gradient)
    return tf.concat([first, second], axis=1)
