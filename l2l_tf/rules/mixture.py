"""An LSTM per variable steers a mixture of normalised and orthogonalised directions."""

import math

import numpy as np
from keras import ops

from l2l_tf.arguments import check_integer, check_number
from l2l_tf.cells import (
    linear,
    linear_meta_params,
    lstm_meta_params,
    lstm_step,
    newton_schulz,
)
from l2l_tf.cells.run_signals import (
    LOSS_SIGNALS,
    PROGRESS_SIGNALS,
    loss_signals,
    loss_state,
    progress_signals,
)
from l2l_tf.cells.segments import Segments, segment_groups
from l2l_tf.rules import chunks
from l2l_tf.rules.base import RuleState, UpdateRule, compute_dtype_for, state_dtype_for
from l2l_tf.rules.registry import register_rule

VARIABLE_SIGNALS = 16
CONTROLS = 12
# Five, as Muon takes, bring small singular values nearer to 1, and no loss further down.
ITERATIONS = 3
# Squares of gradients within these bounds neither overflow nor vanish in float32.
LARGEST, TINY = 1e15, 1e-34


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

    def __init__(
        self,
        hidden_size=16,
        step_size=6e-3,
        weight_decay=1e-2,
        largest_side=128,
        least_log_rate=-0.7,
        seed=0,
    ):
        check_integer("hidden_size", hidden_size, least=1)
        check_number("step_size", step_size, above=0)
        check_number("weight_decay", weight_decay, least=0)
        check_integer("largest_side", largest_side, least=0)
        self.hidden_size = hidden_size
        self.step_size = step_size
        self.weight_decay = weight_decay
        check_number("least_log_rate", least_log_rate, below=12)
        self.largest_side = largest_side
        self.least_log_rate = least_log_rate
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
                    "log_rate": ops.zeros((), small),
                    "scheduler_hidden": ops.zeros((self.hidden_size,), small),
                    "scheduler_cell": ops.zeros((self.hidden_size,), small),
                }
            )
        return RuleState(states, {k: ops.convert_to_tensor(v) for k, v in loss_state().items()})

    def update(self, gradients, state, variables, context):
        progress = progress_signals(context.run_iteration, context.total_steps)
        trend, shared = loss_signals(context.loss, state.shared)
        groups = _groups(variables)
        order = [i for group in groups for i in group]
        work = [
            _Work(
                group,
                [gradients[i] for i in group],
                [state.variables[i] for i in group],
                [variables[i] for i in group],
                len(variables),
                self.largest_side,
                self._chunked,
            )
            for group in groups
        ]
        own = ops.concatenate([w.signals() for w in work], axis=1)
        run = ops.concatenate([progress, trend])
        signals = ops.concatenate([ops.repeat(run[:, None], own.shape[1], axis=1), own], axis=0)
        ordered = [state.variables[i] for i in order]
        hidden, cell = (_stacked(ordered, f"scheduler_{k}") for k in ("hidden", "cell"))
        controls, hidden, cell = self._schedule(signals, hidden, cell)
        hidden, cell = (ops.unstack(ops.transpose(t)) for t in (hidden, cell))
        annealing = _hand_set(context.run_iteration, context.total_steps)
        updates, states = [None] * len(order), [None] * len(order)
        start = 0
        for w in work:
            end = start + w.segments.count
            new, slots = w.step(controls[:, start:end], annealing, self, context)
            for place, index in enumerate(order[start:end]):
                slots[place]["scheduler_hidden"] = hidden[start + place]
                slots[place]["scheduler_cell"] = cell[start + place]
                old = state.variables[index]
                updates[index] = new[place]
                states[index] = {k: ops.cast(v, old[k].dtype) for k, v in slots[place].items()}
            start = end
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
    """Variables that are evaluated together in one step: their tensors in the compute dtype."""

    def __init__(self, indices, gradients, slots, variables, count, largest_side, chunked):
        self.dtype = compute_dtype_for(variables[0])
        self.segments = Segments([v.shape for v in variables])
        self.chunked = chunked and not self.segments.joined and chunks.many(self.segments.sizes[0])
        state = ([s[k] for s in slots] for k in ("mean", "slow_mean", "mean_square"))
        self.given = (gradients, variables, *state)
        self.tensors = [self.segments.join(t, self.dtype) for t in self.given]
        self.log_rate = ops.stack([ops.cast(s["log_rate"], self.dtype) for s in slots])
        self.orthogonal = [1 < min(_sides(s)) <= largest_side for s in self.segments.shapes]
        self.kernels = {}  # Those of equal sides are orthogonalised together.
        for place, shape in enumerate(self.segments.shapes):
            if self.orthogonal[place]:
                self.kernels.setdefault(_sides(shape), []).append(place)
        self.masses = ops.transpose(ops.stack([ops.cast(s["masses"], self.dtype) for s in slots]))
        self.told = [
            [
                *(float(len(shape) <= 1), float(len(shape) == 2), float(len(shape) > 2)),
                float(orthogonal),
                0.5 * math.log10(max(math.prod(shape), 1)) / 3.0,
                index / max(count - 1, 1),
            ]
            for index, shape, orthogonal in zip(
                indices, self.segments.shapes, self.orthogonal, strict=True
            )
        ]

    def _moments(self):
        """`[10, variables]`: means over each variable of products of its tensors."""
        if not self.chunked:
            return self.segments.means(_products(*self.tensors))
        alone = [ops.reshape(t, (-1,)) for (t,) in self.given]  # Cast a chunk at a time.
        sums = chunks.sums_in_chunks(_products, alone, self.dtype)
        return (sums / self.segments.sizes[0])[:, None]

    def signals(self):
        """`[VARIABLE_SIGNALS, variables]` float32: statistics of each variable before the step."""
        *moments, self.mean_power, self.shared_power = ops.unstack(self._moments())
        agree_1, agree_2, size_1, between, size_2, weights, past, now = moments
        # v's missing mass scales every product alike; means' missing mass is undone per mean.
        mass_1, mass_2, mass_v = ops.unstack(ops.maximum(self.masses, 1e-6))
        size_1, size_2 = size_1 * mass_v / mass_1**2, size_2 * mass_v / mass_2**2
        agree_1 = agree_1 * mass_v / mass_1 * ops.rsqrt(size_1 + 1e-6)
        agree_2 = agree_2 * mass_v / mass_2 * ops.rsqrt(size_2 + 1e-6)
        between = between * mass_v / (mass_1 * mass_2) * ops.rsqrt(size_1 * size_2 + 1e-12)
        # rms(g) / √mean(v̂): 1 in a steady run, large where gradients suddenly grow.
        held = past
        past = past / mass_v
        growth = ops.sqrt(now / ops.maximum(past, TINY))
        self.growth = ops.where(past > TINY, growth, ops.ones_like(growth))
        self.power = now
        self.agreement = ops.clip(agree_1, -2.0, 2.0)
        measured = [
            self.agreement,
            ops.clip(agree_2, -2.0, 2.0),
            ops.clip(between, -1.0, 1.0),
            ops.log(size_1 + 1e-6) / 14.0,
            ops.log(size_2 + 1e-6) / 14.0,
            ops.clip(ops.log(self.growth + 1e-3), -3.0, 3.0) / 3.0,
            ops.log(weights + 1e-8) / 18.0,
            self.log_rate / 6.0,
        ]
        measured += self._unequal(ops.unstack(held))
        told = np.array(self.told, "float32").T
        return ops.concatenate([ops.cast(ops.stack(measured), "float32"), told], axis=0)

    def _unequal(self, past):
        """How unequal rows, and columns, of v are, for each variable; keeps their logarithms."""
        signals = [ops.zeros((2,), self.dtype)] * self.segments.count
        squares = self.segments.split(self.tensors[4])
        self.logs = {}
        for (rows, columns), places in self.kernels.items():
            square = _stacked_kernels([squares[p] for p in places], rows, columns)
            known = ops.stack([past[p] for p in places])[:, None, None]
            by_side = (
                ops.matmul(square, ops.full((columns, 1), 1.0 / columns, self.dtype)),
                ops.matmul(ops.full((1, rows), 1.0 / rows, self.dtype), square),
            )
            logs = [ops.log(ops.clip(m / ops.maximum(known, TINY), 1e-9, 1e9)) for m in by_side]
            logs = [ops.where(known > TINY, t, ops.zeros_like(t)) for t in logs]
            self.logs[rows, columns] = logs
            found = ops.stack([ops.mean(t, axis=(-2, -1)) for t in logs], axis=-1) / 5.0
            for place, signal in zip(places, ops.unstack(found), strict=True):
                signals[place] = signal
        return ops.unstack(ops.transpose(ops.stack(signals)))

    def step(self, controls, annealing, rule, context):
        """`(updates, slots)`, lists over the variables, under controls `[CONTROLS, variables]`."""
        controls = ops.unstack(ops.cast(controls, self.dtype))
        annealing = ops.cast(annealing, self.dtype)
        growing = ops.tanh(controls[8] + annealing * self.agreement)
        log_rate = ops.clip(self.log_rate + 0.1 * growing, rule.least_log_rate, 12.0)
        rate = rule.step_size * annealing * ops.exp(log_rate + 3.0 * ops.tanh(controls[0] / 3.0))
        keep = 0.1 * ops.exp(2.0 * ops.tanh(controls[5] / 2.0))  # 1 − β of the fast mean.
        step = ops.cast(context.iteration, self.dtype) + 1.0
        young = ops.power(step, -0.8)
        keep_square = ops.maximum(0.003 * ops.exp(2.0 * ops.tanh(controls[6] / 2.0)), young)
        decay = rule.weight_decay * ops.exp(4.0 * ops.tanh(controls[7] / 4.0))
        shrink = ops.minimum(rate * decay, 0.5)
        keeps = ops.stack([keep, 0.1 * keep, keep_square])
        masses = self.masses + keeps * (1.0 - self.masses)
        # A sudden gradient enters the means at no more than four times the usual size.
        bound = ops.minimum(1.0, 4.0 / ops.maximum(self.growth, 1e-6))
        new = keep * bound
        power = (1.0 - keep) ** 2 * self.mean_power + new**2 * self.power
        power = power + 2.0 * (1.0 - keep) * new * self.shared_power
        plain = controls[4] * ops.rsqrt(ops.maximum(power / masses[0] ** 2, TINY))
        orthogonal = np.array(self.orthogonal, self.dtype)
        # An orthogonal matrix times this has entries of the order of 1.
        sizes = np.sqrt([max(_sides(s)) for s in self.segments.shapes]).astype(self.dtype)
        fast = 1.0 - orthogonal + controls[1]
        # The masses' reciprocals and the controls go to every coordinate as one product.
        factors = [bound, keep, 0.1 * keep, keep_square, fast / masses[0], controls[2] / masses[1]]
        factors += [controls[3], 1.0 / masses[2], plain / masses[0], rate, shrink]
        factors += [orthogonal * sizes * (1.0 + controls[9])]
        factors = self.segments.spread(ops.stack(factors))
        powers = (0.4 * ops.sigmoid(controls[10]), 0.25 * ops.tanh(controls[11]))
        update, state = self._advance(factors, powers)
        parts = [self.segments.split(t) for t in state.values()]
        parts += [ops.unstack(ops.transpose(masses)), ops.unstack(log_rate)]
        names = (*state, "masses", "log_rate")
        slots = [dict(zip(names, values, strict=True)) for values in zip(*parts, strict=True)]
        return self.segments.split(update), slots

    def _orthogonalised(self, bound, keep, powers):
        """O of every variable from its next mean, joined; zeros where there is none."""
        gradient, _, mean, *_ = self.tensors
        gradient = _bounded(gradient, bound)
        mean = mean + keep * (gradient - mean)
        ahead = self.segments.split(mean + keep * (gradient - mean))
        whitened = [None] * self.segments.count
        for (rows, columns), places in self.kernels.items():
            matrix = _stacked_kernels([ahead[p] for p in places], rows, columns)
            for power, logs in zip(powers, self.logs[rows, columns], strict=True):
                matrix = matrix * ops.exp(-ops.take(power, places)[:, None, None] * logs)
            matrix = newton_schulz(matrix, ITERATIONS)
            for place, found in zip(places, ops.unstack(matrix), strict=True):
                whitened[place] = ops.reshape(found, self.segments.shapes[place])
        whitened = [
            ops.zeros_like(a) if w is None else w for a, w in zip(ahead, whitened, strict=True)
        ]
        return self.segments.join(whitened, self.dtype)

    def _advance(self, factors, powers):
        """`(update, state)`, joined."""
        gradient, variable, *state = self.tensors
        state = dict(zip(("mean", "slow_mean", "mean_square"), state, strict=True))
        orthogonal = None
        if self.kernels:
            orthogonal = self._orthogonalised(*factors[:2], powers)
        return _coordinates(gradient, variable, orthogonal, state, factors)


