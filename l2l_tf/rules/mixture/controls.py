"""What the scheduler of `mixture` says about each variable, and what a step makes of it."""

from typing import Any, NamedTuple

from keras import ops

from l2l_tf.cells.squares import TINY


class Controls(NamedTuple):
    """What the scheduler says, `[variables]` each; 0 is as set by hand.

    Attributes:
        rate: Logarithm of a factor on the step.
        fast: w₁, the weight of the fast mean in Adam's metric, as a deviation.
        slow: w₂, that of the slow mean.
        new: w₃, that of the gradient.
        plain: w₄, that of the fast mean over its own size.
        mean_decay: Logarithm of a factor on 1 − β of the means.
        square_decay: The same for the mean square.
        weight_decay: Logarithm of a factor on the weight decay.
        growth: How r grows whatever gradients say.
        orthogonal: w₅, the weight of O, as a deviation.
        row_power: p of O, before its bounds.
        column_power: q.
    """

    rate: Any
    fast: Any
    slow: Any
    new: Any
    plain: Any
    mean_decay: Any
    square_decay: Any
    weight_decay: Any
    growth: Any
    orthogonal: Any
    row_power: Any
    column_power: Any


CONTROLS = len(Controls._fields)


class Factors(NamedTuple):
    """What goes to every coordinate of a variable, `[variables]` each or spread over them.

    Attributes:
        bound: Factor on the gradient.
        keep: 1 − β of the fast mean.
        keep_slow: 1 − β of the slow mean.
        keep_square: 1 − β of the mean square.
        fast: Factor on the fast mean in Adam's metric.
        slow: Factor on the slow mean.
        new: Factor on the gradient in Adam's metric.
        square: Factor on the mean square, the reciprocal of its mass.
        plain: Factor on the fast mean without a metric.
        rate: α.
        shrink: Share of the weights that is taken off.
        orthogonal: Factor on O.
    """

    bound: Any
    keep: Any
    keep_slow: Any
    keep_square: Any
    fast: Any
    slow: Any
    new: Any
    square: Any
    plain: Any
    rate: Any
    shrink: Any
    orthogonal: Any


class Steering(NamedTuple):
    """State of each variable that is kept for all of them at once.

    Attributes:
        masses: `[3, variables]`, the weight that each mean has gathered so far.
        log_rate: `[variables]`, r.
    """

    masses: Any
    log_rate: Any


def factors_of(rule, group, controls, measured, steering, annealing, iteration):
    """`(Factors, Steering)` of a step of a group's variables.

    Args:
        rule: `Mixture`.
        group: `Group`.
        controls: `Controls`.
        measured: `Measured`.
        steering: `Steering` before the step.
        annealing: Scalar factor on all step sizes.
        iteration: Scalar, steps that the slots have seen.
    """
    growing = ops.tanh(controls.growth + annealing * measured.agreement)
    log_rate = ops.clip(steering.log_rate + 0.1 * growing, rule.min_log_rate, 12.0)
    rate = rule.step_size * annealing * ops.exp(log_rate + 3.0 * ops.tanh(controls.rate / 3.0))
    keep = 0.1 * ops.exp(2.0 * ops.tanh(controls.mean_decay / 2.0))
    young = ops.power(ops.cast(iteration, group.dtype) + 1.0, -0.8)
    keep_square = 0.003 * ops.exp(2.0 * ops.tanh(controls.square_decay / 2.0))
    keep_square = ops.maximum(keep_square, young)
    decay = rule.weight_decay * ops.exp(4.0 * ops.tanh(controls.weight_decay / 4.0))
    keeps = ops.stack([keep, 0.1 * keep, keep_square])
    masses = steering.masses + keeps * (1.0 - steering.masses)
    # A sudden gradient enters the means at no more than four times the usual size.
    bound = ops.minimum(1.0, 4.0 / ops.maximum(measured.growth, 1e-6))
    new = keep * bound
    power = (1.0 - keep) ** 2 * measured.mean_power + new**2 * measured.power
    power = power + 2.0 * (1.0 - keep) * new * measured.shared_power
    plain = controls.plain * ops.rsqrt(ops.maximum(power / masses[0] ** 2, TINY))
    sizes = ops.convert_to_tensor(group.sizes())
    others = 1.0 - ops.cast(sizes > 0, group.dtype)
    # The masses' reciprocals and the controls go to every coordinate as one product.
    factors = Factors(
        bound=bound,
        keep=keep,
        keep_slow=0.1 * keep,
        keep_square=keep_square,
        fast=(others + controls.fast) / masses[0],
        slow=controls.slow / masses[1],
        new=controls.new,
        square=1.0 / masses[2],
        plain=plain / masses[0],
        rate=rate,
        shrink=ops.minimum(rate * decay, 0.5),
        orthogonal=sizes * (1.0 + controls.orthogonal),
    )
    return factors, Steering(masses, log_rate)
