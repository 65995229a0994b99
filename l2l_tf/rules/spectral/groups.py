"""Variables that are evaluated together: those of one shape, stacked as matrices."""

import math

from keras import ops

from l2l_tf.cells.squares import inverse_root
from l2l_tf.rules.barrier import optimization_barrier
from l2l_tf.rules.base import compute_dtype_for
from l2l_tf.rules.layout import EMBEDDING, KERNEL
from l2l_tf.rules.spectral.direction import adam_direction, kernel_direction, relative_logs
from l2l_tf.rules.spectral.signals import Measured

# Stacking copies a variable and its state once a step; beyond this it costs more than it spares.
STACKED_COORDINATES = 2**20


def is_matrix(layout):
    """Whether a variable has a direction as a matrix, and not one for each of its numbers."""
    return layout.kind == KERNEL and min(layout.rows, layout.columns) > 1


def grouped(variables, layouts):
    """Lists of indices, each of variables of one dtype and one `Layout`.

    Args:
        variables: List of tensors or variables.
        layouts: List of their `Layout`s.
    """
    groups = {}
    for index, (variable, layout) in enumerate(zip(variables, layouts, strict=True)):
        number = 0
        most = max(STACKED_COORDINATES // max(math.prod(tuple(variable.shape)), 1), 1)
        key = (compute_dtype_for(variable), tuple(variable.shape), layout)
        while len(groups.get((*key, number), ())) >= most:
            number += 1
        groups.setdefault((*key, number), []).append(index)
    return list(groups.values())


class Group:
    """How the variables of a group are one tensor `[variables, rows, columns]`.

    Numbers that stand for themselves, whatever their axes, are one row: sums over columns are
    products, where compiled sums along a row add one entry at a time.

    Args:
        indices: The variables' places among all.
        shape: The shape that all of them have.
        layout: Their `Layout`.
        dtype: Dtype in which the rule computes for them.
    """

    def __init__(self, indices, shape, layout, dtype):
        self.indices, self.shape, self.layout, self.dtype = indices, tuple(shape), layout, dtype
        self.count = len(indices)
        self.matrix = is_matrix(layout)
        keeps_rows = self.matrix or layout.kind == EMBEDDING
        size = math.prod(self.shape)
        self.sides = (layout.rows, layout.columns) if keeps_rows else (1, size)

    def stack(self, tensors):
        """One tensor `[variables, rows, columns]` out of all variables' tensors."""
        parts = [tensors[i] for i in self.indices]
        if self.layout.axes is not None:
            parts = [ops.transpose(t, self.layout.axes) for t in parts]
        parts = [ops.cast(ops.reshape(t, self.sides), self.dtype) for t in parts]
        return parts[0][None] if self.count == 1 else ops.stack(parts)

    def unstack(self, tensor):
        """The reverse of `stack`: a list of tensors in the variables' shape."""
        parts = ops.unstack(tensor, num=self.count, axis=0)
        if self.layout.axes is None:
            return [ops.reshape(t, self.shape) for t in parts]
        moved = [self.shape[a] for a in self.layout.axes]
        back = sorted(range(len(moved)), key=self.layout.axes.__getitem__)
        return [ops.transpose(ops.reshape(t, moved), back) for t in parts]

    def vectors(self, states, name):
        """`[variables, k]` out of slots `[k]` of all variables."""
        parts = [ops.cast(states[i][name], self.dtype) for i in self.indices]
        return parts[0][None] if self.count == 1 else ops.stack(parts)

    def slots(self, states):
        """Dict name → stacked slot."""
        names = ("mean", "direction") if self.matrix else ("mean", "mean_square")
        found = {n: self.stack([s.get(n) for s in states]) for n in names}
        if self.matrix:
            for name in ("row_square", "column_square"):
                found[name] = self.vectors(states, name)
        return found

    def last_direction(self, slots, masses):
        """The direction that was taken in the step before.

        Args:
            slots: As `slots` gives them.
            masses: `[2, variables]`; see `Spectral`.
        """
        if self.matrix:
            return slots["direction"]
        return adam_direction(
            slots["mean"] / _spread(ops.maximum(masses[0], 1e-6)),
            slots["mean_square"] / _spread(ops.maximum(masses[1], 1e-6)),
        )

    def measure(self, gradient, variable, slots, masses):
        """`Measured` of the group's variables before a step."""
        mean, direction = slots["mean"], self.last_direction(slots, masses)
        power = _mean(ops.square(gradient))
        mean_power = _mean(ops.square(mean))
        inverse = inverse_root(power)
        spreads = [ops.zeros_like(power)] * 2
        if self.matrix:
            names = ("row_square", "column_square")
            spreads = [ops.mean(relative_logs(slots[n]), axis=1) for n in names]
        return Measured(
            gradient_power=power,
            mean_power=mean_power / ops.square(ops.maximum(masses[0], 1e-6)),
            cosine=_mean(gradient * direction)
            * inverse
            * inverse_root(_mean(ops.square(direction))),
            mean_cosine=_mean(gradient * mean) * inverse * inverse_root(mean_power),
            weight_power=_mean(ops.square(ops.clip(variable, -1e15, 1e15))),
            row_spread=spreads[0],
            column_spread=spreads[1],
        )

    def advance(self, gradient, slots, masses, keeps, bound, powers):
        """The next direction and slots.

        Args:
            gradient: `[variables, rows, columns]`.
            slots: As `slots` gives them.
            masses: `[2, variables]` after the step.
            keeps: `[2, variables]`: 1 − β of the mean and of mean squares.
            bound: `[variables]`, factor on the gradient.
            powers: p and q of `kernel_direction`, `[variables]` each.

        Returns:
            `(direction [variables, rows, columns], slots)`.
        """
        gradient = gradient * _spread(bound)
        keep, keep_square = _spread(keeps[0]), keeps[1]
        mean = slots["mean"] + keep * (gradient - slots["mean"])
        # The mean as it will be if the next gradient is like this one.
        ahead = mean + keep * (gradient - mean)
        if not self.matrix:
            square = slots["mean_square"]
            square = square + _spread(keep_square) * (ops.square(gradient) - square)
            masses = ops.maximum(masses, 1e-6)
            found = adam_direction(ahead / _spread(masses[0]), square / _spread(masses[1]))
            return found, {"mean": mean, "mean_square": square}
        new = {"mean": mean}
        squares = ops.square(gradient)
        for name, axis in (("row_square", 2), ("column_square", 1)):
            old = slots[name]
            new[name] = old + keep_square[:, None] * (_mean_over(squares, axis) - old)
        new["direction"] = kernel_direction(ahead, new["row_square"], new["column_square"], powers)
        return new["direction"], new

    def parted(self, slots):
        """List of dicts name → slot, one for each variable, out of stacked slots."""
        parts = {
            name: self.unstack(value)
            if len(value.shape) == 3
            else ops.unstack(value, num=self.count, axis=0)
            for name, value in slots.items()
        }
        return [
            dict(zip(parts, values, strict=True)) for values in zip(*parts.values(), strict=True)
        ]


def groups_of(variables, layouts):
    """The `Group`s of variables that are evaluated together; see `grouped`."""
    groups = []
    for indices in grouped(variables, layouts):
        first = variables[indices[0]]
        dtype = compute_dtype_for(first)
        groups.append(Group(indices, first.shape, layouts[indices[0]], dtype))
    return groups


def in_full(group, tensors, iteration):
    """Results of several stacked variables, before they are cut apart; see `barrier`."""
    return optimization_barrier(tensors, iteration) if group.count > 1 else tensors


def _spread(values):
    return values[:, None, None]


def _mean_over(tensor, axis):
    """Mean over one of the last two axes; along a row it is a product."""
    if axis == 1:
        return ops.mean(tensor, axis=1)
    columns = tensor.shape[2]
    weights = ops.full((columns, 1), 1.0 / columns, tensor.dtype)
    return ops.matmul(tensor, weights)[:, :, 0]


def _mean(tensor):
    """Mean over all but the first axis; rows first."""
    count, rows, columns = tensor.shape
    if rows == 1 and columns > 4096:
        width = math.gcd(columns, 1024)
        rows, columns = columns // width, width
        tensor = ops.reshape(tensor, (count, rows, columns))
    total = ops.sum(tensor, axis=1) if rows > 1 else tensor[:, 0]
    weights = ops.full((columns, 1), 1.0 / max(rows * columns, 1), tensor.dtype)
    return ops.matmul(total, weights)[:, 0]
