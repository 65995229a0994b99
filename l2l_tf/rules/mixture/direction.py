"""The step of `mixture`: what variables move along, under factors for each of them."""

from keras import ops

from l2l_tf.cells import newton_schulz, only_where, touched
from l2l_tf.cells.squares import bounded, inverse_root
from l2l_tf.rules.mixture.controls import Factors
from l2l_tf.rules.mixture.group import SLOTS

# Five, as Muon takes, bring small singular values nearer to 1, and no loss further down.
ITERATIONS = 3


def advance(group, tensors, factors, controls, logs):
    """Update and next slots of a group, packed.

    Args:
        group: `Group`.
        tensors: `Tensors`, packed, before the step.
        factors: `Factors` of each variable.
        controls: `Controls`.
        logs: See `Measured`.

    Returns:
        `(update, slots)`: slots a dict.
    """
    factors = Factors(*group.segments.spread(ops.stack(factors)))
    orthogonal = None
    if group.kernels:
        powers = 0.4 * ops.sigmoid(controls.row_power), 0.25 * ops.tanh(controls.column_power)
        orthogonal = _orthogonalised(group, tensors, factors, powers, logs)
    return _coordinates(tensors, orthogonal, factors)


def _orthogonalised(group, tensors, factors, powers, logs):
    """O of every variable from its next mean, packed; zeros where there is none."""
    gradient = bounded(tensors.gradient) * factors.bound
    mean = tensors.mean + factors.keep * (gradient - tensors.mean)
    ahead, blocks = mean + factors.keep * (gradient - mean), []
    for sides, (first, count) in group.kernels.items():
        matrix = group.stacked(ahead, sides)
        for power, of_sides in zip(powers, logs[sides], strict=True):
            matrix = matrix * ops.exp(-power[first : first + count][:, None, None] * of_sides)
        matrix = newton_schulz(matrix, ITERATIONS)
        blocks.append(ops.reshape(matrix, (count, -1)))
    return group.segments.pack_blocks(blocks, group.dtype)


def _coordinates(tensors, orthogonal, factors):
    """`(update, slots)`, packed, under factors that broadcast with what is packed."""
    gradient = bounded(tensors.gradient) * factors.bound
    keeps = (factors.keep, factors.keep_slow, factors.keep_square)
    targets = (gradient, gradient, ops.square(gradient))
    old = tuple(getattr(tensors, name) for name in SLOTS)
    mean, slow, square = (
        was + keep * (new - was) for was, keep, new in zip(old, keeps, targets, strict=True)
    )
    inverse = inverse_root(square * factors.square)
    mixed = factors.fast * mean + factors.slow * slow + factors.new * gradient
    direction = inverse * mixed + factors.plain * mean
    if orthogonal is not None:
        direction = direction + factors.orthogonal * orthogonal
    direction = ops.clip(direction, -10.0, 10.0)
    update = -factors.rate * direction - factors.shrink * tensors.variable
    # Neither O nor the decay moves what never had a gradient.
    (update,) = only_where(touched(gradient, slow, square), update)
    return update, dict(zip(SLOTS, (mean, slow, square), strict=True))
