"""An LSTM per variable steers a mixture of normalised and orthogonalised directions."""

import itertools

import numpy as np
from keras import ops

from l2l_tf.cells import (
    linear,
    linear_meta_params,
    lstm_meta_params,
    lstm_step,
)
from l2l_tf.cells.run_signals import (
    LOSS_SIGNALS,
    PROGRESS_SIGNALS,
    annealing_set_by_hand,
    loss_signals,
    loss_state,
    progress_signals,
)
from l2l_tf.cells.segments import segment_groups
from l2l_tf.core.config import integer, number
from l2l_tf.rules.base import RuleState, UpdateRule, compute_dtype_for, state_dtype_for
from l2l_tf.rules.joining import at_places, widest_dtype
from l2l_tf.rules.mixture_work import MixtureWork, in_order
from l2l_tf.rules.registry import register_rule

VARIABLE_SIGNALS = 16
CONTROLS = 12


@register_rule("mixture")
class Mixture(UpdateRule):
    """A learned scheduler over normalised and orthogonalised directions; nothing is left to tune.

    Per coordinate only sums and quotients: two means of the gradient, m₁ and m₂ (decays β and
    1 − (1 − β)/10), and one of its square, v. Kernels whose smaller side is at most
    `largest_side` have a direction more: O, `R⁻ᵖ·m₁·C⁻ᑫ` with all its singular values brought
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
    descent does (Baydin et al. 2018); but not below `least_log_rate`: where few rows are left to
    learn, gradients come one by one and agree with nothing, and steps are needed.

    All controls are deviations, so untrained the rule is that, over O where there is one and over
    Adam's direction elsewhere.

    Bytes of state: 12 per coordinate; 8 · `hidden_size` + 16 per variable.

    Args:
        hidden_size: Cells of the LSTM.
        step_size: α before annealing and the learned factors.
        weight_decay: λ before the learned factor.
        largest_side: Kernels whose smaller side is longer have no O, which costs
            4 · `largest_side` multiplications and additions per coordinate and step.
        least_log_rate: Lower bound of r.
        seed: Seed of the untrained meta-parameters.
    """

    hidden_size: int = integer(16, least=1)
    step_size: float = number(6e-3, above=0)
    weight_decay: float = number(1e-2, least=0)
    largest_side: int = integer(128)
    least_log_rate: float = number(-0.7, below=12)
    seed: int = integer(0)

    def fresh_meta_params(self, generator):
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

    def update(self, gradients, state, variables, context):
        progress = progress_signals(context.run_iteration, context.total_steps)
        trend, shared = loss_signals(context.loss, state.shared)
        groups = _groups(variables, self.largest_side)
        order = [i for group in groups for i in group]
        ends = itertools.accumulate(len(group) for group in groups)
        spans = [slice(end - len(group), end) for group, end in zip(groups, ends, strict=True)]
        steering = {k: at_places(state.shared[k], order) for k in STEERING}
        work = []
        for group, span in zip(groups, spans, strict=True):
            given = [[of[i] for i in group] for of in (gradients, state.variables, variables)]
            own = {k: steering[k][..., span] for k in ("masses", "log_rate")}
            work.append(MixtureWork(self, group, *given, own, len(variables)))
        own = ops.concatenate([w.signals() for w in work], axis=1)
        run = ops.concatenate([progress, trend])
        signals = ops.concatenate([ops.repeat(run[:, None], own.shape[1], axis=1), own], axis=0)
        hidden, cell = (steering[f"scheduler_{k}"] for k in ("hidden", "cell"))
        controls, hidden, cell = self._schedule(signals, hidden, cell)
        annealing = annealing_set_by_hand(context.run_iteration, context.total_steps)
        made = [
            w.step(controls[:, s], annealing, context) for w, s in zip(work, spans, strict=True)
        ]
        updates, states, steered = zip(*made, strict=True)
        updates, states = (list(itertools.chain(*lists)) for lists in (updates, states))
        back = np.argsort(order)
        ordered = {"scheduler_hidden": hidden, "scheduler_cell": cell}
        for name in steered[0]:
            parts = [ops.cast(s[name], state.shared[name].dtype) for s in steered]
            ordered[name] = ops.concatenate(parts, axis=-1)
        shared = {**shared, **{name: at_places(value, back) for name, value in ordered.items()}}
        states = [
            {k: ops.cast(v, old[k].dtype) for k, v in states[place].items()}
            for place, old in zip(back, state.variables, strict=True)
        ]
        return [updates[place] for place in back], RuleState(states, shared)

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
STEERING = ("masses", "log_rate", "scheduler_hidden", "scheduler_cell")


def _groups(variables, largest_side):
    """Which variables are evaluated together: lists of indices, of one dtype each."""
    groups = []
    dtypes = [compute_dtype_for(v) for v in variables]
    for dtype in sorted(set(dtypes)):
        alike = [i for i, other in enumerate(dtypes) if other == dtype]
        shapes = [tuple(variables[i].shape) for i in alike]
        for group in segment_groups(shapes):
            places = in_order([shapes[i] for i in group], largest_side)
            groups.append([alike[group[place]] for place in places])
    return groups
