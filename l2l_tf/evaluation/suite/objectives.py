"""Losses of the suite's tasks, of a model's call and one batch.

Each is a function `(call, *batch)` → `(loss, metrics)`: scalars. `call(inputs)` is the model.
"""

import math

import tensorflow as tf

from l2l_tf.tasks.classification import accuracy
from l2l_tf.tasks.classification import cross_entropy as mean_cross_entropy

VISCOSITY = 0.05
GROUP = 64


def cross_entropy(call, inputs, labels):
    """Mean cross-entropy of the softmax; labels `[n]`, or `[n, length]` for sequences."""
    scores = call(inputs)
    loss = tf.reduce_mean(mean_cross_entropy(scores, labels))
    return loss, {"accuracy": tf.reduce_mean(accuracy(scores, labels))}


def squared_error(call, inputs, targets):
    """Mean over rows and outputs of the squared error."""
    return tf.reduce_mean(tf.square(call(inputs) - targets)), {}


def variational(call, inputs, images):
    """Negative bound on the log-likelihood of pixels between 0 and 1 (Kingma and Welling 2014).

    The call gives logits of the pixels, and mean and log variance of the code; sums over pixels
    and over the code, mean over rows.
    """
    logits, mean, log_variance = call(inputs)
    errors = tf.nn.sigmoid_cross_entropy_with_logits(images, logits)
    divergence = 0.5 * (tf.exp(log_variance) + tf.square(mean) - 1.0 - log_variance)
    sums = [tf.reduce_sum(t, axis=range(1, t.shape.rank)) for t in (errors, divergence)]
    return tf.reduce_mean(sums[0] + sums[1]), {}


def in_batch_softmax(call, left, right):
    """Each row's partner among those of its group of 64, by the dot product of the outputs.

    Groups, so that the loss on many rows means what it means on a batch. Rows beyond whole
    groups do not count.
    """
    ours, theirs = call([left, right])
    size = min(GROUP, ours.shape[0])
    count = ours.shape[0] // size
    ours, theirs = (
        tf.reshape(side[: count * size], [count, size, side.shape[-1]]) for side in (ours, theirs)
    )
    scores = tf.matmul(ours, theirs, transpose_b=True)
    partners = tf.tile(tf.range(size)[None], [count, 1])
    loss = tf.reduce_mean(mean_cross_entropy(scores, partners))
    return loss, {"accuracy": tf.reduce_mean(accuracy(scores, partners))}


def translation(call, source, before, target):
    """Mean cross-entropy of the target's tokens, its end (the first 0) included."""
    scores = call([source, before])
    counts = tf.cast(tf.not_equal(before, 0), scores.dtype)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(target, scores)
    return tf.reduce_sum(counts * losses) / tf.reduce_sum(counts), {}


def burgers(call, points, unused=None):
    """Residuals of Burgers' equation in a physics-informed network.

    `u_t + u·u_x = ν·u_xx` on t ∈ [0, 1], x ∈ [−1, 1], with u(0, x) = −sin(πx) and
    u(t, ±1) = 0: the example of Raissi, Perdikaris and Karniadakis (2019), with
    ν = 0.05 for a front that a small network can resolve. Mean squares, added up.

    Args:
        call: The model: `[n, 2]` → `[n, 1]`.
        points: `[n, 2]`: t and x.
    """
    del unused
    t, x = points[:, :1], points[:, 1:]
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape(persistent=True) as inner:
            inner.watch([t, x])
            u = call(tf.concat([t, x], axis=1))
        u_t, u_x = inner.gradient(u, t), inner.gradient(u, x)
        del inner
    u_xx = outer.gradient(u_x, x)
    ones, zeros = tf.ones_like(t), tf.zeros_like(t)
    start = call(tf.concat([zeros, x], axis=1)) + tf.sin(math.pi * x)
    ends = call(tf.concat([tf.concat([t, t], 0), tf.concat([ones, -ones], 0)], axis=1))
    terms = (u_t + u * u_x - VISCOSITY * u_xx, start, ends)
    return tf.add_n([tf.reduce_mean(tf.square(term)) for term in terms]), {}
