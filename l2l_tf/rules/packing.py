"""Several variables packed into one flat vector of coordinates, and unpacked again."""

import math

import numpy as np
from keras import ops

from l2l_tf.rules.dtypes import compute_dtype_for


def pack(gradients, states, variables, dtype):
    """Several variables as one flat vector of `n` coordinates.

    Returns:
        `(gradient [n], state, variable [n])` in `dtype`, or as they are if it is None; state:
        dict name → `[…, n]`.
    """

    def packed(tensors):
        tensor = _concatenated(tensors)
        return tensor if dtype is None else ops.cast(tensor, dtype)

    def flat(tensors):
        return packed([ops.reshape(t, (-1,)) for t in tensors])

    state = {name: packed([s[name] for s in states]) for name in states[0]}
    return flat(gradients), state, flat(variables)


def unpack(update, state, variables, old_states):
    """The inverse of `pack`: updates in the variables' shapes, slots in their dtypes."""
    sizes = [size_of(v) for v in variables]
    updates = [
        ops.reshape(piece, ops.shape(v))
        for piece, v in zip(_split(update, sizes), variables, strict=True)
    ]
    states = [{} for _ in variables]
    for name, value in state.items():
        for new, old, piece in zip(states, old_states, _split(value, sizes), strict=True):
            new[name] = ops.cast(piece, old[name].dtype)
    return updates, states


# Packing copies the state of the packed variables, there and back, at every step. It pays while it
# spares an op chain for each of many small ones.
PACKED_STATE_BYTES = 32 * 2**20
PACKED_COORDINATES = 2**12


def packing_groups(variables, floats_per_coordinate):
    """Which variables are evaluated together.

    Variables of one compute dtype, each of at most `PACKED_COORDINATES`, are packed while their
    state together is at most `PACKED_STATE_BYTES`; others, and those of unknown size, stay alone.

    Args:
        variables: List of tensors or variables.
        floats_per_coordinate: Numbers of state per coordinate.

    Returns:
        List of lists of indices into `variables`.
    """
    groups, open_groups = [], {}
    for index, variable in enumerate(variables):
        dtype = compute_dtype_for(variable)
        size = size_of(variable)
        if not isinstance(size, int) or size > PACKED_COORDINATES:
            groups.append([index])
            continue
        width = 8 if dtype == "float64" else 4
        cost = size * max(floats_per_coordinate, 1) * width
        group, used = open_groups.get(dtype, (None, 0))
        if group is None or used + cost > PACKED_STATE_BYTES:
            group, used = [], 0
            groups.append(group)
        group.append(index)
        open_groups[dtype] = (group, used + cost)
    return groups


def size_of(variable):
    """Number of coordinates: an int if the shape is static, else a tensor."""
    shape = tuple(variable.shape)
    if all(isinstance(d, int) for d in shape):
        return int(math.prod(shape))
    return ops.size(variable)


def _concatenated(tensors):
    return tensors[0] if len(tensors) == 1 else ops.concatenate(tensors, axis=-1)


def _split(tensor, sizes):
    if len(sizes) == 1:
        return [tensor]
    boundaries = list(np.cumsum(sizes)[:-1])
    return ops.split(tensor, [int(b) for b in boundaries], axis=-1)


def at_places(tensor, places):
    """The tensor's last axis at some places, a list of ints; itself if they are all, in order."""
    places = list(places)
    if places == list(range(tensor.shape[-1])):
        return tensor
    return ops.take(tensor, np.asarray(places, "int32"), axis=-1)
