"""What the course of the loss says, free of its scale. Metz et al. (2022), arXiv 2211.09760."""

import numpy as np
from keras import ops

MEANS = 10
FEATURES = MEANS - 1
SLOTS = ("loss_means", "loss_minima", "loss_count")
_MAX = float(np.finfo("float32").max)


def initial_loss_state(dtype="float32"):
    """State before any loss was seen.

    Returns:
        Dict with `loss_means` `[10]`, `loss_minima` `[10]` and the scalar `loss_count`.
    """
    return {
        "loss_means": ops.zeros((MEANS,), dtype),
        "loss_minima": ops.full((MEANS,), _MAX, dtype),
        "loss_count": ops.zeros((), dtype),
    }


def observe_loss(state, loss, total_steps):
    """Exponential means of the loss, their minima, and what they tell.

    Ten means have half-lives spaced evenly in logarithm from 10 to `total_steps`. A loss
    is first clipped at twice the largest bias-corrected mean. With c_k the corrected means
    and r_k their minima so far, feature k is
    `clip((c_k − r_k) / max(1e-8, c_{k+1} − r_k) − 1, −1, 1)`; 0 until the third loss.
    A loss that is not finite is unknown: the state stays, and the features are 0.

    Args:
        state: See `initial_loss_state`.
        loss: Scalar; NaN if unknown.
        total_steps: Scalar, known.

    Returns:
        `(features [9], state)`.
    """
    means, minima, count = (state[name] for name in SLOTS)
    dtype = means.dtype
    # Before the first loss there is no minimum, also where zeros were written over the state.
    minima = ops.where(count == 0, ops.full_like(minima, _MAX), minima)
    loss = ops.cast(loss, dtype)
    known = ops.isfinite(loss)
    loss = ops.where(known, loss, ops.zeros_like(loss))
    exponents = ops.cast(np.linspace(0.0, 1.0, MEANS), dtype)
    log_total = ops.log(ops.maximum(ops.cast(total_steps, dtype), 1.0))
    half_lives = ops.exp((1.0 - exponents) * np.log(10.0) + exponents * log_total)
    weights = -ops.expm1(-1.0 / half_lives)
    steps = count + 1.0
    correction = -1.0 / ops.expm1(-steps / half_lives)
    largest = ops.where(count == 0, loss, ops.max(means * correction))
    clipped = ops.minimum(2.0 * ops.abs(largest), loss)
    new_means = means + weights * (clipped - means)
    corrected = new_means * correction
    new_minima = ops.minimum(minima, corrected)
    lowest = new_minima[:-1]
    ratio = (corrected[:-1] - lowest) / ops.maximum(corrected[1:] - lowest, 1e-8)
    features = ops.clip(ratio - 1.0, -1.0, 1.0)
    features = ops.where(ops.logical_and(known, steps > 2), features, ops.zeros_like(features))
    new_state = {
        "loss_means": ops.where(known, new_means, means),
        "loss_minima": ops.where(known, new_minima, minima),
        "loss_count": ops.where(known, steps, count),
    }
    return features, new_state
