"""Variables that are evaluated together: those of one shape, stacked as matrices."""

import itertools
import math
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from l2l_tf.rules.base import compute_dtype_for
from l2l_tf.rules.layout import EMBEDDING, KERNEL
from l2l_tf.rules.packing import at_places
from l2l_tf.rules.spectral.direction import adam_direction

# Stacking copies a variable and its state once a step; beyond this it costs more than it spares.
STACKED_COORDINATES = 2**20
# Rows of single numbers are filled up to the longest of those up to one of these lengths.
FILLED_UP = (16, 256, 4096)
# Means that `Group.measure` takes.
MEASURED = 7
# A row counts as met where its gradient's mean square is above this share of the table's: what a
# penalty on weights or a softmax over all rows adds to the others is far below.
MET = 1e-3


def is_matrix(layout):
    """Whether a variable has a direction as a matrix, and not one for each of its numbers."""
    return layout.kind == KERNEL and min(layout.rows, layout.columns) > 1


def decays(layout):
    """Whether the rule's own weight decay acts on a variable."""
    return layout.decays and layout.kind in (KERNEL, EMBEDDING)


def grouped(variables, layouts):
    """Lists of indices, each of variables of one dtype that are evaluated together.

    Matrices have the same sides; single numbers are in one row with those of variables of about
    as many, and the shorter ones are filled up with zeros.

    Args:
        variables: List of tensors or variables.
        layouts: List of their `Layout`s.
    """
    groups = {}
    for index, (variable, layout) in enumerate(zip(variables, layouts, strict=True)):
        kind, rows, columns = _form(layout)
        if not kind:
            columns = next((most for most in FILLED_UP if columns <= most), columns)
        number, room = 0, max(STACKED_COORDINATES // max(rows * columns, 1), 1)
        key = (compute_dtype_for(variable), kind, rows, columns)
        while len(groups.get((*key, number), ())) >= room:
            number += 1
        groups.setdefault((*key, number), []).append(index)
    return list(groups.values())


def _form(layout):
    """`(kind, rows, columns)`: a kernel's and an embedding's own; "" and one row of all else."""
    if is_matrix(layout) or layout.kind == EMBEDDING:
        return layout.kind, layout.rows, layout.columns
    return "", 1, layout.rows * layout.columns


class Factors(NamedTuple):
    """What a group needs to take a step, of each variable.

    Attributes:
        pull: Share of the gradient in the next mean.
        stay: Share of the mean before.
        pull_square: The same of mean squares.
        stay_square: The same.
        corrected: `√(b)/a` for the weights a and b that the mean and the mean square have gathered.
        rate: Step.
        shrink: Share of the variable that is taken off it.
    """

    pull: Any
    stay: Any
    pull_square: Any
    stay_square: Any
    corrected: Any
    rate: Any
    shrink: Any


class Group:
    """How the variables of a group are one tensor `[variables, rows, columns]`.

    Numbers that stand for themselves, whatever their axes, are one row.

    Their state is kept stacked: a slot for each variable would have to be read, stacked, cut
    apart and written at every step, and all of that compiled.

    Args:
        number: The group's place among all.
        indices: The variables' places among all.
        shapes: Their shapes.
        layouts: Their `Layout`s.
        dtype: Dtype in which the rule computes for them.
    """

    def __init__(self, number, indices, shapes, layouts, dtype):
        self.indices, self.dtype = indices, dtype
        self.shapes = [tuple(shape) for shape in shapes]
        self.count = len(indices)
        self.matrix, self.embedding = is_matrix(layouts[0]), layouts[0].kind == EMBEDDING
        self.decays = any(map(decays, layouts))
        kind, rows, columns = _form(layouts[0])
        self._sizes = [math.prod(shape) for shape in self.shapes]
        self.sides = (rows, columns if kind else max(*self._sizes, 1))
        self.name = "_".join((str(number), kind or "numbers", "x".join(map(str, self.sides))))
        # Numbers that stand for themselves may stand in any order.
        self._axes = [layout.axes if kind else None for layout in layouts]
        self._filled = min(self._sizes) < math.prod(self.sides)

    def stack(self, tensors):
        """One tensor `[variables, rows, columns]` out of all variables' tensors."""
        parts = [
            tensors[i] if axes is None else ops.transpose(tensors[i], axes)
            for i, axes in zip(self.indices, self._axes, strict=True)
        ]
        whole = (self.count, *self.sides)
        if self._filled:
            parts = [ops.cast(ops.reshape(part, (-1,)), self.dtype) for part in parts]
            flat = ops.concatenate([*parts, ops.zeros((1,), self.dtype)])
            return ops.reshape(at_places(flat, self._places(sum(self._sizes))), whole)
        if self.count == 1:
            return ops.cast(ops.reshape(parts[0], whole), self.dtype)
        return ops.stack([ops.cast(ops.reshape(part, self.sides), self.dtype) for part in parts])

    def unstack(self, tensor):
        """The reverse of `stack`: a list of tensors in the variables' shape."""
        if self._filled:
            places = self._places(-1).ravel()
            kept = np.argsort(places, kind="stable")[len(places) - sum(self._sizes) :]
            tensor = at_places(ops.reshape(tensor, (-1,)), kept)
            parts = ops.split(tensor, np.cumsum(self._sizes)[:-1].tolist())
        else:
            parts = ops.unstack(tensor, num=self.count, axis=0) if self.count > 1 else [tensor]
        found = []
        for part, shape, axes in zip(parts, self.shapes, self._axes, strict=True):
            if axes is None:
                found.append(ops.reshape(part, shape))
                continue
            back = sorted(range(len(axes)), key=axes.__getitem__)
            part = ops.reshape(part, [shape[a] for a in axes])
            found.append(ops.transpose(part, back))
        return found

    def _places(self, nowhere):
        """Where each number stands among all variables' numbers, `[variables · columns]`."""
        places = np.full((self.count, self.sides[1]), nowhere)
        starts = np.cumsum([0, *self._sizes])
        for row, size, start in zip(places, self._sizes, starts, strict=False):
            row[:size] = np.arange(start, start + size)
        return places.ravel()

    def slot_shapes(self):
        """Dict name → shape of a stacked slot."""
        whole = (self.count, *self.sides)
        return {"mean": whole, "direction" if self.matrix else "mean_square": whole}

    def slots(self, shared):
        """Dict name → stacked slot, out of the rule's shared state."""
        return {
            name: ops.cast(shared[f"{self.name}_{name}"], self.dtype) for name in self.slot_shapes()
        }

    def named(self, slots):
        """The reverse of `slots`: dict name in the shared state → stacked slot."""
        return {f"{self.name}_{name}": value for name, value in slots.items()}

    def measure(self, gradient, variable, slots, corrected):
        """What is measured of the group's variables before a step.

        Args:
            gradient: `[variables, rows, columns]`.
            variable: The same of the variables.
            slots: As `slots` gives them.
            corrected: `[variables, 1, 1]`, as in `Factors`, of the step before.

        Returns:
            `(means, sides)`; means: `[MEASURED, variables]`, those over each variable of the
            squares of gradient, mean of gradients, direction of the step before and variable, and
            of the gradient's products with that direction and with the mean, and the share of an
            embedding's rows that have a gradient, 1 of all else; sides: of kernels
            the mean squares of the gradient over each row and each column, `([variables · rows],
            [variables · columns])`, else None.
        """
        rows, columns = self.sides
        mean = slots["mean"]
        if self.matrix:
            direction = slots["direction"]
        else:
            direction = adam_direction(mean, slots["mean_square"], corrected)
        width = columns if rows > 1 or columns <= 4096 else math.gcd(columns, 1024)
        share = shares(width, self.dtype)
        gradient, mean, direction, variable = (
            ops.reshape(t, (-1, width)) for t in (gradient, mean, direction, variable)
        )
        squares = ops.square(gradient)
        products = [squares, *map(ops.square, (mean, direction, variable))]
        products += [gradient * direction, gradient * mean]
        of_rows = [ops.matmul(product, share) for product in products]
        parts = rows * columns // max(width, 1)
        joined = ops.reshape(ops.concatenate(of_rows, axis=1), (self.count, parts, -1))
        means = ops.matmul(ops.transpose(shares(parts, self.dtype)), joined)
        means = ops.transpose(ops.reshape(means, (self.count, -1)))
        if self._filled:  # The zeros count for nothing.
            filled = np.array([columns / max(size, 1) for size in self._sizes])
            means = means * ops.convert_to_tensor(filled, means.dtype)
        means = ops.concatenate([means, self._met(joined[:, :, 0], means[0])])
        if not self.matrix:
            return means, None
        squares = ops.reshape(squares, (self.count, rows, columns))
        # Twice: what is multiplied by one row alone, XLA for CPUs would compute in one go with the
        # product, down one column after the other.
        share = ops.transpose(ops.repeat(shares(rows, self.dtype), 2, axis=1))
        of_columns = ops.matmul(share, squares)[:, 0]
        return means, (ops.reshape(of_rows[0], (-1,)), ops.reshape(of_columns, (-1,)))

    def _met(self, squares, power):
        """`[1, variables]`, the share of rows that have a gradient; 1 but for embeddings."""
        if not self.embedding:
            return ops.ones((1, self.count), self.dtype)
        met = ops.cast(squares > MET * power[:, None], self.dtype)
        return ops.reshape(ops.mean(met, axis=1), (1, self.count))

    def advance(self, gradient, slots, own):
        """The next mean of gradients, and what the next direction is made of.

        Args:
            gradient: `[variables, rows, columns]`.
            slots: As `slots` gives them.
            own: `Factors`, `[variables, 1, 1]` each.

        Returns:
            `(found, slots)`; found: of kernels the mean as it will be if the next gradient is
            like this one, else the direction; `[variables, rows, columns]`.
        """
        pulled = own.pull * gradient
        mean = own.stay * slots["mean"] + pulled
        ahead = own.stay * mean + pulled
        if self.matrix:
            return ahead, {"mean": mean}
        square = own.stay_square * slots["mean_square"] + own.pull_square * ops.square(gradient)
        found = adam_direction(ahead, square, own.corrected)
        return found, {"mean": mean, "mean_square": square}


def shares(number, dtype):
    """`[number, 1]` of 1/number: a product with it is a mean.

    XLA for CPUs computes what is multiplied and the product in one go; before a sum it would
    write down what is summed, and add one entry at a time.
    """
    return ops.convert_to_tensor(np.full((number, 1), 1.0 / max(number, 1)), dtype)


def groups_of(variables, layouts):
    """The `Group`s of variables that are evaluated together; see `grouped`."""
    groups = []
    for number, indices in enumerate(grouped(variables, layouts)):
        shapes = [tuple(variables[i].shape) for i in indices]
        dtype = compute_dtype_for(variables[indices[0]])
        groups.append(Group(number, indices, shapes, [layouts[i] for i in indices], dtype))
    return groups


def of_groups(rows, groups):
    """What each group needs of numbers that belong to all variables.

    Args:
        rows: List of tensors `[variables]`, of one dtype.
        groups: The `Group`s.

    Returns:
        List, one for each group, of lists of tensors `[variables of the group, 1, 1]`.
    """
    order = list(itertools.chain(*(g.indices for g in groups)))
    together = at_places(ops.stack(rows), order)
    ends = np.cumsum([g.count for g in groups])[:-1].tolist()
    parts = ops.split(together, ends, axis=1) if ends else [together]
    shaped = (
        ops.cast(ops.reshape(part, (len(rows), group.count, 1, 1)), group.dtype)
        for part, group in zip(parts, groups, strict=True)
    )
    return [ops.unstack(part, num=len(rows), axis=0) for part in shaped]


def of_variables(parts, groups, dtype):
    """The reverse: `[k, variables]` out of a `[k, variables of the group]` for each group."""
    order = list(itertools.chain(*(g.indices for g in groups)))
    parts = [ops.cast(part, dtype) for part in parts]
    joined = parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=1)
    return at_places(joined, np.argsort(order).tolist())