def _bounded(gradient, bound):
    return ops.clip(gradient, -LARGEST, LARGEST) * bound


def _safe_inverse_root(square):
    inverse = ops.rsqrt(ops.maximum(square, TINY))
    return ops.where(square > TINY, inverse, ops.zeros_like(inverse))


def _products(gradient, variable, mean, slow, square):
    """Ten products for each coordinate; five in Adam's metric, without units."""
    gradient = ops.clip(gradient, -LARGEST, LARGEST)
    inverse = _safe_inverse_root(square)
    new, fast, slow = (t * inverse for t in (gradient, mean, slow))
    pairs = ((new, fast), (new, slow), (fast, fast), (fast, slow), (slow, slow))
    power = ops.square(ops.clip(variable, -1e18, 1e18))
    return [
        *(a * b for a, b in pairs),
        *(power, square, ops.square(gradient), ops.square(mean), gradient * mean),
    ]


def _coordinates(gradient, variable, orthogonal, state, factors):
    """`(update, state)`, joined, under factors that broadcast with what is joined."""
    bound, keep, keep_slow, keep_square, fast_by, slow_by, new_by, *factors = factors
    square_by, plain_by, rate, shrink, orthogonal_by = factors
    gradient = _bounded(gradient, bound)
    targets = {
        "mean": (keep, gradient),
        "slow_mean": (keep_slow, gradient),
        "mean_square": (keep_square, ops.square(gradient)),
    }
    state = {k: state[k] + keep * (new - state[k]) for k, (keep, new) in targets.items()}
    inverse = _safe_inverse_root(state["mean_square"] * square_by)
    mixed = fast_by * state["mean"] + slow_by * state["slow_mean"] + new_by * gradient
    direction = inverse * mixed + plain_by * state["mean"]
    if orthogonal is not None:
        direction = direction + orthogonal_by * orthogonal
    direction = ops.clip(direction, -10.0, 10.0)
    return -rate * direction - shrink * variable, state


def _sides(shape):
    """Rows and columns of the matrix that a kernel counts as; a vector has one column."""
    return (math.prod(shape[:-1]), shape[-1]) if len(shape) >= 2 else (math.prod(shape), 1)


def _stacked_kernels(kernels, rows, columns):
    """`[kernels, rows, columns]`; one alone is not copied."""
    kernels = [ops.reshape(kernel, (1, rows, columns)) for kernel in kernels]
    return ops.concatenate(kernels) if len(kernels) > 1 else kernels[0]


def _groups(variables):
    """Which variables are evaluated together: lists of indices, of one dtype each."""
    groups = []
    dtypes = [compute_dtype_for(v) for v in variables]
    for dtype in sorted(set(dtypes)):
        alike = [i for i, other in enumerate(dtypes) if other == dtype]
        shapes = [tuple(variables[i].shape) for i in alike]
        groups += [[alike[i] for i in group] for group in segment_groups(shapes)]
    return groups


def _stacked(states, name):
    return ops.transpose(ops.stack([ops.cast(s[name], "float32") for s in states]))


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
