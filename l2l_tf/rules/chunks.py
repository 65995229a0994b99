"""Large variables a chunk of coordinates at a time, with bounded temporaries."""

import math

import numpy as np
from keras import ops
from keras.backend import standardize_dtype

from l2l_tf.rules.barrier import optimization_barrier

CHUNK = 2**14
# A rule with less state has its few operations fused: nothing is there to be bounded.
MIN_FLOATS = 16
# Keras has it since 3.12. Without it half precision is written as such, which takes longer.
VIEW = getattr(ops, "view", None)
_UPDATE = "update"


def worth_chunks(count, floats_per_coordinate):
    """Whether `count` coordinates (an int if it is static) are to be evaluated in chunks."""
    return floats_per_coordinate >= MIN_FLOATS and many(count)


def many(count):
    """Whether `count` coordinates (an int if it is static) are more than two chunks."""
    return isinstance(count, int) and count >= 2 * CHUNK


def chunk_axis(shape, first=0):
    """The axis of a variable along which it is cut, counted from the last.

    Chunks are whole slices. They are taken along the first axis whose slices are no larger than a
    chunk, and lie in few pieces; where there is none, along the longest.

    Args:
        shape: Static shape.
        first: The first axis that comes into question.
    """
    count = math.prod(shape)
    axes = range(first, len(shape))
    fitting = [axis for axis in axes if count <= CHUNK * shape[axis]]
    return min(fitting, default=max(axes, key=lambda axis: shape[axis])) - len(shape)


def evaluate_in_chunks(update, given, slots, dtype, iteration, axis=-1):
    """The update of `n` coordinates, `CHUNK` of them or a few more at a time.

    Args:
        update: Function `(*given, slots) → (update, slots)` of fewer coordinates.
        given: As in `write_in_chunks`.
        slots: As in `write_in_chunks`.
        dtype: Dtype in which `update` computes.
        iteration: Scalar, not negative; see `optimization_barrier`.
        axis: As in `write_in_chunks`.

    Returns:
        `(update in the shape of given[0] and in dtype, slots)`.
    """

    def with_update(*pieces):
        *pieces, old = pieces
        step, new = update(*pieces, {name: old[name] for name in slots})
        return {**new, _UPDATE: step}

    steps = {_UPDATE: ops.zeros(tuple(given[0].shape), dtype)}
    new = write_in_chunks(with_update, given, {**slots, **steps}, dtype, iteration, axis)
    return new.pop(_UPDATE), new


def write_in_chunks(update, given, slots, dtype, iteration, axis=-1):
    """The new slots of `n` coordinates, `CHUNK` of them or a few more at a time.

    Compiled, slots that are assigned to the variables they were read from are written in place,
    chunk by chunk: what a chunk's results are is known before any of it is written, so that XLA
    for CPUs has no reason to keep a copy of the slots. What `update` is given is cast chunk by
    chunk, too, so that slots in half precision are never there in full precision as a whole.

    Args:
        update: Function `(*given, slots) → slots` of fewer coordinates.
        given: Tensors `[…, *shape]`, such as the gradient; the first is `[*shape]`, at least
            `CHUNK` coordinates. One of size 1 along `axis` goes to every chunk as a whole.
        slots: Dict name → `[…, *shape]`.
        dtype: Dtype in which `update` computes.
        iteration: Scalar, not negative; see `optimization_barrier`.
        axis: The axis that is cut, negative.

    Returns:
        Dict of the slots.
    """
    count = int(given[0].shape[axis])
    number = max(1, count // _slices(given[0].shape, axis))
    size = count // number
    kept_in = {name: slot.dtype for name, slot in slots.items()}

    def put(tensor, start, part):
        return ops.slice_update(tensor, _along(tensor, axis, start), part)

    def part(start, size, filled):
        chunk = {n: _values(_take(t, start, size, axis), kept_in[n]) for n, t in filled.items()}
        new = update(
            *(ops.cast(_take(t, start, size, axis), dtype) for t in given),
            {name: ops.cast(slot, dtype) for name, slot in chunk.items()},
        )
        new = {name: _bits(ops.cast(new[name], kept_in[name])) for name in slots}
        new = optimization_barrier(new, iteration)
        return {name: put(tensor, start, new[name]) for name, tensor in filled.items()}

    _, slots = ops.while_loop(
        lambda index, _: index < number,
        lambda index, filled: (index + 1, part(index * size, size, filled)),
        (np.int32(0), {name: _bits(s) for name, s in slots.items()}),
        maximum_iterations=number,
    )
    if count > number * size:  # Fewer than there are chunks.
        slots = part(number * size, count - number * size, slots)
    return {name: _values(slot, kept_in[name]) for name, slot in slots.items()}


def sums_in_chunks(terms, given, dtype, axis=-1, kept=0):
    """Sums over `n` coordinates, `many` of them, each chunk read once for all sums.

    Args:
        terms: Function `(*given) → list of k tensors` of as many coordinates, in any shape; what
            they are summed over are all axes but the first `kept`.
        given: As in `write_in_chunks`.
        dtype: Dtype in which `terms` computes.
        axis: As in `write_in_chunks`.
        kept: Number of first axes of each of the `terms` over which is not summed.

    Returns:
        `[k, …]`, the axes that are kept behind the first.
    """
    slices = _slices(given[0].shape, axis)
    number, rest = divmod(int(given[0].shape[axis]), slices)
    flat = len(given[0].shape) == 1
    width, bits = min(slices, 2**10), [_bits(t) for t in given]

    def part(start, size, width):
        # A sum over rows adds rows; one along a row would add one entry at a time.
        pieces = [_take(t, start, size, axis) for t in bits]
        if flat:
            pieces = [ops.reshape(p, (*p.shape[:-1], -1, width)) for p in pieces]
        pieces = (_values(p, t.dtype) for p, t in zip(pieces, given, strict=True))
        found = terms(*(ops.cast(p, dtype) for p in pieces))
        return [ops.sum(ops.reshape(t, (*t.shape[:kept], -1, t.shape[-1])), axis=-2) for t in found]

    def body(index, sums):
        new = part(index * slices, slices, width)
        return index + 1, [a + b for a, b in zip(sums, new, strict=True)]

    def total(sums):
        sums = ops.stack(sums)
        return ops.matmul(sums, ops.ones((sums.shape[-1], 1), dtype))[..., 0]

    _, sums = ops.while_loop(
        lambda index, _: index < number,
        body,
        (np.int32(1), part(0, slices, width)),
        maximum_iterations=number,
    )
    sums = total(sums)
    if rest:
        sums = sums + total(part(number * slices, rest, 1))
    return sums


def _slices(shape, axis):
    """Slices along an axis that make a chunk."""
    return max(1, CHUNK * int(shape[axis]) // math.prod(shape))


def _along(tensor, axis, start):
    """Where a slice along an axis begins."""
    starts = [0] * len(tensor.shape)
    starts[axis] = start
    return starts


def _take(tensor, start, size, axis):
    if tensor.shape[axis] == 1:
        return tensor
    lengths = list(tensor.shape)
    lengths[axis] = size
    return ops.slice(tensor, _along(tensor, axis, start), lengths)


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
