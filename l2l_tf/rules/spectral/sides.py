"""Mean squares of the gradient over every row and every column of all kernels."""

import numpy as np
from keras import ops

from l2l_tf.cells.squares import TINY
from l2l_tf.rules.packing import at_places
from l2l_tf.rules.spectral.groups import shares


class Sides:
    """Rows and columns of all kernels in one vector `[sides]`, of each group the rows first.

    Args:
        groups: The `Group`s that are matrices.
    """

    def __init__(self, groups):
        self._groups = groups
        each = [(group, axis, side) for group in groups for axis, side in enumerate(group.sides)]
        self._lengths = [group.count * side for group, _, side in each]
        self._owners = np.concatenate([np.repeat(g.indices, side) for g, _, side in each])
        self._axes = np.concatenate([np.full(g.count * side, axis) for g, axis, side in each])

    @property
    def size(self):
        """Number of rows and columns."""
        return len(self._owners)

    def step(self, old, seen, factors, power, powers, in_full):
        """The next squares, and what they say.

        Without it one input of large units would be all that an orthogonalised kernel's direction
        sees; with p = ½ and the gradient's own rows it were Adam's; Shampoo (Gupta et al. 2018) has
        p = q = ¼ and whole matrices.

        Args:
            old: `[sides]`.
            seen: List of the gradient's own, tensors of consecutive parts of it.
            factors: `Factors`, `[variables]` each.
            power: `[variables]`, the next mean square over each whole variable.
            powers: p and q, `[variables]` each: powers of rows and columns over their mean.
            in_full: Function of a list of tensors that returns them, each computed in full before
                anything reads a part of it.

        Returns:
            `(squares, scales, spreads)`: the next `[sides]`; for each group `R⁻ᵖ [its variables,
            rows, 1]` and `C⁻ᑫ [its variables, 1, columns]`; and for each `[2, its variables]`, the
            means of the logarithms of R and C.
        """
        dtype = old.dtype
        seen = ops.concatenate([ops.cast(part, dtype) for part in seen])
        own = ops.stack([factors.stay_square, factors.pull_square, power])
        stay, pull, usual = ops.unstack(at_places(ops.cast(own, dtype), self._owners), num=3)
        squares = stay * old + pull * seen
        known = usual > TINY
        logs = squares / ops.where(known, usual, ops.ones_like(usual))
        logs = ops.log(ops.clip(logs, 1e-9, 1e9))
        logs = ops.where(known, logs, ops.zeros_like(logs))
        count = powers[0].shape[0]
        powers = ops.cast(ops.concatenate(powers), dtype)
        scales = ops.exp(-at_places(powers, self._owners + count * self._axes) * logs)
        scales, logs = map(self._apart, in_full([scales, logs]))
        shaped, spreads = [], []
        for index, group in enumerate(self._groups):
            (rows, columns), place = group.sides, slice(2 * index, 2 * index + 2)
            shapes = ((group.count, rows, 1), (group.count, 1, columns))
            shaped.append(
                [
                    ops.cast(ops.reshape(scale, shape), group.dtype)
                    for scale, shape in zip(scales[place], shapes, strict=True)
                ]
            )
            own = [
                ops.matmul(ops.reshape(part, (group.count, side)), shares(side, dtype))
                for part, side in zip(logs[place], group.sides, strict=True)
            ]
            spreads.append(ops.transpose(ops.concatenate(own, axis=1)))
        return squares, shaped, spreads

    def _apart(self, tensor):
        return ops.split(tensor, np.cumsum(self._lengths)[:-1].tolist())
