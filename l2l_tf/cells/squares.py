"""Squares of gradients: within which bounds they are known, and their inverse roots."""

from keras import ops

# Squares of gradients within these bounds neither overflow nor vanish in float32.
MAX, TINY = 1e15, 1e-34


def bounded(gradient):
    """The gradient within the range whose squares are finite."""
    return ops.clip(gradient, -MAX, MAX)


def inverse_root(square):
    """1/√x, and 0 where x is too small to tell."""
    inverse = ops.rsqrt(ops.maximum(square, TINY))
    return ops.where(square > TINY, inverse, ops.zeros_like(inverse))
