"""Gradients under a constraint: what weights cannot do does not count."""

import tensorflow as tf

# Of the root mean square of the weights: how far ahead the constraint is asked.
AHEAD, LEAST_AHEAD = 1e-2, 1e-4


def projected(gradient, value, constraint):
    """The part of a gradient along which a constraint lets weights move.

    `(P(w) − P(w − η·∇)) / η`, the gradient mapping of projected gradient descent (Beck 2017,
    "First-order methods in optimization", chapter 10), P the constraint and η so small that w
    moves by a hundredth of its size. A weight that is held at its bound and pushed against it
    has no gradient so, and of a kernel of fixed norm only what turns it is left: what rules
    take for agreement between steps is what weights did.

    Args:
        gradient: `[…]`, finite.
        value: `[…]`, the variable before the step.
        constraint: A Keras constraint, or any function of a tensor.

    Returns:
        `[…]` in the gradient's dtype.
    """
    dtype = tf.float64 if value.dtype == tf.float64 else tf.float32
    value = tf.cast(value, dtype)
    largest = tf.reduce_max(tf.abs(tf.cast(gradient, dtype)))
    unit = tf.math.divide_no_nan(tf.cast(gradient, dtype), largest)
    size = tf.math.divide_no_nan(_size(value) * AHEAD, _size(unit))
    size = tf.maximum(size, LEAST_AHEAD)
    kept = tf.convert_to_tensor(constraint(value))
    moved = tf.convert_to_tensor(constraint(kept - size * unit))
    return tf.cast((kept - moved) / size * largest, gradient.dtype)


def _size(tensor):
    return tf.sqrt(tf.reduce_mean(tf.square(tf.clip_by_value(tensor, -1e15, 1e15))))
