"""How far a training run has come, as features. Metz et al. (2022), arXiv 2211.09760."""

from keras import ops

STAGES = (0.03, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 1.0, 1.1)


def progress_features(fraction):
    """`tanh(10 · (fraction − s))` for the nine `STAGES` s.

    Args:
        fraction: Scalar tensor.

    Returns:
        `[9]`.
    """
    return ops.tanh(10.0 * (fraction - ops.cast(STAGES, fraction.dtype)))
