"""The rule `mixture`."""

import itertools

import numpy as np
from keras import ops

from l2l_tf.cells import linear, linear_meta_params, lstm_meta_params, lstm_step
from l2l_tf.cells.run_signals import (
    LOSS_SIGNALS,
    PROGRESS_SIGNALS,
    annealing_set_by_hand,
    loss_signals,
    loss_state,
    progress_signals,
)
from l2l_tf.core.config import integer, number
from l2l_tf.rules.barrier import optimization_barrier
from l2l_tf.rules.base import Context, MetaParams, RuleState, Tensors, UpdateRule, state_dtype_for
from l2l_tf.rules.dtypes import widest_dtype
from l2l_tf.rules.mixture.controls import CONTROLS, Controls, Steering, factors_of
from l2l_tf.rules.mixture.direction import advance
from l2l_tf.rules.mixture.group import groups_of
from l2l_tf.rules.mixture.signals import VARIABLE_SIGNALS, measure
from l2l_tf.rules.packing import at_places
from l2l_tf.rules.registry import register_rule


@register_rule("mixture")
class Mixture(UpdateRule):
    """A learned scheduler over normalised and orthogonalised directions; nothing is left to tune.

    Per coordinate only sums and quotients: two means of the gradient, m₁ and m₂ (decays β and
    1 − (1 − β)/10), and one of its square, v. Kernels whose smaller side is at most
    `max_side` have a direction more: O, `R⁻ᵖ·m₁·C⁻ᑫ` with all its singular values brought
    near 1 (Newton–Schulz iterations, as in Muon: Jordan et al. 2024), and scaled so that its
    entries are of the order of 1. A kernel `[…, n]` counts as a matrix with n columns; R and C are
    the means of v over its rows and over its columns. Without them one input of large units
    would be all that O sees; with p = ½ and the gradient's own rows it were Adam's; Shampoo (Gupta
    et al. 2018) has p = q = ¼ and whole matrices.

    Per *variable* an LSTM sees the run's progress, its loss and the variable's own statistics
    (how gradients agree with m₁ and m₂ in Adam's metric, the size of the weights, sudden growth
    of gradients, how unequal R and C are), all free of units, and what the other variables'
    features have at most. It puts out twelve controls: the step size, its growth, the weights of
    the mixture, the decays, p (from 0 to 0.4) and q (up to 0.25 either way), and a weight decay:

    `update = −α·(w₁·m̂₁/√v̂ + w₂·m̂₂/√v̂ + w₃·g/√v̂ + w₄·m̂₁/rms(m̂₁) + w₅·O) − α·λ·p`
    (α·λ at most ½).

    α is a product of `step_size`, an annealing set by hand (warm-up, then a cosine to
    `total_steps`, or 1/√t where that is unknown), what the LSTM says at once, and e^r. The
    variable's r is a sum over the steps so far: it grows while gradients agree with m₁, by up
    to 0.1 a step, and shrinks where they turn against it, as the step size of hypergradient
    descent does (Baydin et al. 2018); but not below `min_log_rate`: where few rows are left to
    learn, gradients come one by one and agree with nothing, and steps are needed.

    All controls are deviations, so untrained the rule is that, over O where there is one and over
    Adam's direction elsewhere.

    Bytes of state: 12 per coordinate; 8 · `hidden_size` + 16 per variable.

    Args:
        hidden_size: Cells of the LSTM.
        step_size: α before annealing and the learned factors.
        weight_decay: λ before the learned factor.
        max_side: Kernels whose smaller side is longer have no O, which costs
            4 · `max_side` multiplications and additions per coordinate and step.
        min_log_rate: Lower bound of r.
        seed: Seed of the untrained meta-parameters.
    """

    hidden_size: int = integer(16, min=1)
    step_size: float = number(6e-3, above=0)
    weight_decay: float = number(1e-2, min=0)
    max_side: int = integer(128)
    min_log_rate: float = number(-0.7, below=12)
    seed: int = integer(0)

    def fresh_meta_params(self, generator: np.random.Generator) -> MetaParams:
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

    def init(self, variables: Tensors, state_dtype: str | None = None) -> RuleState:
        states = []
        for variable in variables:
            dtype = state_dtype_for(variable, state_dtype)
            shape = tuple(variable.shape)
            names = ("mean", "slow_mean", "mean_square")
            states.append({name: ops.zeros(shape, dtype) for name in names})
        # What is one number or a few for each variable is kept for all of them at once: a slot
        # each would cost an operation to read, one to write, and their compilation.
        count, dtype = len(variables), widest_dtype(variables)
        shared = {
            **{k: ops.convert_to_tensor(v) for k, v in loss_state().items()},
            "masses": ops.zeros((3, count), dtype),
            "log_rate": ops.zeros((count,), dtype),
            "scheduler_hidden": ops.zeros((self.hidden_size, count), "float32"),
            "scheduler_cell": ops.zeros((self.hidden_size, count), "float32"),
        }
        return RuleState(states, shared)

    def update(
        self, gradients: Tensors, state: RuleState, variables: Tensors, context: Context
    ) -> tuple[Tensors, RuleState]:
        groups = groups_of(variables, self.max_side)
        order = list(itertools.chain(*(group.indices for group in groups)))
        old = {name: at_places(state.shared[name], order) for name in STEERING}
        trend, loss = loss_signals(context.loss, state.shared)
        run = [progress_signals(context.run_iteration, context.total_steps), trend]
        work = [
            self._measured(group, place, gradients, state.variables, variables, old)
            for group, place in zip(groups, _places(groups), strict=True)
        ]
        own = ops.concatenate([signals for *_, signals in work], axis=1)
        run = ops.repeat(ops.concatenate(run)[:, None], own.shape[1], axis=1)
        said, hidden, cell = self._schedule(
            ops.concatenate([run, own], axis=0), old["scheduler_hidden"], old["scheduler_cell"]
        )
        annealing = annealing_set_by_hand(context.run_iteration, context.total_steps)
        updates, states = [None] * len(variables), [None] * len(variables)
        steered = []
        for group, place, (tensors, steering, measured, _) in zip(
            groups, _places(groups), work, strict=True
        ):
            update, slots, steering = self._step(
                group, tensors, steering, measured, said[:, place], annealing, context
            )
            steered.append(steering)
            for index, part, new in zip(group.indices, update, slots, strict=True):
                updates[index] = part
                kept = state.variables[index]
                states[index] = {name: ops.cast(new[name], kept[name].dtype) for name in kept}
        shared = {"scheduler_hidden": hidden, "scheduler_cell": cell}
        for name, parts in zip(Steering._fields, zip(*steered, strict=True), strict=True):
            parts = [ops.cast(part, state.shared[name].dtype) for part in parts]
            shared[name] = ops.concatenate(parts, axis=-1)
        back = np.argsort(order)
        shared = {name: at_places(value, back) for name, value in shared.items()}
        return updates, RuleState(states, {**loss, **shared})

    def _measured(self, group, place, gradients, states, variables, old):
        """`(Tensors, Steering, Measured, signals)` of a group before the step."""
        lists = group.of(gradients, variables, states)
        tensors = group.pack(lists)
        steering = Steering(
            *(ops.cast(old[name][..., place], group.dtype) for name in Steering._fields)
        )
        measured, signals = measure(group, lists, tensors, *steering, len(variables), self.chunked)
        return tensors, steering, measured, signals

    def _step(self, group, tensors, steering, measured, said, annealing, context):
        """`(updates, slots, Steering)` of a group: two lists over its variables."""
        controls = Controls(*ops.unstack(ops.cast(said, group.dtype), num=CONTROLS))
        annealing = ops.cast(annealing, group.dtype)
        factors, steering = factors_of(
            self, group, controls, measured, steering, annealing, context.iteration
        )
        update, slots = advance(group, tensors, factors, controls, measured.logs)
        if self.steps_alone and group.segments.packed:
            update, slots = optimization_barrier((update, slots), context.iteration)
        parts = {name: group.segments.unpack(value) for name, value in slots.items()}
        slots = [dict(zip(parts, of, strict=True)) for of in zip(*parts.values(), strict=True)]
        return group.segments.unpack(update), slots, steering

    def _schedule(self, signals, hidden, cell):
        params = self.meta_params
        pooled = ops.relu(linear(signals, params["pooled_kernel"], params["pooled_bias"]))
        most = ops.repeat(ops.max(pooled, axis=1, keepdims=True), signals.shape[1], axis=1)
        inputs = ops.concatenate([signals, most], axis=0)
        hidden, cell = lstm_step(inputs, hidden, cell, params["lstm_kernel"], params["lstm_bias"])
        controls = linear(hidden, params["output_kernel"], params["output_bias"])
        return controls + ops.matmul(params["direct_kernel"], signals), hidden, cell


_POOLED = 8
# State of every variable that is kept for all of them at once, `[…, variables]`.
STEERING = (*Steering._fields, "scheduler_hidden", "scheduler_cell")


def _places(groups):
    """Slices of the columns that belong to each group."""
    ends = list(itertools.accumulate(len(group.indices) for group in groups))
    return [slice(end - len(g.indices), end) for g, end in zip(groups, ends, strict=True)]
