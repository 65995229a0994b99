"""Newton–Schulz iteration towards the nearest orthogonal matrix."""

from typing import Any

from keras import ops

# Odd polynomials `a·σ + b·σ³ + c·σ⁵` of singular values, in the order in which they are applied.
# Jordan et al. (2024), Muon: singular values end near 1 within 5 iterations.
JORDAN = (3.4445, -4.7750, 2.0315)
# Each the best one for where the one before has left singular values of 0.01 to 1, as in Polar
# Express (Amsel et al. 2025, arXiv 2505.16932): 0.73 to 1.27 in the end, and those below 0.01 are
# 78 times what they were.
MINIMAX = (
    (8.0934, -23.6204, 17.4462),
    (3.6366, -2.7219, 0.5365),
    (2.6613, -1.9772, 0.4526),
)
# Sums of squares below this are zero in float32 or nearly so: such a matrix has no direction.
TINY = 1e-34
# What singular values are kept below 1 by, so that rounding lets none exceed it.
MARGIN = 1.01


def newton_schulz(matrices: Any, iterations: int = 5, size: float = 1.0) -> Any:
    """Replace the singular values of matrices by values near 1, as Muon does.

    From `X = M / ‖M‖`, repeat `X ← a·X + (b·XXᵀ + c·(XXᵀ)²)·X`. All iterates are polynomials of
    `G = XXᵀ` times the first one, so that the iteration runs on matrices of the smaller side;
    only G and the last product cost `2 · smaller side` multiplications and additions per entry.

    Args:
        matrices: `[…, rows, columns]`; of Frobenius norm 1e-17 … 1e17, or zero in the result.
        iterations: Number of iterations.
        size: Factor on the result.

    Returns:
        Tensor of the same shape.
    """
    return whitened(matrices, whitening(gram_of(matrices), (JORDAN,) * iterations, size))


def gram_of(matrices: Any) -> Any:
    """`MMᵀ`, or `MᵀM` where that is smaller: `[…, smaller side, smaller side]`."""
    other = ops.swapaxes(matrices, -1, -2)
    return ops.matmul(other, matrices) if _is_tall(matrices) else ops.matmul(matrices, other)


def whitening(grams: Any, polynomials: Any, size: Any = 1.0, tight: bool = False) -> Any:
    """What matrices are multiplied by, so that their singular values are near `size`.

    Args:
        grams: `[…, n, n]`, as `gram_of` gives them; rows and columns of zeros change nothing.
        polynomials: Triples (a, b, c), one for each iteration.
        size: Number, or a tensor `[…, 1, 1]`.
        tight: Whether singular values begin at σ/(Σσ⁸)^⅛, whose largest is at least 0.6 up to 64
            of them, rather than at σ/(Σσ²)^½: that saves an iteration and costs no product, since
            the square of the Gram matrix is needed anyway.

    Returns:
        `[…, n, n]`; zero where a matrix is.
    """
    bound = ops.sum(ops.diagonal(grams, axis1=-2, axis2=-1), axis=-1)[..., None, None]
    found = bound > TINY
    bound = ops.where(found, bound, ops.ones_like(bound))
    gram = grams / bound
    square = ops.matmul(gram, gram)
    if tight:
        # Of the eigenvalues of the Gram matrix; those of its square add up to its norm.
        closer = ops.sum(ops.square(square), axis=(-2, -1), keepdims=True)
        closer = MARGIN**2 * ops.power(ops.where(found, closer, ops.ones_like(closer)), 0.25)
        gram, square, bound = gram / closer, square / ops.square(closer), bound * closer
    identity = ops.eye(gram.shape[-1], dtype=gram.dtype)
    product = identity
    for number, (a, b, c) in enumerate(polynomials):
        factor = a * identity + b * gram + c * square
        product = ops.matmul(factor, product) if number else factor
        if number < len(polynomials) - 1:
            gram = ops.matmul(ops.matmul(factor, gram), factor)
            square = ops.matmul(gram, gram)
    return product * ops.where(found, size * ops.rsqrt(bound), ops.zeros_like(bound))


def whitened(matrices: Any, whitening: Any) -> Any:
    """The product of matrices `[…, rows, columns]` with what `whitening` gave for them."""
    if _is_tall(matrices):
        return ops.matmul(matrices, whitening)
    return ops.matmul(whitening, matrices)


def _is_tall(matrices):
    return matrices.shape[-2] > matrices.shape[-1]
