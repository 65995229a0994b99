"""An LSTM per variable steers a mixture of normalised directions."""

import math

import numpy as np
from keras import ops

from l2l_tf.cells import linear, linear_meta_params, lstm_meta_params, lstm_step
from l2l_tf.cells.run_signals import (
    LOSS_SIGNALS,
    PROGRESS_SIGNALS,
    loss_signals,
    loss_state,
    progress_signals,
)
from l2l_tf.rules.base import RuleState, UpdateRule, compute_dtype_for, state_dtype_for
from l2l_tf.rules.registry import register_rule

VARIABLE_SIGNALS = 12
CONTROLS = 8
# Squares of gradients within these bounds neither overflow nor vanish in float32.
LARGEST, TINY = 1e15, 1e-34


@register_rule("mixture")
class Mixture(UpdateRule):
    """A learned scheduler over Adam-like directions; nothing is left to tune.

    Per coordinate only sums and quotients: two means of the gradient, m₁ and m₂ (decays β and
    1 − (1 − β)/10), and one of its square, v. Per *variable* an LSTM sees the run's progress,
    its loss and the variable's own statistics (how gradients agree with m₁ and m₂ in Adam's
    metric, the size of the weights, sudden growth of gradients), all free of units, and what
    the other variables' features have at most. It puts out eight controls: the step size, the
    weights of the mixture, the decays, and a weight decay:

    `update = −α·(w₁·m̂₁/√v̂ + w₂·m̂₂/√v̂ + w₃·g/√v̂ + w₄·m̂₁/rms(m̂₁)) − α·λ·p`.

    The controls are deviations from a schedule set by hand (warm-up, then a cosine to
    `total_steps`, or 1/√t where that is unknown), so untrained it is AdamW with that schedule.

    Bytes of state: 12 per coordinate; 8 · `hidden_size` + 12 per variable.

    Args:
        hidden_size: Cells of the LSTM.
        step_size: α before warm-up, schedule and the learned factor.
        weight_decay: λ before the learned factor.
        seed: Seed of the untrained meta-parameters.
    """

    def __init__(self, hidden_size=16, step_size=3e-3, weight_decay=1e-2, seed=0):
        self.hidden_size = hidden_size
        self.step_size = step_size
        self.weight_decay = weight_decay
        self.seed = seed
        self.meta_params = self.initial_meta_params()

    def initial_meta_params(self, seed=None):
        generator = np.random.default_rng(self.seed if seed is None else seed)
        signals = PROGRESS_SIGNALS + LOSS_SIGNALS + VARIABLE_SIGNALS
        pooled = linear_meta_params(generator, signals, _POOLED)
        lstm = lstm_meta_params(generator, signals + _POOLED, self.hidden_size)
        output = linear_meta_params(generator, self.hidden_size, CONTROLS, 0.01)
        return {
            **{f"pooled_{k}": v for k, v in pooled.items()},
            **{f"lstm_{k}": v for k, v in lstm.items()},
            **{f"output_{k}": v for k, v in output.items()},
            "direct_kernel": np.zeros((CONTROLS, signals), "float32"),
        }

    def init(self, variables, state_dtype=None):
        states = []
        for variable in variables:
            dtype = state_dtype_for(variable, state_dtype)
            small = state_dtype_for(variable)
            shape = tuple(variable.shape)
            states.append(
                {
                    "mean": ops.zeros(shape, dtype),
                    "slow_mean": ops.zeros(shape, dtype),
                    "mean_square": ops.zeros(shape, dtype),
                    "masses": ops.zeros((3,), small),
                    "scheduler_hidden": ops.zeros((self.hidden_size,), small),
                    "scheduler_cell": ops.zeros((self.hidden_size,), small),
                }
            )
        return RuleState(states, {k: ops.convert_to_tensor(v) for k, v in loss_state().items()})

    def update(self, gradients, state, variables, context):
        progress = progress_signals(context.run_iteration, context.total_steps)
        trend, shared = loss_signals(context.loss, state.shared)
        work = [
            _Work(gradient, slots, variable)
            for gradient, slots, variable in zip(gradients, state.variables, variables, strict=True)
        ]
        count = len(work)
        own = ops.stack([w.signals(i / max(count - 1, 1)) for i, w in enumerate(work)], axis=1)
        run = ops.concatenate([progress, trend])
        signals = ops.concatenate([ops.repeat(run[:, None], count, axis=1), own], axis=0)
        hidden = _stacked(state.variables, "scheduler_hidden")
        cell = _stacked(state.variables, "scheduler_cell")
        controls, hidden, cell = self._schedule(signals, hidden, cell)
        schedule = self.step_size * _hand_set(context.run_iteration, context.total_steps)
        updates, states = [], []
        for index, w in enumerate(work):
            update, slots = w.step(controls[:, index], schedule, self.weight_decay, context)
            slots["scheduler_hidden"] = hidden[:, index]
            slots["scheduler_cell"] = cell[:, index]
            old = state.variables[index]
            states.append({k: ops.cast(v, old[k].dtype) for k, v in slots.items()})
            updates.append(update)
        return updates, RuleState(states, shared)

    def _schedule(self, signals, hidden, cell):
        params = self.meta_params
        pooled = ops.relu(linear(signals, params["pooled_kernel"], params["pooled_bias"]))
        most = ops.repeat(ops.max(pooled, axis=1, keepdims=True), signals.shape[1], axis=1)
        inputs = ops.concatenate([signals, most], axis=0)
        hidden, cell = lstm_step(inputs, hidden, cell, params["lstm_kernel"], params["lstm_bias"])
        controls = linear(hidden, params["output_kernel"], params["output_bias"])
        return controls + ops.matmul(params["direct_kernel"], signals), hidden, cell


