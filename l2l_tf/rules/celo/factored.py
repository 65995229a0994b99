"""Factored second moments: means of squared gradients along two axes instead of all entries.

Shazeer & Stern (2018), arXiv 1804.04235, in the form that Celo (arXiv 2501.12670) uses.
"""

import numpy as np
from keras import ops

# Keeps the means of all-zero gradients positive; Celo's value.
SQUARE_FLOOR = 1e-30


def factored_axes(shape):
    """The axes `(d1, d0)` of second-largest and largest size; None below rank 2.

    Ties go to the later axis for `d0` (a stable ascending sort).

    Args:
        shape: Tuple of ints.
    """
    if len(shape) < 2:
        return None
    order = np.argsort(shape, kind="stable")
    return int(order[-2]), int(order[-1])


def factored_mean_squares(row, column, square, decays, axes):
    """Exponential means of a squared gradient's means over one axis.

    `row' = d · row + (1 − d) · mean(g² + 1e-30, axis d0)`, `column'` the same over `d1`.

    Args:
        row: `[k, …]`, the gradient's shape after the first axis with `d0` of size 1.
        column: The same with `d1` of size 1.
        square: The squared gradient.
        decays: `[k, 1, …, 1]`.
        axes: `(d1, d0)` of `factored_axes`.

    Returns:
        `(row, column)` after the step.
    """
    d1, d0 = axes
    new_row = (ops.mean(square, axis=d0, keepdims=True) + SQUARE_FLOOR)[None]
    new_column = (ops.mean(square, axis=d1, keepdims=True) + SQUARE_FLOOR)[None]
    return row + (1.0 - decays) * (new_row - row), column + (1.0 - decays) * (new_column - column)


def safe_rsqrt(x):
    """`1 / √max(x, 1e-9)`."""
    return ops.rsqrt(ops.maximum(x, 1e-9))


def factored_scales(row, column, axes):
    """The two factors whose product stands for `1 / √(mean of g²)`.

    Args:
        row: `[k, …]`, see `factored_mean_squares`.
        column: `[k, …]`.
        axes: `(d1, d0)`.

    Returns:
        `(row_scale, column_scale)` in the shapes of `row` and `column`.
    """
    d1, _ = axes
    share = row / (ops.mean(row, axis=d1 + 1, keepdims=True) + 1e-9)
    return safe_rsqrt(share), safe_rsqrt(column)
