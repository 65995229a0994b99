"""Directions of unit size: what a kernel, and what a single number, moves along."""

import math

from keras import ops

from l2l_tf.cells import newton_schulz
from l2l_tf.cells.squares import TINY

ITERATIONS = 5
# A block's cost per entry is 4 times this in multiplications and additions.
BLOCK = 64


def orthogonalised(matrices, block=BLOCK):
    """Matrices with singular values near 1, a block of rows or columns at a time.

    The longer side stays whole; the shorter one is cut into k blocks of at most `block`, each
    orthogonalised by itself. Blocks side by side have a spectral norm between 1 and √k, as their
    spaces are orthogonal or the same; the result is divided by the mean of both, k^¼.

    Args:
        matrices: `[n, rows, columns]`.
        block: Longest side that is orthogonalised as a whole.

    Returns:
        `[n, rows, columns]`; zero where a matrix is.
    """
    count, rows, columns = matrices.shape
    shorter = min(rows, columns)
    blocks = -(-shorter // block)
    if blocks == 1:
        return _near_orthogonal(matrices, 1)
    width = -(-shorter // blocks)
    padding = blocks * width - shorter
    if rows <= columns:
        cut = ops.pad(matrices, ((0, 0), (0, padding), (0, 0))) if padding else matrices
        cut = ops.reshape(cut, (count * blocks, width, columns))
        whole = ops.reshape(_near_orthogonal(cut, blocks), (count, blocks * width, columns))
        return whole[:, :rows]
    cut = ops.pad(matrices, ((0, 0), (0, 0), (0, padding))) if padding else matrices
    cut = ops.reshape(cut, (count, rows, blocks, width))
    cut = ops.reshape(ops.transpose(cut, (0, 2, 1, 3)), (count * blocks, rows, width))
    cut = ops.reshape(_near_orthogonal(cut, blocks), (count, blocks, rows, width))
    whole = ops.reshape(ops.transpose(cut, (0, 2, 1, 3)), (count, rows, blocks * width))
    return whole[:, :, :columns]


def _near_orthogonal(matrices, blocks):
    return newton_schulz(matrices, ITERATIONS, size=blocks**-0.25)


def kernel_direction(mean, row_square, column_square, powers, block=BLOCK):
    """`O(R⁻ᵖ·m·C⁻ᑫ)`: R and C are mean squares of each row and column over their own mean.

    Without them one input of large units would be all that O sees; with p = ½ and the gradient's
    own rows it were Adam's; Shampoo (Gupta et al. 2018) has p = q = ¼ and whole matrices. What
    never had a gradient, whose mean is exactly zero, has no direction either.

    Args:
        mean: `[n, rows, columns]`, mean of gradients.
        row_square: `[n, rows]`, mean square of gradients over each row.
        column_square: `[n, columns]`.
        powers: `(p [n], q [n])`.
        block: See `orthogonalised`.

    Returns:
        `([n, rows, columns], [2, n])`: the direction, and the means of the logarithms of R and C.
    """
    scaled, spreads = mean, []
    for squares, power, axis in ((row_square, powers[0], 2), (column_square, powers[1], 1)):
        logs = relative_logs(squares)
        spreads.append(mean_along(logs)[:, 0])
        scaled = scaled * ops.expand_dims(ops.exp(-power[:, None] * logs), axis)
    found = orthogonalised(scaled, block)
    return ops.where(ops.not_equal(mean, 0.0), found, 0.0), ops.stack(spreads)


def relative_logs(squares):
    """Logarithm of positive numbers `[n, k]` over their mean, `[n, k]`; 0 where that is 0."""
    mean = mean_along(squares)
    known = mean > TINY
    logs = ops.log(ops.clip(squares / ops.where(known, mean, ops.ones_like(mean)), 1e-9, 1e9))
    return ops.where(known, logs, ops.zeros_like(logs))


def mean_along(tensor):
    """Mean along the last axis, `[…, 1]`, as a product.

    XLA for CPUs computes what is multiplied and the product in one go; before a sum it would
    write down what is summed.
    """
    columns = tensor.shape[-1]
    return ops.matmul(tensor, ops.full((columns, 1), 1.0 / max(columns, 1), tensor.dtype))


def adam_direction(mean, mean_square, masses):
    """`m̂/√v̂`, at most 10 either way; 0 where no gradient was seen.

    Args:
        mean: `[n, rows, columns]`, mean of gradients that begins at 0.
        mean_square: The same of their squares.
        masses: `[2, n]`, the weight that each of both has gathered: m̂ and v̂ are over it.
    """
    masses = ops.maximum(masses, 1e-6)
    corrected = ops.sqrt(masses[1]) / masses[0]
    found = corrected[:, None, None] * mean * ops.rsqrt(ops.maximum(mean_square, TINY))
    return ops.clip(found, -10.0, 10.0)


def size_of_kernel(layout, kernels):
    """What a direction of singular values 1 is multiplied by, before the learned step size.

    √(fan-out/fan-in) by the spectral condition (Yang, Simon and Bernstein 2023): then outputs
    change as much whatever the width. With the number of kernels that the steps of a model add
    up over, each takes less: 1/√(kernels/3).
    """
    return math.sqrt(layout.columns / layout.rows) / math.sqrt(max(kernels, 3) / 3.0)
