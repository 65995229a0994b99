"""Exponential means of gradients and of their squares."""

from typing import Any

from keras import ops


def exponential_mean(mean: Any, value: Any, decay: Any) -> Any:
    """Exponential mean `decay · mean + (1 − decay) · value`, elementwise.

    Args:
        mean: Tensor, the mean so far (0 before the first step).
        value: Tensor of the same shape.
        decay: Float in [0, 1).

    Returns:
        The new mean, without bias correction.
    """
    return mean + (1.0 - decay) * (value - mean)


def root_mean_square(root: Any, value: Any, decay: Any) -> Any:
    """Root of an exponential mean of squares: `√(decay·root² + (1−decay)·value²)`.

    The *root* is the state, never the square, and it is computed as a
    hypotenuse, so that any finite float32 value from 1e-30 to 1e30 neither
    overflows nor underflows and the result scales exactly with its input.

    Args:
        root: Tensor, the root mean square so far (0 before the first step).
        value: Tensor of the same shape.
        decay: Float in [0, 1).

    Returns:
        The new root, non-negative, without bias correction.
    """
    old = float(decay) ** 0.5 * root
    new = float(1.0 - decay) ** 0.5 * ops.abs(value)
    large = ops.maximum(old, new)
    small = ops.minimum(old, new)
    positive = large > 0
    ratio = small / ops.where(positive, large, ops.ones_like(large))
    return large * ops.sqrt(1.0 + ops.square(ratio))


def bias_correction(decay: Any, iteration: Any, dtype: str = "float32") -> Any:
    """The factor `1 / (1 − decay^(iteration + 1))` of Kingma & Ba (2015).

    Args:
        decay: Float in [0, 1).
        iteration: Scalar, updates taken *before* this one.
        dtype: Dtype of the result.

    Returns:
        Scalar tensor of `dtype`.
    """
    count = ops.cast(iteration, dtype) + 1.0
    return 1.0 / (1.0 - ops.power(ops.cast(decay, dtype), count))
