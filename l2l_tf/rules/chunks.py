"""Many coordinates a chunk at a time: the temporaries of one chunk, the state in place."""

import numpy as np
from keras import ops

CHUNK = 2**14
# A rule with less state has its few operations fused: nothing is there to be bounded.
LEAST_FLOATS = 16


def worth_chunks(count, floats_per_coordinate):
    """Whether `count` coordinates (an int if it is static) are to be evaluated in chunks."""
    if not isinstance(count, int) or floats_per_coordinate < LEAST_FLOATS:
        return False
    return count >= 2 * CHUNK


def evaluate_in_chunks(update, gradient, slots, variable, dtype):
    """The update of `n` coordinates, `CHUNK` or a few less at a time.

    Under XLA the slots are written in place. What `update` is given is cast chunk by chunk,
    too, so that slots in half precision are never there in full precision as a whole.

    Args:
        update: Function `(gradient, slots, variable) → (update, slots)` of fewer coordinates.
        gradient: `[n]`.
        slots: Dict name → `[…, n]`.
        variable: `[n]`.
        dtype: Dtype in which `update` computes.

    Returns:
        `(update [n] in dtype, slots)`.
    """
    count = int(gradient.shape[0])
    number = -(-count // CHUNK)
    size = -(-count // number)
    overlap = number * size != count

    def take(tensor, start):
        rank = len(tensor.shape)
        shape = (*tensor.shape[:-1], size)
        return ops.slice(tensor, [0] * (rank - 1) + [start], shape)

    def put(tensor, start, part):
        rank = len(tensor.shape)
        return ops.slice_update(tensor, [0] * (rank - 1) + [start], ops.cast(part, tensor.dtype))

    def body(index, steps, slots):
        start = ops.minimum(index * size, count - size)
        parts = {name: take(slot, start) for name, slot in slots.items()}
        step, new = update(
            ops.cast(take(gradient, start), dtype),
            {name: ops.cast(part, dtype) for name, part in parts.items()},
            ops.cast(take(variable, start), dtype),
        )
        if overlap:
            # The last chunk starts within the one before, whose results stand.
            fresh = start + np.arange(size, dtype="int32") >= index * size
            step = ops.where(fresh, step, take(steps, start))
            new = {
                name: ops.where(fresh, ops.cast(new[name], part.dtype), part)
                for name, part in parts.items()
            }
        slots = {name: put(slot, start, new[name]) for name, slot in slots.items()}
        return index + 1, put(steps, start, step), slots

    _, steps, slots = ops.while_loop(
        lambda index, *_: index < number,
        body,
        (np.int32(0), ops.zeros((count,), dtype), slots),
        maximum_iterations=number,
    )
    return steps, slots
