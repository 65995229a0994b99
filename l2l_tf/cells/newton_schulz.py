"""Newton–Schulz iteration towards the nearest orthogonal matrix."""

from typing import Any

from keras import ops

# Jordan et al. (2024), Muon: singular values end near 1 within 5 iterations.
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
# Sums of squares below this are zero in float32 or nearly so: such a matrix has no direction.
TINY = 1e-34


def newton_schulz(matrices: Any, iterations: int = 5, size: float = 1.0) -> Any:
    """Replace the singular values of matrices by values near 1.

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
    return whitened(matrices, whitening(gram_of(matrices), iterations, size))


def gram_of(matrices: Any) -> Any:
    """`MMᵀ`, or `MᵀM` where that is smaller: `[…, smaller side, smaller side]`."""
    other = ops.swapaxes(matrices, -1, -2)
    return ops.matmul(other, matrices) if _is_tall(matrices) else ops.matmul(matrices, other)


def whitening(grams: Any, iterations: int = 5, size: Any = 1.0) -> Any:
    """What matrices are multiplied by, so that their singular values are near `size`.

    Args:
        grams: `[…, n, n]`, as `gram_of` gives them; rows and columns of zeros change nothing.
        iterations: Number of iterations.
        size: Number, or a tensor `[…, 1, 1]`.

    Returns:
        `[…, n, n]`; zero where a matrix is.
    """
    a, b, c = COEFFICIENTS
    norm_square = ops.sum(ops.diagonal(grams, axis1=-2, axis2=-1), axis=-1)[..., None, None]
    found = norm_square > TINY
    inverse = ops.rsqrt(ops.where(found, norm_square, ops.ones_like(norm_square)))
    gram = grams * ops.square(inverse)
    identity = ops.eye(gram.shape[-1], dtype=gram.dtype)
    product = identity
    for iteration in range(iterations):
        factor = a * identity + b * gram + c * ops.matmul(gram, gram)
        product = ops.matmul(factor, product) if iteration else factor
        if iteration < iterations - 1:
            gram = ops.matmul(ops.matmul(factor, gram), factor)
    return product * ops.where(found, size * inverse, ops.zeros_like(inverse))


def whitened(matrices: Any, whitening: Any) -> Any:
    """The product of matrices `[…, rows, columns]` with what `whitening` gave for them."""
    if _is_tall(matrices):
        return ops.matmul(matrices, whitening)
    return ops.matmul(whitening, matrices)


def _is_tall(matrices):
    return matrices.shape[-2] > matrices.shape[-1]
