"""What the scheduler of `mixture` sees of each variable: statistics before the step, unit-free."""

import math
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from l2l_tf.cells.squares import TINY, bounded, inverse_root
from l2l_tf.rules import chunks

VARIABLE_SIGNALS = 16


class Measured(NamedTuple):
    """Statistics of a group's variables before the step, `[variables]` each.

    Attributes:
        agreement: How gradients agree with the fast mean.
        growth: `rms(g)/√mean(v̂)`: 1 in a steady run, large where gradients suddenly grow.
        power: Mean square of the gradient.
        mean_power: Mean square of the fast mean.
        shared_power: Mean product of gradient and fast mean.
        logs: Dict sides → logarithms of how unequal v's rows `[kernels, rows, 1]` are, and its
            columns `[kernels, 1, columns]`.
    """

    agreement: Any
    growth: Any
    power: Any
    mean_power: Any
    shared_power: Any
    logs: dict


def measure(group, lists, tensors, masses, log_rate, number, chunked):
    """Statistics and signals of a group.

    Args:
        group: `Group`.
        lists: `Tensors` of lists over its variables.
        tensors: The same, packed.
        masses: `[3, variables]`, the weight that means have gathered so far.
        log_rate: `[variables]`, r.
        number: Number of all variables.
        chunked: Whether a large variable is read a chunk at a time.

    Returns:
        `(Measured, signals [VARIABLE_SIGNALS, variables] float32)`.
    """
    *moments, mean_power, shared_power = ops.unstack(_moments(group, lists, tensors, chunked))
    agree_1, agree_2, size_1, between, size_2, weights, held, now = moments
    # v's missing mass scales every product alike; means' missing mass is undone per mean.
    mass_1, mass_2, mass_v = ops.unstack(ops.maximum(masses, 1e-6))
    size_1, size_2 = size_1 * mass_v / mass_1**2, size_2 * mass_v / mass_2**2
    agree_1 = agree_1 * mass_v / mass_1 * ops.rsqrt(size_1 + 1e-6)
    agree_2 = agree_2 * mass_v / mass_2 * ops.rsqrt(size_2 + 1e-6)
    between = between * mass_v / (mass_1 * mass_2) * ops.rsqrt(size_1 * size_2 + 1e-12)
    past = held / mass_v
    growth = ops.sqrt(now / ops.maximum(past, TINY))
    growth = ops.where(past > TINY, growth, ops.ones_like(growth))
    agreement = ops.clip(agree_1, -2.0, 2.0)
    logs = _relative_logs(group, tensors.mean_square, held)
    rows = [
        agreement,
        ops.clip(agree_2, -2.0, 2.0),
        ops.clip(between, -1.0, 1.0),
        ops.log(size_1 + 1e-6) / 14.0,
        ops.log(size_2 + 1e-6) / 14.0,
        ops.clip(ops.log(growth + 1e-3), -3.0, 3.0) / 3.0,
        ops.log(weights + 1e-8) / 18.0,
        log_rate / 6.0,
    ]
    signals = ops.concatenate([ops.stack(rows), _inequality(group, logs)])
    signals = ops.concatenate([ops.cast(signals, "float32"), _static_signals(group, number)])
    return Measured(agreement, growth, now, mean_power, shared_power, logs), signals


def _moments(group, lists, tensors, chunked):
    """`[10, variables]`: means over each variable of products of its tensors."""
    if not (chunked and group.large):
        return group.segments.means(_products(*tensors))
    alone = [ops.reshape(t, (-1,)) for (t,) in lists]  # Cast a chunk at a time.
    sums = chunks.sums_in_chunks(_products, alone, group.dtype)
    return (sums / group.segments.sizes[0])[:, None]


def _products(gradient, variable, mean, slow, square):
    """Ten products for each coordinate; five in Adam's metric, without units."""
    gradient = bounded(gradient)
    inverse = inverse_root(square)
    new, fast, slow = (t * inverse for t in (gradient, mean, slow))
    pairs = ((new, fast), (new, slow), (fast, fast), (fast, slow), (slow, slow))
    power = ops.square(ops.clip(variable, -1e18, 1e18))
    return [
        *(a * b for a, b in pairs),
        *(power, square, ops.square(gradient), ops.square(mean), gradient * mean),
    ]


def _relative_logs(group, mean_square, past):
    """`Measured.logs` out of v, packed, and its mean over each variable."""
    logs = {}
    for sides, (first, count) in group.kernels.items():
        rows, columns = sides
        square = group.stacked(mean_square, sides)
        known = past[first : first + count][:, None, None]
        by_side = (
            ops.matmul(square, ops.full((columns, 1), 1.0 / columns, group.dtype)),
            ops.matmul(ops.full((1, rows), 1.0 / rows, group.dtype), square),
        )
        found = [ops.log(ops.clip(m / ops.maximum(known, TINY), 1e-9, 1e9)) for m in by_side]
        logs[sides] = [ops.where(known > TINY, t, ops.zeros_like(t)) for t in found]
    return logs


def _inequality(group, logs):
    """How unequal rows, and columns, of v are, `[2, variables]`; 0 but for kernels."""
    found = [
        ops.stack([ops.mean(t, axis=(-2, -1)) for t in of_sides]) / 5.0
        for of_sides in logs.values()
    ]
    others = group.segments.count - sum(group.orthogonal)
    return ops.concatenate([ops.zeros((2, others), group.dtype), *found], axis=1)


def _static_signals(group, number):
    """`[6, variables]` float32: kind, size and place of each variable."""
    rows = [
        [
            *(float(len(shape) <= 1), float(len(shape) == 2), float(len(shape) > 2)),
            float(orthogonal),
            0.5 * math.log10(max(math.prod(shape), 1)) / 3.0,
            index / max(number - 1, 1),
        ]
        for index, shape, orthogonal in zip(
            group.indices, group.segments.shapes, group.orthogonal, strict=True
        )
    ]
    return np.array(rows, "float32").T
