"""Which coordinates a gradient has reached: what never saw one is not moved."""

from typing import Any

from keras import ops


def touched(gradient: Any, *slots: Any) -> Any:
    """Where a gradient other than zero came, now or in a step before.

    A mask over gradients, or rows of an embedding that no batch contains, leave coordinates
    whose gradient has been exactly zero since the start. Nothing is known of them, so no rule
    moves them.

    Args:
        gradient: `[…]`.
        *slots: Tensors `[…]` of the same shape, or `[k, …]`: 0 until a gradient other than
            zero came, and not all of them 0 thereafter.

    Returns:
        Bool tensor of the gradient's shape.
    """
    found = ops.not_equal(gradient, 0.0)
    for slot in slots:
        nonzero = ops.not_equal(slot, 0.0)
        if len(slot.shape) > len(gradient.shape):
            nonzero = ops.any(nonzero, axis=0)
        found = ops.logical_or(found, nonzero)
    return found


def only_where(touched: Any, *tensors: Any) -> list[Any]:
    """Tensors `[…]` or `[k, …]`, with 0 where a coordinate is not `touched` `[…]`."""
    return [ops.where(touched, t, ops.zeros_like(t)) for t in tensors]
