"""The tensors of `mixture`: statistics, directions and updates of variables evaluated together."""

import math

import numpy as np
from keras import ops

from l2l_tf.cells import newton_schulz
from l2l_tf.cells.segments import Segments
from l2l_tf.cells.squares import TINY, bounded, inverse_root
from l2l_tf.rules import chunks
from l2l_tf.rules.base import compute_dtype_for

# Five, as Muon takes, bring small singular values nearer to 1, and no loss further down.
ITERATIONS = 3


class MixtureWork:
    """Variables that are evaluated together in one step: their tensors in the compute dtype.

    Args:
        rule: The `Mixture`.
        indices: Their places among all variables.
        gradients: List of their gradients.
        slots: List of their dicts of slots.
        variables: List of them, in the order of `in_order`.
        steering: Dict with their columns of `masses` `[3, variables]` and `log_rate` `[variables]`.
        count: Number of all variables.
    """

    def __init__(self, rule, indices, gradients, slots, variables, steering, count):
        self.rule = rule
        self.dtype = compute_dtype_for(variables[0])
        self.segments = Segments([v.shape for v in variables])
        large = not self.segments.joined and chunks.many(self.segments.sizes[0])
        self.chunked = rule.chunked and large
        state = ([s[k] for s in slots] for k in ("mean", "slow_mean", "mean_square"))
        self.given = (gradients, variables, *state)
        self.tensors = [self.segments.join(t, self.dtype) for t in self.given]
        self.masses = ops.cast(steering["masses"], self.dtype)
        self.log_rate = ops.cast(steering["log_rate"], self.dtype)
        sides = [orthogonalised_sides(s, rule.largest_side) for s in self.segments.shapes]
        self.orthogonal = [s is not None for s in sides]
        # Those of equal sides are orthogonalised together: sides → place of the first, how many.
        self.kernels = {s: (sides.index(s), sides.count(s)) for s in sides if s is not None}
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
        signals = ops.concatenate([ops.stack(measured), self._unequal(held)])
        told = np.array(self.told, "float32").T
        return ops.concatenate([ops.cast(signals, "float32"), told])

    def _unequal(self, past):
        """How unequal rows, and columns, of v are, `[2, variables]`; keeps their logarithms."""
        self.logs, signals = {}, []
        for sides, (first, count) in self.kernels.items():
            rows, columns = sides
            square = self._stacked(self.tensors[4], sides)
            known = past[first : first + count][:, None, None]
            by_side = (
                ops.matmul(square, ops.full((columns, 1), 1.0 / columns, self.dtype)),
                ops.matmul(ops.full((1, rows), 1.0 / rows, self.dtype), square),
            )
            logs = [ops.log(ops.clip(m / ops.maximum(known, TINY), 1e-9, 1e9)) for m in by_side]
            logs = [ops.where(known > TINY, t, ops.zeros_like(t)) for t in logs]
            self.logs[sides] = logs
            signals.append(ops.stack([ops.mean(t, axis=(-2, -1)) for t in logs]) / 5.0)
        others = self.segments.count - sum(self.orthogonal)
        return ops.concatenate([ops.zeros((2, others), self.dtype), *signals], axis=1)

    def _stacked(self, tensor, sides):
        """`[kernels, rows, columns]`: the kernels of these sides, out of what is joined."""
        first, count = self.kernels[sides]
        return ops.reshape(self.segments.block(tensor, first, count), (count, *sides))

    def step(self, controls, annealing, context):
        """One step under controls `[CONTROLS, variables]`.

        Returns:
            `(updates, slots, steering)`: lists over the variables, and a dict as it was given.
        """
        controls = ops.unstack(ops.cast(controls, self.dtype))
        annealing = ops.cast(annealing, self.dtype)
        growing = ops.tanh(controls[8] + annealing * self.agreement)
        log_rate = ops.clip(self.log_rate + 0.1 * growing, self.rule.least_log_rate, 12.0)
        rate = (
            self.rule.step_size * annealing * ops.exp(log_rate + 3.0 * ops.tanh(controls[0] / 3.0))
        )
        keep = 0.1 * ops.exp(2.0 * ops.tanh(controls[5] / 2.0))  # 1 − β of the fast mean.
        step = ops.cast(context.iteration, self.dtype) + 1.0
        young = ops.power(step, -0.8)
        keep_square = ops.maximum(0.003 * ops.exp(2.0 * ops.tanh(controls[6] / 2.0)), young)
        decay = self.rule.weight_decay * ops.exp(4.0 * ops.tanh(controls[7] / 4.0))
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
        if self.rule.steps_alone and self.segments.joined:
            update, state = chunks.as_a_whole((update, state), context.iteration)
        parts = [self.segments.split(t) for t in state.values()]
        slots = [dict(zip(state, values, strict=True)) for values in zip(*parts, strict=True)]
        return self.segments.split(update), slots, {"masses": masses, "log_rate": log_rate}

    def _orthogonalised(self, bound, keep, powers):
        """O of every variable from its next mean, joined; zeros where there is none."""
        gradient, _, mean, *_ = self.tensors
        gradient = bounded(gradient) * bound
        mean = mean + keep * (gradient - mean)
        ahead, blocks = mean + keep * (gradient - mean), []
        for sides, (first, count) in self.kernels.items():
            matrix = self._stacked(ahead, sides)
            for power, logs in zip(powers, self.logs[sides], strict=True):
                matrix = matrix * ops.exp(-power[first : first + count][:, None, None] * logs)
            matrix = newton_schulz(matrix, ITERATIONS)
            blocks.append(ops.reshape(matrix, (count, -1)))
        return self.segments.join_blocks(blocks, self.dtype)

    def _advance(self, factors, powers):
        """`(update, state)`, joined."""
        gradient, variable, *state = self.tensors
        state = dict(zip(("mean", "slow_mean", "mean_square"), state, strict=True))
        orthogonal = self._orthogonalised(*factors[:2], powers) if self.kernels else None
        return _coordinates(gradient, variable, orthogonal, state, factors)


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


