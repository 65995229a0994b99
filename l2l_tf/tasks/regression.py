"""Regression: numbers to come near to, by the squared error."""

import functools
from typing import Any

import numpy as np
import tensorflow as tf

from l2l_tf.tasks.base import Metrics, Task, Tensors
from l2l_tf.tasks.bundled import bundled
from l2l_tf.tasks.classification import hold
from l2l_tf.tasks.perceptron import InMemoryMLP
from l2l_tf.tasks.registry import register_task


class Regression:
    """Makes a regression of a classifier of rows: before it among the base classes.

    The loss is the mean squared error over rows and outputs, there are no metrics, and
    `objective` and `label_noise`, which are of labels, are left as they are.
    """

    def __post_init__(self):
        super().__post_init__()
        for name, only in (("objective", "cross_entropy"), ("label_noise", 0)):
            if getattr(self, name) != only:
                raise ValueError(
                    f"A regression has no labels. Received: {name}={getattr(self, name)!r}"
                )

    def loss(
        self, params: Tensors, model_state: Tensors, batch: Any
    ) -> tuple[tf.Tensor, Tensors, Metrics]:
        return Task.loss(self, params, model_state, batch)

    def evaluate(
        self, params: Tensors, model_state: Tensors, batch: Any
    ) -> tuple[tf.Tensor, Metrics]:
        rows, targets = batch
        scores, _ = self.scores(params, model_state, rows, training=False)
        return self._loss(scores, targets), {}

    def _loss(self, scores, targets):
        return tf.reduce_mean(tf.square(scores - targets), axis=[-2, -1])


@functools.cache
def _diabetes():
    data = bundled("diabetes")
    order = np.random.default_rng(0).permutation(len(data.target))
    rows, targets = data.data[order], data.target[order, None]
    ends = {"train": (0, 282), "validation": (282, 362), "test": (362, 442)}
    known = slice(*ends["train"])
    rows, targets = (
        ((a - a[known].mean(0)) / a[known].std(0)).astype("float32") for a in (rows, targets)
    )
    return hold({split: (rows[a:b], targets[a:b]) for split, (a, b) in ends.items()})


@register_task("diabetes_mlp")
class DiabetesMLP(Regression, InMemoryMLP, batch_size=32, activation="tanh"):
    """A multilayer perceptron on scikit-learn's diabetes data (Efron et al. 2004): a regression.

    10 columns of 442 patients, and how far the illness had come a year later, all standardised;
    282 rows to train on, 80 for validation, 80 for tests. The arguments are those of `InMemoryMLP`.
    """

    def splits(self) -> dict[str, tuple[tf.Tensor, tf.Tensor]]:
        return _diabetes()

    @property
    def classes(self) -> int:
        return 1
