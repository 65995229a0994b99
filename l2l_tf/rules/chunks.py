"""Large variables a chunk of coordinates at a time, with bounded temporaries."""

import numpy as np
from keras import ops
from keras.backend import standardize_dtype

from l2l_tf.rules.barrier import optimization_barrier

CHUNK = 2**14
# A rule with less state has its few operations fused: nothing is there to be bounded.
MIN_FLOATS = 16
# Keras has it since 3.12. Without it half precision is written as such, which takes longer.
VIEW = getattr(ops, "view", None)


def worth_chunks(count, floats_per_coordinate):
    """Whether `count` coordinates (an int if it is static) are to be evaluated in chunks."""
    return floats_per_coordinate >= MIN_FLOATS and many(count)


def many(count):
    """Whether `count` coordinates (an int if it is static) are more than two chunks."""
    return isinstance(count, int) and count >= 2 * CHUNK


def evaluate_in_chunks(update, given, slots, dtype, iteration):
    """The update of `n` coordinates, `CHUNK` of them or a few more at a time.

    Compiled, slots that are assigned to the variables they were read from are written in place,
    chunk by chunk: what a chunk's results are is known before any of it is written, so that XLA
    for CPUs has no reason to keep a copy of the slots. What `update` is given is cast chunk by
    chunk, too, so that slots in half precision are never there in full precision as a whole.

    Args:
        update: Function `(*given, slots) → (update, slots)` of fewer coordinates.
        given: Tensors `[n]`, at least `CHUNK` coordinates, such as the gradient.
        slots: Dict name → `[…, n]`.
        dtype: Dtype in which `update` computes.
        iteration: Scalar, not negative; see `optimization_barrier`.

    Returns:
        `(update [n] in dtype, slots)`.
    """
    count = int(given[0].shape[0])
    number = count // CHUNK
    size = count // number
    kept_in = {name: slot.dtype for name, slot in slots.items()}

    def put(tensor, start, part):
        rank = len(tensor.shape)
        return ops.slice_update(tensor, [0] * (rank - 1) + [start], part)

    def part(start, size, steps, filled):
        chunk = {n: _values(_take(t, start, size), kept_in[n]) for n, t in filled.items()}
        step, new = update(
            *(ops.cast(_take(t, start, size), dtype) for t in given),
            {name: ops.cast(slot, dtype) for name, slot in chunk.items()},
        )
        new = {name: _bits(ops.cast(value, kept_in[name])) for name, value in new.items()}
        step, new = optimization_barrier((ops.cast(step, dtype), new), iteration)
        filled = {name: put(tensor, start, new[name]) for name, tensor in filled.items()}
        return put(steps, start, step), filled

    _, steps, slots = ops.while_loop(
        lambda index, *_: index < number,
        lambda index, *filled: (index + 1, *part(index * size, size, *filled)),
        (np.int32(0), ops.zeros((count,), dtype), {name: _bits(s) for name, s in slots.items()}),
        maximum_iterations=number,
    )
    if count > number * size:  # Fewer than there are chunks.
        steps, slots = part(number * size, count - number * size, steps, slots)
    return steps, {name: _values(slot, kept_in[name]) for name, slot in slots.items()}


def sums_in_chunks(terms, given, dtype):
    """Sums over `n` coordinates, `many` of them, each chunk read once for all sums.

    Args:
        terms: Function `(*given) → list of k tensors` of as many coordinates, in any shape.
        given: Tensors `[n]`.
        dtype: Dtype in which `terms` computes.

    Returns:
        `[k]`.
    """
    number, rest = divmod(int(given[0].shape[0]), CHUNK)
    width, bits = min(CHUNK, 2**10), [_bits(t) for t in given]

    def part(start, size, width):
        # A sum over rows adds rows; one along a row would add one entry at a time.
        pieces = (ops.reshape(_take(t, start, size), (-1, width)) for t in bits)
        pieces = (_values(p, t.dtype) for p, t in zip(pieces, given, strict=True))
        return [ops.sum(t, axis=0) for t in terms(*(ops.cast(p, dtype) for p in pieces))]

    def body(index, sums):
        new = part(index * CHUNK, CHUNK, width)
        return index + 1, [a + b for a, b in zip(sums, new, strict=True)]

    _, sums = ops.while_loop(
        lambda index, _: index < number,
        body,
        (np.int32(1), part(0, CHUNK, width)),
        maximum_iterations=number,
    )
    sums = ops.matmul(ops.stack(sums), ops.ones((width, 1), dtype))
    if rest:
        sums = sums + ops.stack(part(number * CHUNK, rest, 1))
    return sums[:, 0]


def _take(tensor, start, size):
    rank = len(tensor.shape)
    return ops.slice(tensor, [0] * (rank - 1) + [start], (*tensor.shape[:-1], size))


def _bits(tensor):
    """Half precision as integers of its size, anything else as it is.

    XLA for CPUs has no operations in half precision: to write a chunk it would cast the whole
    slot to float32 and back.
    """
    half = str(standardize_dtype(tensor.dtype)) in ("bfloat16", "float16")
    return VIEW(tensor, "int16") if half and VIEW else tensor


def _values(bits, dtype):
    """What `_bits` was given."""
    return bits if bits.dtype == dtype else VIEW(bits, dtype)
