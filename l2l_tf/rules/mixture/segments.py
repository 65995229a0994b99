"""Variables of a model, packed or each in its shape, and means over each of them."""

import math

import numpy as np
from keras import ops

# Coordinates of a row; a packed variable fills whole rows, the rest of its last one is zeros.
WIDTH = 128
# Packing copies a variable and its state once a step: what that costs beyond this size, an
# evaluation of its own does not.
PACKED_COORDINATES = 2**16


def segment_groups(shapes):
    """Which variables are packed: all small ones.

    Args:
        shapes: List of static shapes.

    Returns:
        List of lists of indices; a list of one is a variable evaluated in its own shape.
    """
    sizes = [math.prod(shape) for shape in shapes]
    small = [i for i, size in enumerate(sizes) if size <= PACKED_COORDINATES]
    return [*([small] if small else []), *([i] for i in range(len(sizes)) if i not in set(small))]


class Segments:
    """Tensors of one group of variables: packed as `[rows, WIDTH]`, or one in its shape.

    What is averaged over each variable is a sum over rows and one small product; what belongs
    to each variable is spread by a gather of rows. So a model of many small variables costs a
    handful of operations, and work linear in its coordinates.

    Args:
        shapes: Shapes of the group's variables, at least one.
    """

    def __init__(self, shapes):
        self.shapes = [tuple(s) for s in shapes]
        self.sizes = [math.prod(s) for s in self.shapes]
        self.count = len(self.sizes)
        self.packed = self.count > 1
        self._rows = [-(-size // WIDTH) for size in self.sizes]
        pairs = zip(self._rows, self.sizes, strict=True)
        self._padding = [rows * WIDTH - size for rows, size in pairs]
        self._owner = np.repeat(np.arange(self.count, dtype="int32"), self._rows)

    def pack(self, tensors, dtype):
        """One tensor of a list with one tensor per variable, cast to `dtype`."""
        if not self.packed:
            return ops.cast(tensors[0], dtype)
        pieces = []
        for tensor, padding in zip(tensors, self._padding, strict=True):
            flat = ops.reshape(tensor, (-1,))
            pieces += [flat, ops.zeros((padding,), flat.dtype)] if padding else [flat]
        return ops.cast(ops.reshape(ops.concatenate(pieces), (-1, WIDTH)), dtype)

    def unpack(self, tensor):
        """The reverse of `pack`."""
        if not self.packed:
            return [tensor]
        sizes = []
        for size, padding in zip(self.sizes, self._padding, strict=True):
            sizes += [size, padding] if padding else [size]
        ends = [int(e) for e in np.cumsum(sizes)[:-1]]
        pieces = iter(ops.split(ops.reshape(tensor, (-1,)), ends))
        parts = []
        for shape, padding in zip(self.shapes, self._padding, strict=True):
            parts.append(ops.reshape(next(pieces), shape))
            if padding:
                next(pieces)
        return parts

    def block(self, tensor, first, count):
        """Slice `count` consecutive variables of equal size out of a packed tensor.

        Args:
            tensor: As `pack` makes it.
            first: Place of the first of them.
            count: How many they are.

        Returns:
            `[count, size]`.
        """
        size = self.sizes[first]
        if not self.packed:
            return ops.reshape(tensor, (1, size))
        start, rows = sum(self._rows[:first]), self._rows[first]
        part = ops.slice(tensor, [start, 0], [count * rows, WIDTH])
        return ops.reshape(part, (count, rows * WIDTH))[:, :size]

    def pack_blocks(self, blocks, dtype):
        """Pack blocks `[count, size]` of the last variables; all others are zeros.

        Args:
            blocks: List of them, in order, as `block` gives them.
            dtype: Dtype of all of them.
        """
        if not self.packed:
            return ops.reshape(blocks[0], self.shapes[0])
        parts = []
        for block in blocks:
            block = ops.pad(block, ((0, 0), (0, -block.shape[1] % WIDTH)))
            parts.append(ops.reshape(block, (-1, WIDTH)))
        rest = sum(self._rows) - sum(p.shape[0] for p in parts)
        before = [ops.zeros((rest, WIDTH), dtype)] if rest else []
        return ops.concatenate([*before, *parts])

    def means(self, tensors):
        """Mean over each variable of each of k packed tensors: `[k, variables]`."""
        if not self.packed:
            return ops.stack([_sum(t) / max(self.sizes[0], 1) for t in tensors])[:, None]
        sums = ops.stack([ops.sum(t, axis=1) for t in tensors])
        owned = self._owner[:, None] == np.arange(self.count)
        return ops.matmul(sums, ops.cast(owned / np.maximum(self.sizes, 1), sums.dtype))

    def spread(self, values):
        """k rows of a value for each variable, `[k, variables]`, as k tensors that broadcast."""
        if not self.packed:
            return ops.unstack(values[:, 0])
        return ops.unstack(ops.take(values, self._owner, axis=1)[:, :, None])


def _sum(tensor):
    """Sum of all entries, over rows first: compiled sums along a row add one entry at a time."""
    shape = tuple(tensor.shape)
    width = max(shape[-1] if shape else 1, math.gcd(math.prod(shape), 2**10))
    if width < 16:
        return ops.sum(tensor)
    rows = ops.sum(ops.reshape(tensor, (-1, width)), axis=0)
    # A product, since the compiler would fuse two sums into one.
    return ops.matmul(rows[None], ops.ones((width, 1), rows.dtype))[0, 0]
