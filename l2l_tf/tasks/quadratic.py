"""Random quadratics, as in the paper and as in its authors' public code."""

from typing import Any

import tensorflow as tf

from l2l_tf.core.config import integer, number
from l2l_tf.tasks.base import Task, Tensors, fold_in
from l2l_tf.tasks.registry import register_task


@register_task("quadratic")
class Quadratic(Task):
    """`f(x) = ‖Wx − y‖²`, W and y from N(0, 1), x starting at N(0, start²).

    Andrychowicz et al. (2016), section 3.1.

    Args:
        dimension: Rows and columns of W.
        start: Standard deviation of the starting point.

    Raises:
        ValueError: If an argument is out of range.
    """

    dimension: int = integer(10, min=1)
    start: float = number(0.01, min=0)

    def init(self, seed: tf.Tensor) -> tuple[Tensors, Tensors]:
        n = self.dimension
        matrix = tf.random.stateless_normal([n, n], fold_in(seed, 0))
        target = tf.random.stateless_normal([n], fold_in(seed, 1))
        start = self.start * tf.random.stateless_normal([n], fold_in(seed, 2))
        return [start], [matrix, target]

    def tasks_loss(
        self, params: Tensors, model_state: Tensors, batch: Any
    ) -> tuple[tf.Tensor, Tensors]:
        del batch
        matrix, target = model_state
        residual = tf.linalg.matvec(matrix, params[0]) - target
        return tf.reduce_sum(tf.square(residual), axis=-1), model_state


@register_task("quadratic_uniform")
class QuadraticUniform(Quadratic):
    """`f(x) = ‖Wx − y‖²`, W and y uniform in [0, 1): the setting of the authors' public code.

    There one problem is a batch of 128 functions whose losses are averaged, so that
    every function's gradient is 1/128 of its own: `average_over` is that number.

    Args:
        dimension: Rows and columns of W.
        start: Standard deviation of the starting point.
        average_over: Divides the loss seen by the optimizer.

    Raises:
        ValueError: If an argument is out of range.
    """

    average_over: int = integer(128, min=1)

    def init(self, seed: tf.Tensor) -> tuple[Tensors, Tensors]:
        n = self.dimension
        shape = [self.average_over]
        matrix = tf.random.stateless_uniform([*shape, n, n], fold_in(seed, 0))
        target = tf.random.stateless_uniform([*shape, n], fold_in(seed, 1))
        start = self.start * tf.random.stateless_normal([*shape, n], fold_in(seed, 2))
        return [start], [matrix, target]

    def tasks_loss(
        self, params: Tensors, model_state: Tensors, batch: Any
    ) -> tuple[tf.Tensor, Tensors]:
        losses, model_state = super().tasks_loss(params, model_state, batch)
        return tf.reduce_mean(losses, axis=-1), model_state
