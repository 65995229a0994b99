"""Celo's network evaluated for a variable: as a whole, or a chunk of coordinates at a time."""

import functools
import math
from typing import NamedTuple

from keras import ops

from l2l_tf.cells import only_where, touched
from l2l_tf.rules import chunks
from l2l_tf.rules.celo.factored import factored_axes, factored_scales
from l2l_tf.rules.celo.inputs import (
    accumulate,
    accumulate_factored,
    coordinate_features,
    factored_features,
)
from l2l_tf.rules.celo.network import layers_above, mean_squares, normalised_linear
from l2l_tf.rules.packing import size_of

LAYERS = 3


class Reading(NamedTuple):
    """How a rule reads gradients.

    Attributes:
        bound: What a gradient's coordinates are clipped to.
        square_decay: Decay of `mean_square`.
        root_epsilon: Added to it under the root.
        epsilon: Added to a feature's mean square.
        last_axes: How many of the last axes a feature's mean square is taken over, for each place
            along the others by itself; None: all.
    """

    bound: float
    square_decay: float
    root_epsilon: float
    epsilon: float
    last_axes: int | None = None


def network_outputs(reading, output, gradient, variable, slots, meta_params, context, chunked):
    """What the network puts out for every coordinate of a variable, and the slots after it.

    Large variables go through it a chunk at a time if `chunked` says so, and twice: features are
    divided by their mean squares over the variable, which must be known first.

    Args:
        reading: `Reading`.
        output: Function of the network's outputs `[outputs, …]` → `[…]`.
        gradient: `[*shape]`.
        variable: `[*shape]`, before the step.
        slots: Dict as in `inputs.celo_slot_shapes`.
        meta_params: The network's.
        context: A `Context`.
        chunked: Whether temporaries are to be bounded.

    Returns:
        `(output [*shape], slots)`; 0 where no gradient other than zero ever came.
    """
    shape = tuple(gradient.shape)
    first = 0 if reading.last_axes is None else max(len(shape) - reading.last_axes, 0)
    axes = tuple(range(first + 1, len(shape) + 1))
    kernel = meta_params["mlp_0_kernel"]
    factored = accumulate_factored(_clipped(gradient, reading), slots)
    scales = ()
    if factored:
        scales = factored_scales(factored["row"], factored["column"], factored_axes(shape))
    parts = [
        normalised_linear(block, mean_squares(block, axes), kernel, columns, reading.epsilon)
        for block, columns in factored_features(factored)
    ]
    own = {name: slot for name, slot in slots.items() if name not in factored}

    def features_of(gradient, variable, scales, own):
        gradient = _clipped(gradient, reading)
        own = accumulate(gradient, own, reading.square_decay)
        return *coordinate_features(gradient, variable, own, scales, reading.root_epsilon), own

    def outputs(gradient, variable, *others, squares=None):
        *around, own = others
        scales, parts = around[: len(around) // 2], around[len(around) // 2 :]
        features, columns, own = features_of(gradient, variable, scales, own)
        squares = mean_squares(features, axes) if squares is None else squares
        hidden = normalised_linear(features, squares, kernel, columns, reading.epsilon)
        found = output(layers_above(sum(parts, hidden), meta_params, LAYERS))
        (found,) = only_where(touched(gradient, own["mean"], own["mean_square"]), found)
        return found, own

    given = (gradient, variable, *scales, *parts)
    if not (chunked and chunks.many(size_of(gradient))):
        found, own = outputs(*given, own)
        return found, {**own, **factored}

    def squared(gradient, variable, *others):
        values = dict(zip(own, others[len(scales) :], strict=True))
        return [ops.square(features_of(gradient, variable, others[: len(scales)], values)[0])]

    axis, dtype = chunks.chunk_axis(shape, first), gradient.dtype
    read = (gradient, variable, *scales, *own.values())
    sums = chunks.sums_in_chunks(squared, read, dtype, axis, kept=first + 1)[0]
    squares = ops.reshape(sums, (*sums.shape, *(1 for _ in axes))) / math.prod(shape[first:])
    outputs = functools.partial(outputs, squares=squares)
    found, own = chunks.evaluate_in_chunks(outputs, given, own, dtype, context.iteration, axis)
    return found, {**own, **factored}


def _clipped(gradient, reading):
    return ops.clip(gradient, -reading.bound, reading.bound)
