"""Newton–Schulz iteration towards the nearest orthogonal matrix."""

from keras import ops

# Jordan et al. (2024), Muon: singular values end near 1 within 5 iterations.
COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def newton_schulz(matrices, iterations=5):
    """Replace the singular values of matrices by values near 1.

    From `X = M / ‖M‖`, repeat `X ← a·X + (b·XXᵀ + c·(XXᵀ)²)·X`.

    Args:
        matrices: `[…, rows, columns]`.
        iterations: Number of iterations.

    Returns:
        Tensor of the same shape.
    """
    a, b, c = COEFFICIENTS
    rows, columns = matrices.shape[-2:]
    x = ops.swapaxes(matrices, -1, -2) if rows > columns else matrices
    x = x / (ops.sqrt(ops.sum(ops.square(x), axis=(-2, -1), keepdims=True)) + 1e-7)
    for _ in range(iterations):
        gram = ops.matmul(x, ops.swapaxes(x, -1, -2))
        x = a * x + ops.matmul(b * gram + c * ops.matmul(gram, gram), x)
    return ops.swapaxes(x, -1, -2) if rows > columns else x
