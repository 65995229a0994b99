"""What keeps a step finite: whether gradients are, and the range of weights."""

import math

from keras import ops
from keras.backend import standardize_dtype

# Up to here a copy costs less than an operation of its own, and its compilation.
STACKED_ENTRIES = 2**16
# A matrix times this has no sum over a row of fewer than 2⁴⁰ entries that overflows.
SMALL = 2.0**-40
MAX = {"float16": 65504.0, "bfloat16": (2.0 - 2.0**-7) * 2.0**127}


def all_finite(gradients):
    """Whether no gradient holds NaN or Inf, a scalar bool; None counts as finite.

    Args:
        gradients: List of tensors or None, at least one of them given.
    """
    tensors = _stacked([ops.convert_to_tensor(g) for g in gradients if g is not None])
    return ops.all(ops.stack([ops.all(ops.isfinite(_sums(t))) for t in tensors]))


def _sums(tensor):
    """Sums of the tensor's entries that are finite where all of them are.

    A product reads a matrix once, where each entry's own answer would be written down and read
    again. What is summed is so small that no sum of finite entries overflows.
    """
    if len(tensor.shape) < 2 or None in tensor.shape or standardize_dtype(tensor.dtype) in MAX:
        return tensor
    columns = tensor.shape[-1]
    small = ops.full((columns, 1), SMALL, dtype=tensor.dtype)
    return ops.matmul(ops.reshape(tensor, (-1, columns)), small)


def _stacked(tensors):
    """The same numbers in fewer tensors: small ones of one shape and dtype are stacked."""
    groups = {}
    for index, tensor in enumerate(tensors):
        shape = tuple(tensor.shape)
        small = None not in shape and math.prod(shape) <= STACKED_ENTRIES
        groups.setdefault((shape, tensor.dtype) if small else index, []).append(tensor)
    return [ops.stack(group) if len(group) > 1 else group[0] for group in groups.values()]


def finite_sum(value, update):
    """`value + update`, kept within the range of a variable in half precision."""
    dtype = standardize_dtype(value.dtype)
    if dtype in MAX:
        largest = MAX[dtype]
        total = ops.cast(value, "float32") + ops.cast(update, "float32")
        return ops.cast(ops.clip(total, -largest, largest), dtype)
    return value + ops.cast(update, dtype)