_POOLED = 8


class _Work:
    """One variable within one step, flat or not: its tensors in the compute dtype."""

    def __init__(self, gradient, slots, variable):
        self.dtype = compute_dtype_for(variable)
        gradient = ops.cast(gradient, self.dtype)
        self.gradient = ops.clip(gradient, -LARGEST, LARGEST)
        self.variable = ops.cast(variable, self.dtype)
        self.mean, self.slow, self.square, self.masses = (
            ops.cast(slots[k], self.dtype) for k in ("mean", "slow_mean", "mean_square", "masses")
        )
        self.shape = tuple(variable.shape)

    def signals(self, depth):
        """`[VARIABLE_SIGNALS]` float32: statistics of the variable before the step."""
        inverse = ops.rsqrt(ops.maximum(self.square, TINY))
        inverse = ops.where(self.square > TINY, inverse, ops.zeros_like(inverse))
        new, fast, slow = (t * inverse for t in (self.gradient, self.mean, self.slow))
        moments = [
            ops.mean(a * b)
            for a, b in ((new, fast), (new, slow), (fast, fast), (fast, slow), (slow, slow))
        ]
        # v's missing mass scales every product alike; means' missing mass is undone per mean.
        mass_1, mass_2, mass_v = (ops.maximum(self.masses[i], 1e-6) for i in range(3))
        agree_1, agree_2, size_1, between, size_2 = moments
        size_1, size_2 = size_1 * mass_v / mass_1**2, size_2 * mass_v / mass_2**2
        agree_1 = agree_1 * mass_v / mass_1 * ops.rsqrt(size_1 + 1e-6)
        agree_2 = agree_2 * mass_v / mass_2 * ops.rsqrt(size_2 + 1e-6)
        between = between * mass_v / (mass_1 * mass_2) * ops.rsqrt(size_1 * size_2 + 1e-12)
        growth = self.growth()
        weights = ops.mean(ops.square(ops.clip(self.variable, -1e18, 1e18)))
        rank = len(self.shape)
        flags = [float(rank <= 1), float(rank == 2), float(rank > 2)]
        size = 0.5 * math.log10(max(math.prod(self.shape), 1)) / 3.0
        measured = [
            ops.clip(agree_1, -2.0, 2.0),
            ops.clip(agree_2, -2.0, 2.0),
            ops.clip(between, -1.0, 1.0),
            ops.log(size_1 + 1e-6) / 14.0,
            ops.log(size_2 + 1e-6) / 14.0,
            ops.clip(ops.log(growth + 1e-3), -3.0, 3.0) / 3.0,
            ops.log(weights + 1e-8) / 18.0,
        ]
        told = [*flags, size, depth]
        return ops.stack(
            [ops.cast(m, "float32") for m in measured]
            + [ops.convert_to_tensor(np.float32(t)) for t in told]
        )

    def growth(self):
        """rms(g) / √mean(v̂): 1 in a steady run, large where gradients suddenly grow."""
        mass = ops.maximum(self.masses[2], 1e-6)
        past = ops.mean(self.square) / mass
        now = ops.mean(ops.square(self.gradient))
        ratio = ops.sqrt(now / ops.maximum(past, TINY))
        return ops.where(past > TINY, ratio, ops.ones_like(ratio))

    def step(self, controls, schedule, weight_decay, context):
        """`(update, slots)` under the variable's controls `[CONTROLS]`."""
        controls = ops.cast(controls, self.dtype)
        rate = ops.cast(schedule, self.dtype) * ops.exp(6.0 * ops.tanh(controls[0] / 6.0))
        weights = [1.0 + controls[1], controls[2], controls[3], controls[4]]
        keep = 0.1 * ops.exp(2.0 * ops.tanh(controls[5] / 2.0))  # 1 − β of the fast mean.
        step = ops.cast(context.iteration, self.dtype) + 1.0
        young = ops.power(step, -0.8)
        keep_square = ops.maximum(0.003 * ops.exp(2.0 * ops.tanh(controls[6] / 2.0)), young)
        decay = weight_decay * ops.exp(4.0 * ops.tanh(controls[7] / 4.0))
        # A sudden gradient enters the means at no more than four times the usual size.
        gradient = self.gradient * ops.minimum(1.0, 4.0 / ops.maximum(self.growth(), 1e-6))
        keeps = [keep, 0.1 * keep, keep_square]
        targets = [gradient, gradient, ops.square(gradient)]
        mean, slow, square = (
            old + k * (new - old)
            for old, k, new in zip((self.mean, self.slow, self.square), keeps, targets, strict=True)
        )
        rates = ops.stack(keeps)
        masses = self.masses + rates * (1.0 - self.masses)
        fast_hat, slow_hat, square_hat = mean / masses[0], slow / masses[1], square / masses[2]
        inverse = ops.rsqrt(ops.maximum(square_hat, TINY))
        inverse = ops.where(square_hat > TINY, inverse, ops.zeros_like(inverse))
        plain = weights[3] * ops.rsqrt(ops.maximum(ops.mean(ops.square(fast_hat)), TINY))
        mixed = weights[0] * fast_hat + weights[1] * slow_hat + weights[2] * gradient
        direction = inverse * mixed + plain * fast_hat
        direction = ops.clip(direction, -10.0, 10.0)
        update = -rate * (direction + decay * self.variable)
        return update, {
            "mean": mean,
            "slow_mean": slow,
            "mean_square": square,
            "masses": masses,
        }


def _stacked(states, name):
    return ops.stack([ops.cast(s[name], "float32") for s in states], axis=1)


def _hand_set(iteration, total_steps):
    """Warm-up, then a cosine to 1 % at `total_steps`, or 1/√t where that is unknown."""
    step = ops.cast(iteration, "float32")
    total = ops.cast(total_steps, "float32")
    known = ops.logical_not(ops.isnan(total))
    total = ops.where(known, ops.maximum(total, 1.0), ops.full_like(total, 1000.0))
    warm = ops.minimum(1.0, (step + 1.0) / (5.0 + 0.02 * total))
    progress = ops.clip(step / total, 0.0, 1.0)
    cosine = 0.01 + 0.99 * 0.5 * (1.0 + ops.cos(math.pi * progress))
    return warm * ops.where(known, cosine, ops.rsqrt(1.0 + step / 300.0))
