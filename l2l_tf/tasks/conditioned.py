"""Convex optimizees: quadratics of known condition, and logistic regression."""

import functools
from typing import Any

import numpy as np
import tensorflow as tf

from l2l_tf.core.checks import check_choice
from l2l_tf.core.config import integer, number
from l2l_tf.tasks.base import SPLITS, Metrics, Task, Tensors, fold_in
from l2l_tf.tasks.bundled import bundled
from l2l_tf.tasks.registry import register_task


@register_task("conditioned_quadratic")
class ConditionedQuadratic(Task):
    """`f(x) = ½ (x − b)ᵀA(x − b)`, A of a given condition number in a random rotation.

    The largest eigenvalue of A is 1, the smallest 1/condition, the others log-uniform
    between; b and the starting point are from N(0, 1). `f` is computed as `½ ‖R(x − b)‖²`
    with A = RᵀR, so that it never is negative.

    Args:
        dimension: Coordinates of x, at least 2.
        condition: Condition number of A, at least 1.

    Raises:
        ValueError: If an argument is out of range.
    """

    dimension: int = integer(10, min=2)
    condition: float = number(100.0, min=1)

    def init(self, seed: tf.Tensor) -> tuple[Tensors, Tensors]:
        n = self.dimension
        rotation, _ = tf.linalg.qr(tf.random.stateless_normal([n, n], fold_in(seed, 0)))
        exponents = tf.random.stateless_uniform([n - 2], fold_in(seed, 1))
        exponents = tf.concat([[0.0, 1.0], exponents], axis=0)
        roots = tf.pow(float(self.condition), -0.5 * exponents)
        target = tf.random.stateless_normal([n], fold_in(seed, 2))
        start = tf.random.stateless_normal([n], fold_in(seed, 3))
        return [start], [roots[:, None] * tf.transpose(rotation), target]

    def tasks_loss(
        self, params: Tensors, model_state: Tensors, batch: Any
    ) -> tuple[tf.Tensor, Tensors]:
        del batch
        root, target = model_state
        residual = tf.linalg.matvec(root, params[0] - target)
        return 0.5 * tf.reduce_sum(tf.square(residual), axis=-1), model_state


@register_task("logistic_regression")
class LogisticRegression(Task):
    """Logistic regression on scikit-learn's breast cancer data, all rows at every step.

    Loss: mean cross-entropy + l2/2 · ‖w‖². 30 standardised features and a bias; 341 rows to
    train on, 114 for validation, 114 for tests. Starts at N(0, start²).

    Args:
        l2: Weight of the penalty, which makes the minimum finite.
        start: Standard deviation of the starting point.
    """

    l2: float = number(1e-3, min=0)
    start: float = number(0.1, min=0)

    def init(self, seed: tf.Tensor) -> tuple[Tensors, Tensors]:
        weights = tf.random.stateless_normal([30], fold_in(seed, 0))
        bias = tf.random.stateless_normal([1], fold_in(seed, 1))
        return [self.start * weights, self.start * bias], []

    def loss(
        self, params: Tensors, model_state: Tensors, batch: Any
    ) -> tuple[tf.Tensor, Tensors, Metrics]:
        rows, labels = batch
        losses, model_state = self.tasks_loss(params, model_state, batch)
        predicted = tf.cast(self._logits(params, rows) > 0, labels.dtype)
        accuracy = tf.reduce_mean(tf.cast(predicted == labels, tf.float32), axis=-1)
        return losses, model_state, {"accuracy": accuracy}

    def tasks_loss(
        self, params: Tensors, model_state: Tensors, batch: Any
    ) -> tuple[tf.Tensor, Tensors]:
        rows, labels = batch
        logits = self._logits(params, rows)
        # log(1 + e^(−z)) of the signed margin z, written so that it differentiates twice.
        margin = (2.0 * labels - 1.0) * logits
        entropy = tf.reduce_mean(tf.math.softplus(-margin), axis=-1)
        penalty = 0.5 * self.l2 * tf.reduce_sum(tf.square(params[0]), axis=-1)
        return entropy + penalty, model_state

    def _logits(self, params, rows):
        return tf.linalg.matvec(rows, params[0]) + params[1]

    def batch(self, seed: tf.Tensor, step: Any, split: str = "train") -> Any:
        del seed, step
        return self.full_batch(split)

    def full_batch(self, split: str = "test") -> Any:
        check_choice("split", split, SPLITS)
        rows, labels = _breast_cancer()[split]
        return tf.constant(rows), tf.constant(labels)


@functools.cache
def _breast_cancer():
    data = bundled("breast_cancer")
    order = np.random.default_rng(0).permutation(len(data.data))
    rows, labels = data.data[order], data.target[order].astype("float32")
    mean, deviation = rows[:341].mean(axis=0), rows[:341].std(axis=0)
    rows = ((rows - mean) / deviation).astype("float32")
    ends = {"train": (0, 341), "validation": (341, 455), "test": (455, 569)}
    return {split: (rows[a:b], labels[a:b]) for split, (a, b) in ends.items()}
