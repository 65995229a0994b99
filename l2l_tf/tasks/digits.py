"""The digits that scikit-learn ships: real data that needs no preparation."""

import functools

import numpy as np
import tensorflow as tf

from l2l_tf.core.checks import check_choice
from l2l_tf.tasks.base import SPLITS
from l2l_tf.tasks.bundled import bundled
from l2l_tf.tasks.classification import hold
from l2l_tf.tasks.perceptron import InMemoryMLP
from l2l_tf.tasks.registry import register_task


@functools.cache
def _digits():
    data = bundled("digits")
    rows = (data.data / 16.0).astype("float32")
    labels = data.target.astype("int32")
    order = np.random.default_rng(0).permutation(len(rows))
    rows, labels = rows[order], labels[order]
    ends = {"train": (0, 1077), "validation": (1077, 1437), "test": (1437, 1797)}
    return {split: (rows[a:b], labels[a:b]) for split, (a, b) in ends.items()}


@functools.cache
def digits_splits():
    """Dict split → `(rows [n, 64] float32, labels [n] int32)`, tensors outside any graph."""
    return hold(_digits())


def digits(split: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows `[n, 64]` float32 in [0, 1] and labels `[n]` int32 of one split of the digits."""
    check_choice("split", split, SPLITS)
    return _digits()[split]


@register_task("digits_mlp")
class DigitsMLP(InMemoryMLP):
    """A multilayer perceptron on scikit-learn's 1,797 handwritten 8×8 digits.

    1,077 rows to train on, 360 for validation, 360 for tests; pixels in [0, 1]. The arguments
    are those of `InMemoryMLP`.
    """

    def splits(self) -> dict[str, tuple[tf.Tensor, tf.Tensor]]:
        return digits_splits()
