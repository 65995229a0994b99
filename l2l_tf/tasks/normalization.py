"""Batch and layer normalization as pure functions, for tasks."""

import tensorflow as tf

EPSILON = 1e-3
# Keras keeps 0.99, for runs of thousands of steps; tasks here run for a hundred and more.
MOMENTUM = 0.9


def batch_norm(inputs, statistics, axes, training):
    """`(x − mean) / √(variance + ε)` per feature, over rows; Ioffe and Szegedy (2015).

    Without scale and offset, which are parameters.

    Args:
        inputs: `[…, features]`.
        statistics: `[…, 2, features]`: moving mean and variance.
        axes: Axes of rows (and of pixels), negative.
        training: Whether mean and variance are those of these inputs; else the moving ones.

    Returns:
        `(normalized, statistics)`, the latter moved only in training.
    """
    if training:
        mean = tf.reduce_mean(inputs, axes, keepdims=True)
        variance = tf.reduce_mean(tf.square(inputs - mean), axes, keepdims=True)
        now = tf.stack([tf.squeeze(mean, axes), tf.squeeze(variance, axes)], axis=-2)
        statistics = MOMENTUM * statistics + (1 - MOMENTUM) * tf.stop_gradient(now)
    else:
        mean, variance = tf.unstack(statistics, axis=-2)
        mean, variance = (over(t, len(axes)) for t in (mean, variance))
    return (inputs - mean) * tf.math.rsqrt(variance + EPSILON), statistics


def over(vectors, axes):
    """Vectors `[…, features]` with that many axes of length 1 before their features."""
    for _ in range(axes):
        vectors = vectors[..., None, :]
    return vectors


def initial_statistics(features):
    """Moving mean 0 and variance 1, `[2, features]`."""
    return tf.stack([tf.zeros([features]), tf.ones([features])])


def layer_norm(inputs):
    """`(x − mean) / √(variance + ε)` per row, over the last axis; Ba, Kiros and Hinton (2016)."""
    mean = tf.reduce_mean(inputs, -1, keepdims=True)
    variance = tf.reduce_mean(tf.square(inputs - mean), -1, keepdims=True)
    return (inputs - mean) * tf.math.rsqrt(variance + EPSILON)
