"""Directions of unit size: what a kernel, and what a single number, moves along."""

import math

import numpy as np
from keras import ops

from l2l_tf.cells import MINIMAX, gram_of, whitened, whitening
from l2l_tf.cells.squares import TINY

# Of how many iterations, and with which polynomials, directions are made.
POLYNOMIALS = MINIMAX
# A block's cost per entry is 2 times this in multiplications and additions, and 9 times its square
# over the longer side.
BLOCK = 64
# Blocks of more widths than this are padded to the next powers of two.
MAX_WIDTHS = 4


def orthogonalised(matrices, block=BLOCK):
    """Matrices with singular values near 1, a block of rows or columns at a time.

    The longer side stays whole; the shorter one is cut into k blocks of at most `block`, each
    orthogonalised by itself. Blocks side by side have a spectral norm between 1 and √k, as their
    spaces are orthogonal or the same; the result is divided by the mean of both, k^¼.

    The iterations, which know nothing but products of each block with itself, are those of all
    blocks at once: a chain of small products for each shape would take longer to compile than all
    else that a step does.

    Args:
        matrices: List of tensors `[n, rows, columns]`, of one dtype.
        block: Longest side that is orthogonalised as a whole.

    Returns:
        List of tensors of the same shapes; zero where a matrix is.
    """
    cuts = [_Cut(m.shape, block) for m in matrices]
    blocks = [cut.apart(m) for cut, m in zip(cuts, matrices, strict=True)]
    whitenings = _whitenings([gram_of(b) for b in blocks], [cut.size for cut in cuts])
    return [cut.joined(whitened(b, w)) for cut, b, w in zip(cuts, blocks, whitenings, strict=True)]


class _Cut:
    """How matrices `[count, rows, columns]` are cut into blocks along their shorter side."""

    def __init__(self, shape, block):
        self.count, self.rows, self.columns = shape
        shorter = min(self.rows, self.columns)
        self.blocks = -(-shorter // block)
        self.width = -(-shorter // self.blocks)
        self.padding = self.blocks * self.width - shorter
        self.size = self.blocks**-0.25
        self._flat = self.rows <= self.columns

    def apart(self, matrices):
        """Tensor `[count · blocks, width, columns]` or `[count · blocks, rows, width]`."""
        if self.blocks == 1:
            return matrices
        more, none = (0, self.padding), (0, 0)
        padded = (none, more, none) if self._flat else (none, none, more)
        cut = ops.pad(matrices, padded) if self.padding else matrices
        if self._flat:
            return ops.reshape(cut, (self.count * self.blocks, self.width, self.columns))
        cut = ops.reshape(cut, (self.count, self.rows, self.blocks, self.width))
        cut = ops.transpose(cut, (0, 2, 1, 3))
        return ops.reshape(cut, (self.count * self.blocks, self.rows, self.width))

    def joined(self, blocks):
        """The reverse of `apart`."""
        if self.blocks == 1:
            return blocks
        if self._flat:
            shape = (self.count, self.blocks * self.width, self.columns)
            return ops.reshape(blocks, shape)[:, : self.rows]
        whole = ops.reshape(blocks, (self.count, self.blocks, self.rows, self.width))
        whole = ops.transpose(whole, (0, 2, 1, 3))
        whole = ops.reshape(whole, (self.count, self.rows, self.blocks * self.width))
        return whole[:, :, : self.columns]


def _whitenings(grams, sizes):
    """`whitening` of each of the tensors `[n, width, width]`, with a chain for few widths."""
    widths = {gram.shape[-1] for gram in grams}
    if len(widths) > MAX_WIDTHS:
        widths = {1 << (width - 1).bit_length() for width in widths}
    found = [None] * len(grams)
    for width in sorted(widths):
        chosen = [i for i, g in enumerate(grams) if found[i] is None and g.shape[-1] <= width]
        own = [width - grams[i].shape[-1] for i in chosen]
        padded = [
            ops.pad(grams[i], ((0, 0), (0, more), (0, more))) if more else grams[i]
            for i, more in zip(chosen, own, strict=True)
        ]
        counts = [gram.shape[0] for gram in padded]
        factors = np.repeat([sizes[i] for i in chosen], counts)[:, None, None]
        factors = ops.convert_to_tensor(factors, padded[0].dtype)
        joined = padded[0] if len(padded) == 1 else ops.concatenate(padded)
        joined = whitening(joined, POLYNOMIALS, factors, tight=True)
        parts = ops.split(joined, np.cumsum(counts)[:-1].tolist()) if len(padded) > 1 else [joined]
        for i, more, part in zip(chosen, own, parts, strict=True):
            found[i] = part[:, : width - more, : width - more] if more else part
    return found


def kernel_directions(means, scales, block=BLOCK):
    """`O(R⁻ᵖ·m·C⁻ᑫ)` of means of gradients m; see `Sides`.

    What never had a gradient, whose mean is exactly zero, has no direction either.

    Args:
        means: List of tensors `[n, rows, columns]`, of one dtype.
        scales: List of pairs `R⁻ᵖ [n, rows, 1]`, `C⁻ᑫ [n, 1, columns]`.
        block: See `orthogonalised`.

    Returns:
        List of tensors `[n, rows, columns]`.
    """
    scaled = [mean * rows * columns for mean, (rows, columns) in zip(means, scales, strict=True)]
    return [
        ops.where(ops.not_equal(mean, 0.0), direction, 0.0)
        for mean, direction in zip(means, orthogonalised(scaled, block), strict=True)
    ]


def adam_direction(mean, mean_square, corrected):
    """`m̂/√v̂`, at most 10 either way; 0 where no gradient was seen.

    Args:
        mean: `[n, rows, columns]`, mean of gradients that begins at 0.
        mean_square: The same of their squares.
        corrected: `[n, 1, 1]`, `√b/a` for the weights a and b that they have gathered.
    """
    found = corrected * mean * ops.rsqrt(ops.maximum(mean_square, TINY))
    return ops.clip(found, -10.0, 10.0)


def corrected(masses):
    """`√b/a` of `[2, n]` weights a and b that means of gradients and squares have gathered."""
    masses = ops.maximum(masses, 1e-6)
    return ops.sqrt(masses[1]) / masses[0]


def size_of_kernel(layout, kernels):
    """What a direction of singular values 1 is multiplied by, before the learned step size.

    √(fan-out/fan-in) by the spectral condition (Yang, Simon and Bernstein 2023): then outputs
    change as much whatever the width. With the number of kernels that the steps of a model add
    up over, each takes less: 1/√(kernels/3).
    """
    return math.sqrt(layout.columns / layout.rows) / math.sqrt(max(kernels, 3) / 3.0)
