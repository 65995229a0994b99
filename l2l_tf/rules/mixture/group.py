"""Variables that `mixture` evaluates together: which they are, and how they are one tensor."""

import math
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from l2l_tf.rules import chunks
from l2l_tf.rules.base import compute_dtype_for
from l2l_tf.rules.mixture.segments import Segments, segment_groups

SLOTS = ("mean", "slow_mean", "mean_square")


class Tensors(NamedTuple):
    """What a step needs of each coordinate: one tensor each, or a list over the variables."""

    gradient: Any
    variable: Any
    mean: Any
    slow_mean: Any
    mean_square: Any


class Group:
    """How the variables of a group are packed; kernels come last, those of equal sides together.

    Args:
        indices: The variables' places among all, in the order of `groups_of`.
        shapes: Their shapes.
        dtype: Dtype in which the rule computes for them.
        max_side: See `Mixture`.

    Attributes:
        orthogonal: List of whether each variable has a direction O.
        kernels: Dict sides → (place of the first kernel of these sides, how many there are).
        large: Whether it is one variable that is worth chunks.
    """

    def __init__(self, indices, shapes, dtype, max_side):
        self.indices, self.dtype = indices, dtype
        self.segments = Segments(shapes)
        sides = [orthogonalised_sides(shape, max_side) for shape in shapes]
        self.orthogonal = [s is not None for s in sides]
        self.kernels = {s: (sides.index(s), sides.count(s)) for s in sides if s is not None}
        self.large = not self.segments.packed and chunks.many(self.segments.sizes[0])

    def of(self, gradients, variables, states):
        """`Tensors` of lists over the group's variables."""
        slots = ([states[i][name] for i in self.indices] for name in SLOTS)
        return Tensors(*([of[i] for i in self.indices] for of in (gradients, variables)), *slots)

    def pack(self, tensors):
        """`Tensors` of lists as `Tensors` of one tensor each."""
        return Tensors(*(self.segments.pack(t, self.dtype) for t in tensors))

    def stacked(self, tensor, sides):
        """`[kernels, rows, columns]`: the kernels of these sides, out of what is packed."""
        first, count = self.kernels[sides]
        return ops.reshape(self.segments.block(tensor, first, count), (count, *sides))

    def sizes(self):
        """Array of what an O is multiplied by so that its entries are of the order of 1."""
        longest = [max(sides_of(shape)) for shape in self.segments.shapes]
        return np.array(self.orthogonal, self.dtype) * np.sqrt(longest).astype(self.dtype)


def groups_of(variables, max_side):
    """The `Group`s of variables that are evaluated together, each of one dtype."""
    groups = []
    dtypes = [compute_dtype_for(v) for v in variables]
    for dtype in sorted(set(dtypes)):
        alike = [i for i, other in enumerate(dtypes) if other == dtype]
        shapes = [tuple(variables[i].shape) for i in alike]
        for places in segment_groups(shapes):
            places = [places[i] for i in _in_order([shapes[p] for p in places], max_side)]
            indices = [alike[place] for place in places]
            groups.append(Group(indices, [shapes[p] for p in places], dtype, max_side))
    return groups


def sides_of(shape):
    """Rows and columns of the matrix that a kernel counts as; a vector has one column."""
    return (math.prod(shape[:-1]), shape[-1]) if len(shape) >= 2 else (math.prod(shape), 1)


def orthogonalised_sides(shape, max_side):
    """Rows and columns of a kernel that has an O, else None."""
    sides = sides_of(shape)
    return sides if 1 < min(sides) <= max_side else None


def _in_order(shapes, max_side):
    sides = [orthogonalised_sides(s, max_side) or (0, 0) for s in shapes]
    return sorted(range(len(shapes)), key=lambda place: (sides[place], place))
