"""What a gradient goes through before a network sees it."""

import math
from typing import Any

from keras import ops


def log_and_sign(gradient: Any, p: float) -> Any:
    """Logarithm and sign of a gradient as two bounded features.

    `(log|∇| / p, sgn ∇)` where `|∇| ≥ e^-p`, else `(−1, e^p·∇)`.
    Andrychowicz et al. (2016), appendix A.

    Args:
        gradient: `[n]`, any float dtype.
        p: Positive float; 10 in the paper, 5 in the authors' published preset.

    Returns:
        `[2, n]`, in the gradient's dtype.
    """
    magnitude = ops.abs(gradient)
    threshold = math.exp(-p)
    large = magnitude >= threshold
    log = ops.log(ops.maximum(magnitude, threshold)) / p
    linear = ops.clip(gradient, -threshold, threshold) * math.exp(p)
    first = ops.where(large, log, -ops.ones_like(gradient))
    second = ops.where(large, ops.sign(gradient), linear)
    return ops.stack([first, second], axis=0)
