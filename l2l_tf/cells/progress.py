"""How far a training run has come."""

from typing import Any

from keras import ops


def fraction_done(
    iteration: Any,
    total_steps: Any,
    default_total_steps: float,
    held_fraction: float,
    dtype: str = "float32",
) -> Any:
    """Share of the run that is over, `t / T`.

    With an unknown length (NaN) a run counts as one of `default_total_steps` that stops
    ageing at `held_fraction`: `min(t / default_total_steps, held_fraction)`.

    Args:
        iteration: Scalar, updates taken before this one.
        total_steps: Scalar; NaN if unknown.
        default_total_steps: Positive number.
        held_fraction: Number in [0, 1].
        dtype: Dtype of the result.

    Returns:
        Scalar; above 1 when a run goes on after its announced end.
    """
    total = ops.cast(total_steps, dtype)
    iteration = ops.cast(iteration, dtype)
    unknown = ops.isnan(total)
    known = iteration / ops.where(unknown, ops.ones_like(total), total)
    assumed = ops.minimum(iteration / default_total_steps, ops.cast(held_fraction, dtype))
    return ops.where(unknown, assumed, known)
