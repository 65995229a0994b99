"""Generators of random weights, and how many numbers they may draw."""

import contextlib
import contextvars
import math
from collections.abc import Iterator

import numpy as np

_MOST = contextvars.ContextVar("most_draws", default=None)


class BoundedGenerator(np.random.Generator):
    """`numpy.random.default_rng(seed)`, which refuses to draw more than so many numbers.

    Args:
        seed: Non-negative int.
        most: Int.
    """

    def __init__(self, seed: int, most: int):
        super().__init__(np.random.PCG64(seed))
        self.most = self.left = most

    def normal(self, loc=0.0, scale=1.0, size=None):
        self._count(size)
        return super().normal(loc, scale, size)

    def uniform(self, low=0.0, high=1.0, size=None):
        self._count(size)
        return super().uniform(low, high, size)

    def _count(self, size):
        count = 1 if size is None else math.prod(np.atleast_1d(size).tolist())
        if count > self.left:
            raise ValueError(
                f"No more than {self.most:,} random weights are drawn here. Received: {size=}"
            )
        self.left -= count


@contextlib.contextmanager
def at_most(count: int) -> Iterator[None]:
    """Context in which each `generator` draws no more than `count` numbers.

    For descriptions from strangers, whose few letters may stand for more weights than memory holds.
    """
    token = _MOST.set(count)
    try:
        yield
    finally:
        _MOST.reset(token)


def generator(seed: int) -> np.random.Generator:
    """The generator of untrained weights; the same seed gives the same numbers."""
    most = _MOST.get()
    return np.random.default_rng(seed) if most is None else BoundedGenerator(seed, most)
