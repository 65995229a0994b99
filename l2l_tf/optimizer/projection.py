"""Gradients under a constraint: what weights cannot do does not count."""

from keras import ops
from keras.backend import standardize_dtype

# Of the root mean square of the weights: how far ahead the constraint is asked.
AHEAD, MIN_AHEAD = 1e-2, 1e-4


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
    dtype = "float64" if standardize_dtype(value.dtype) == "float64" else "float32"
    value = ops.cast(value, dtype)
    largest = ops.max(ops.abs(ops.cast(gradient, dtype)))
    unit = ops.divide_no_nan(ops.cast(gradient, dtype), largest)
    size = ops.divide_no_nan(_size(value) * AHEAD, _size(unit))
    size = ops.maximum(size, MIN_AHEAD)
    kept = ops.convert_to_tensor(constraint(value))
    moved = ops.convert_to_tensor(constraint(kept - size * unit))
    return ops.cast((kept - moved) / size * largest, gradient.dtype)


def _size(tensor):
    return ops.sqrt(ops.mean(ops.square(ops.clip(tensor, -1e15, 1e15))))
