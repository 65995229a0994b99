"""What the scheduler of `spectral` sees of each variable, and what it says."""

from typing import Any, NamedTuple

import numpy as np
from keras import ops

from l2l_tf.cells.squares import TINY
from l2l_tf.rules.layout import EMBEDDING, KERNEL

VARIABLE_SIGNALS = 15
CONTROLS = 8


class Measured(NamedTuple):
    """Means over each variable, `[variables]` each, before the step.

    Attributes:
        gradient_power: Mean square of the gradient.
        mean_power: Mean square of the (bias-corrected) mean of gradients.
        cosine: Between the gradient and the direction that was taken last.
        mean_cosine: Between the gradient and the mean.
        weight_power: Mean square of the variable.
        row_spread: Mean of the relative logarithms of rows' squares; 0 but for kernels.
        column_spread: The same of columns.
        descent: Mean of the products of the gradient and the direction that was taken last.
        met: Share of an embedding's rows that have a gradient; 1 of all else.
    """

    gradient_power: Any
    mean_power: Any
    cosine: Any
    mean_cosine: Any
    weight_power: Any
    row_spread: Any
    column_spread: Any
    descent: Any
    met: Any


class Controls(NamedTuple):
    """What the scheduler says about each variable, `[variables]` each; 0 is as set by hand.

    Attributes:
        rate: Logarithm of a factor on the step.
        growth: How the step size that is kept grows whatever gradients say.
        trust: Logarithm of how much it follows them.
        mean_decay: Logarithm of a factor on 1 − β of the mean.
        square_decay: The same for mean squares.
        weight_decay: Logarithm of a factor on the weight decay.
        row_power: p of `kernel_direction`, before its bounds.
        column_power: q.
    """

    rate: Any
    growth: Any
    trust: Any
    mean_decay: Any
    square_decay: Any
    weight_decay: Any
    row_power: Any
    column_power: Any


def static_signals(layouts):
    """`[4, variables]` float32: kinds, and each variable's place among all."""
    last = max(len(layouts) - 1, 1)
    kernels = sum(layout.kind == KERNEL for layout in layouts)
    rows = [
        [
            float(layout.kind == KERNEL),
            float(layout.kind == EMBEDDING),
            index / last,
            np.log10(max(kernels, 1)) / 2.0,
        ]
        for index, layout in enumerate(layouts)
    ]
    return np.array(rows, "float32").T


def variable_signals(measured, growth, agreement, together, log_rate, static, fan_in):
    """`[VARIABLE_SIGNALS, variables]` float32, all free of units.

    Args:
        measured: `Measured`.
        growth: `[variables]`, root of the gradient's power over its usual one.
        agreement: `[variables]`; see `Spectral`.
        together: Scalar, the mean of `agreement` over kernels.
        log_rate: `[variables]`.
        static: As `static_signals` gives it.
        fan_in: `[variables]`, fan-in of each.
    """
    # Not over a bound: XLA divides by products of divisors, which may underflow where each is fine.
    found = measured.gradient_power > TINY
    part = measured.mean_power / ops.where(found, measured.gradient_power, 1.0)
    rows = [
        agreement,
        ops.broadcast_to(together, agreement.shape),
        ops.tanh(5.0 * measured.cosine),
        ops.tanh(2.0 * measured.mean_cosine),
        ops.log(ops.clip(part, 1e-6, 1e2)) / 6.0,
        ops.log(ops.clip(growth, 0.05, 20.0)) / 3.0,
        # Of weights as initializers draw them it is about 0.
        ops.log(ops.clip(measured.weight_power * fan_in, 1e-8, 1e8)) / 9.0,
        log_rate / 3.0,
        measured.row_spread / 5.0,
        measured.column_spread / 5.0,
        ops.ones_like(agreement),
    ]
    return ops.concatenate([ops.cast(ops.stack(rows), "float32"), static])