def _coordinates(gradient, variable, orthogonal, state, factors):
    """`(update, state)`, joined, under factors that broadcast with what is joined."""
    bound, keep, keep_slow, keep_square, fast_by, slow_by, new_by, *factors = factors
    square_by, plain_by, rate, shrink, orthogonal_by = factors
    gradient = bounded(gradient) * bound
    targets = {
        "mean": (keep, gradient),
        "slow_mean": (keep_slow, gradient),
        "mean_square": (keep_square, ops.square(gradient)),
    }
    state = {k: state[k] + keep * (new - state[k]) for k, (keep, new) in targets.items()}
    inverse = inverse_root(state["mean_square"] * square_by)
    mixed = fast_by * state["mean"] + slow_by * state["slow_mean"] + new_by * gradient
    direction = inverse * mixed + plain_by * state["mean"]
    if orthogonal is not None:
        direction = direction + orthogonal_by * orthogonal
    direction = ops.clip(direction, -10.0, 10.0)
    return -rate * direction - shrink * variable, state


def _sides(shape):
    """Rows and columns of the matrix that a kernel counts as; a vector has one column."""
    return (math.prod(shape[:-1]), shape[-1]) if len(shape) >= 2 else (math.prod(shape), 1)


def orthogonalised_sides(shape, largest_side):
    """Rows and columns of a kernel that has an O, else None."""
    sides = _sides(shape)
    return sides if 1 < min(sides) <= largest_side else None


def in_order(shapes, largest_side):
    """Places of shapes in the order that `MixtureWork` needs: kernels last, equal sides together.

    Args:
        shapes: List of static shapes.
        largest_side: See `Mixture`.
    """
    sides = [orthogonalised_sides(s, largest_side) or (0, 0) for s in shapes]
    return sorted(range(len(shapes)), key=lambda place: (sides[place], place))
