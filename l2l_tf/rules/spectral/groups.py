"""Variables that are evaluated together: those of one shape, stacked as matrices."""

import math

import numpy as np
from keras import ops

from l2l_tf.cells.squares import inverse_root
from l2l_tf.rules.barrier import optimization_barrier
from l2l_tf.rules.base import compute_dtype_for
from l2l_tf.rules.layout import EMBEDDING, KERNEL
from l2l_tf.rules.packing import at_places
from l2l_tf.rules.spectral.direction import adam_direction, kernel_direction, mean_along
from l2l_tf.rules.spectral.signals import Measured

# Stacking copies a variable and its state once a step; beyond this it costs more than it spares.
STACKED_COORDINATES = 2**20


def is_matrix(layout):
    """Whether a variable has a direction as a matrix, and not one for each of its numbers."""
    return layout.kind == KERNEL and min(layout.rows, layout.columns) > 1


def decays(layout):
    """Whether the rule's own weight decay acts on a variable."""
    return layout.decays and layout.kind in (KERNEL, EMBEDDING)


def grouped(variables, layouts):
    """Lists of indices, each of variables of one dtype and one `Layout`, decaying or not.

    Args:
        variables: List of tensors or variables.
        layouts: List of their `Layout`s.
    """
    groups = {}
    for index, (variable, layout) in enumerate(zip(variables, layouts, strict=True)):
        number = 0
        most = max(STACKED_COORDINATES // max(math.prod(tuple(variable.shape)), 1), 1)
        key = (compute_dtype_for(variable), tuple(variable.shape), layout._replace(decays=True))
        while len(groups.get((*key, number), ())) >= most:
            number += 1
        groups.setdefault((*key, number), []).append(index)
    return list(groups.values())


class Group:
    """How the variables of a group are one tensor `[variables, rows, columns]`.

    Numbers that stand for themselves, whatever their axes, are one row: sums over columns are
    products, where compiled sums along a row add one entry at a time.

    Their state is kept stacked: a slot for each variable would have to be read, stacked, cut
    apart and written at every step, and all of that compiled.

    Args:
        name: What the names of the group's slots begin with.
        indices: The variables' places among all.
        shape: The shape that all of them have.
        layout: Their `Layout`.
        dtype: Dtype in which the rule computes for them.
    """

    def __init__(self, name, indices, shape, layout, dtype):
        self.name, self.indices, self.shape = name, indices, tuple(shape)
        self.layout, self.dtype = layout, dtype
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

    def slot_shapes(self):
        """Dict name → shape of a stacked slot."""
        whole = (self.count, *self.sides)
        if not self.matrix:
            return {"mean": whole, "mean_square": whole}
        return {
            "mean": whole,
            "direction": whole,
            "row_square": whole[:2],
            "column_square": (whole[0], whole[2]),
        }

    def slots(self, shared):
        """Dict name → stacked slot, out of the rule's shared state."""
        return {
            name: ops.cast(shared[f"{self.name}_{name}"], self.dtype) for name in self.slot_shapes()
        }

    def named(self, slots):
        """The reverse of `slots`: dict name in the shared state → stacked slot."""
        return {f"{self.name}_{name}": value for name, value in slots.items()}

    def last_direction(self, slots, masses):
        """The direction that was taken in the step before.

        Args:
            slots: As `slots` gives them.
            masses: `[2, variables]`; see `Spectral`.
        """
        if self.matrix:
            return slots["direction"]
        return adam_direction(slots["mean"], slots["mean_square"], masses)

    def measure(self, gradient, variable, slots, masses, spreads):
        """What is measured of the group's variables before a step.

        Args:
            gradient: `[variables, rows, columns]`.
            variable: The same of the variables.
            slots: As `slots` gives them.
            masses: `[2, variables]`; see `Spectral`.
            spreads: `[2, variables]`, as `advance` gave them.

        Returns:
            `(Measured, sides)`; sides: of kernels the mean squares of the gradient over each row
            and each column, `([variables, rows], [variables, columns])`.
        """
        mean, direction = slots["mean"], self.last_direction(slots, masses)
        squares = ops.square(gradient)
        pairs = [(mean, mean), (direction, direction), (variable, variable)]
        pairs += [(gradient, direction), (gradient, mean)]
        of_rows = [_mean_of_rows(t) for t in (squares, *(a * b for a, b in pairs))]
        means = ops.mean(ops.stack(of_rows), axis=2)
        power, mean_power, direction_power, weight_power, *products = ops.unstack(means, num=6)
        inverse = inverse_root(power)
        measured = Measured(
            gradient_power=power,
            mean_power=mean_power / ops.square(ops.maximum(masses[0], 1e-6)),
            cosine=products[0] * inverse * inverse_root(direction_power),
            mean_cosine=products[1] * inverse * inverse_root(mean_power),
            weight_power=weight_power,
            row_spread=spreads[0],
            column_spread=spreads[1],
        )
        return measured, (of_rows[0], ops.mean(squares, axis=1)) if self.matrix else None

    def advance(self, gradient, sides, slots, masses, keeps, bound, powers):
        """The next direction and slots.

        Args:
            gradient: `[variables, rows, columns]`.
            sides: Its mean squares, as `measure` gives them.
            slots: As `slots` gives them.
            masses: `[2, variables]` after the step.
            keeps: `[2, variables]`: 1 − β of the mean and of mean squares.
            bound: `[variables]`, factor on the gradient.
            powers: p and q of `kernel_direction`, `[variables]` each.

        Returns:
            `(direction [variables, rows, columns], slots, spreads [2, variables])`; see
            `kernel_direction`.
        """
        pull = _spread(keeps[0] * bound) * gradient
        stay, stay_square = _spread(1.0 - keeps[0]), 1.0 - keeps[1]
        pull_square = keeps[1] * ops.square(bound)
        mean = stay * slots["mean"] + pull
        # The mean as it will be if the next gradient is like this one.
        ahead = stay * mean + pull
        if not self.matrix:
            square = _spread(pull_square) * ops.square(gradient)
            square = _spread(stay_square) * slots["mean_square"] + square
            found = adam_direction(ahead, square, masses)
            return found, {"mean": mean, "mean_square": square}, ops.zeros_like(masses)
        new = {"mean": mean}
        for name, value in zip(("row_square", "column_square"), sides, strict=True):
            new[name] = stay_square[:, None] * slots[name] + pull_square[:, None] * value
        new["direction"], spreads = kernel_direction(
            ahead, new["row_square"], new["column_square"], powers
        )
        return new["direction"], new, spreads


def groups_of(variables, layouts):
    """The `Group`s of variables that are evaluated together; see `grouped`."""
    groups = []
    for number, indices in enumerate(grouped(variables, layouts)):
        first, layout = variables[indices[0]], layouts[indices[0]]
        name = "_".join((str(number), layout.kind, "x".join(map(str, first.shape)) or "scalar"))
        groups.append(Group(name, indices, first.shape, layout, compute_dtype_for(first)))
    return groups


def of_groups(tensors, groups, order, names):
    """What each group needs of tensors that belong to all variables.

    Args:
        tensors: Dict name → `[…, variables]`.
        groups: The `Group`s.
        order: Indices of their variables, one group's behind the other's.
        names: Which of the tensors.

    Returns:
        List, one for each group, of dicts name → `[…, variables of the group]`.
    """
    shapes = [tuple(tensors[name].shape[:-1]) for name in names]
    flat = [ops.reshape(tensors[name], (-1, len(order))) for name in names]
    flat = at_places(ops.concatenate(flat), order)
    ends = np.cumsum([math.prod(shape) for shape in shapes])[:-1].tolist()
    found, start = [], 0
    for group in groups:
        own = ops.cast(flat[:, start : start + group.count], group.dtype)
        parts = zip(ops.split(own, ends), shapes, strict=True)
        parts = [ops.reshape(part, (*shape, group.count)) for part, shape in parts]
        found.append(dict(zip(names, parts, strict=True)))
        start += group.count
    return found


def in_full(group, tensors, iteration):
    """What belongs to several stacked variables, before it is cut apart; see `barrier`."""
    return optimization_barrier(tensors, iteration) if group.count > 1 else tensors


def _spread(values):
    return values[:, None, None]


def _mean_of_rows(tensor):
    """Mean along the last axis, `[variables, rows]`; of a long single row in several parts."""
    count, rows, columns = tensor.shape
    if rows == 1 and columns > 4096:
        width = math.gcd(columns, 1024)
        tensor = ops.reshape(tensor, (count, columns // width, width))
    return mean_along(tensor)[:, :, 0]
