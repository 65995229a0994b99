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
    a, b, c = COEFFICIENTS
    rows, columns = matrices.shape[-2:]
    other = ops.swapaxes(matrices, -1, -2)
    gram = ops.matmul(other, matrices) if rows > columns else ops.matmul(matrices, other)
    norm_square = ops.sum(ops.diagonal(gram, axis1=-2, axis2=-1), axis=-1)[..., None, None]
    found = norm_square > TINY
    inverse = ops.rsqrt(ops.where(found, norm_square, ops.ones_like(norm_square)))
    gram = gram * ops.square(inverse)
    identity = ops.eye(min(rows, columns), dtype=gram.dtype)
    whitening = identity
    for iteration in range(iterations):
        factor = a * identity + b * gram + c * ops.matmul(gram, gram)
        whitening = ops.matmul(factor, whitening) if iteration else factor
        if iteration < iterations - 1:
            gram = ops.matmul(ops.matmul(factor, gram), factor)
    whitening = whitening * ops.where(found, size * inverse, ops.zeros_like(inverse))
    return ops.matmul(matrices, whitening) if rows > columns else ops.matmul(whitening, matrices)
