"""The contract of tasks: optimizees as pure functions of explicit parameters.

    params, model_state      = task.init(seed)
    loss, model_state, metrics = task.loss(params, model_state, batch)
    batch                    = task.batch(seed, step, split)

A seed is an int32 tensor `[2]`, as TensorFlow's stateless random ops take it.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import tensorflow as tf

from l2l_tf.core.config import Configured
from l2l_tf.core.scalars import unkept
from l2l_tf.core.transforms import mapped

SPLITS = ("train", "validation", "test")
# Parameters, or what else an optimizee holds.
Tensors = list[tf.Tensor]
Metrics = dict[str, tf.Tensor]


def fold_in(seed: Any, number: Any) -> tf.Tensor:
    """A new seed `[2]` from a seed and an integer."""
    return tf.random.experimental.stateless_fold_in(
        tf.convert_to_tensor(seed, tf.int32), tf.cast(unkept(number, "int32"), tf.int32)
    )


def as_seed(number: int) -> tf.Tensor:
    """The seed `[2]` of a Python int."""
    return tf.constant([number, 0], tf.int32)


class Task(Configured):
    """Base class of tasks; a subclass declares its arguments as fields (`core.config`).

    Attributes:
        in_graph: Whether `init` and `batch` may be called inside a `tf.function`; where not,
            they run in Python, and the graph is given what they return.
        twice_differentiable: Whether the loss's gradient may be differentiated again.
        jit_compile: Whether loops over steps are compiled with XLA, where they may be. Not for
            convolutions: in a loop on a CPU, XLA takes many times as long as TensorFlow.
        variable_paths: Paths of the parameters as a Keras model names them, such as
            "attention/query/kernel", in their order; None where they have no names.
        train_rows: Number of rows that batches of `batch_size` are drawn from; None where
            there are no such rows.
    """

    in_graph = True
    jit_compile = True
    twice_differentiable = True
    variable_paths: ClassVar[Sequence[str] | None] = None
    train_rows: ClassVar[int | None] = None

    def init(self, seed: tf.Tensor) -> tuple[Tensors, Tensors]:
        """Fresh parameters, and what else a fresh optimizee holds.

        Args:
            seed: int32 `[2]`.

        Returns:
            `(params, model_state)`: lists of tensors with static shapes.
        """
        raise NotImplementedError(f"{type(self).__name__}.init")

    def loss(
        self, params: Tensors, model_state: Tensors, batch: Any
    ) -> tuple[tf.Tensor, Tensors, Metrics]:
        """Loss of one optimizee on one batch.

        Args:
            params: List of tensors as `init` gives them.
            model_state: List of tensors likewise.
            batch: What `batch` returned.

        A task implements this, or `tasks_loss` for one optimizee and several alike.

        Returns:
            `(loss, model_state, metrics)`: a scalar, the new state, and a dict of scalars.
        """
        if type(self).tasks_loss is Task.tasks_loss:
            raise NotImplementedError(f"{type(self).__name__}.loss")
        loss, model_state = self.tasks_loss(params, model_state, batch)
        return loss, model_state, {}

    def batch(self, seed: tf.Tensor, step: Any, split: str = "train") -> Any:
        """The batch of one step; the same arguments give the same batch.

        Args:
            seed: int32 `[2]`.
            step: Scalar int.
            split: One of `SPLITS`.

        Returns:
            A tuple of tensors with static shapes; empty if the task has no data.
        """
        del seed, step, split
        return ()

    def full_batch(self, split: str = "test") -> Any:
        """All rows of a split as one batch, for reports; empty if the task has no data."""
        del split
        return ()

    def passes(self, steps: int) -> float | None:
        """How often a run of `steps` passes over the training rows; None if there are none."""
        return steps * self.batch_size / self.train_rows if self.train_rows else None

    @property
    def batch_rows(self) -> int | None:
        """Rows of a batch; None if there are no rows."""
        return self.batch_size if self.train_rows else None

    def picture(self, params: Tensors) -> tf.Tensor | None:
        """The parameters as a picture, uint8 `[height, width, 3]`; None if they show nothing."""
        del params
        return None

    def evaluate(
        self, params: Tensors, model_state: Tensors, batch: Any
    ) -> tuple[tf.Tensor, Metrics]:
        """Loss and metrics as a report states them, where that differs from training.

        Moving statistics stand for a batch's own, and nothing is drawn at random.

        Returns:
            `(loss, metrics)`: a scalar and a dict of scalars.
        """
        loss, _, metrics = self.loss(params, model_state, batch)
        return loss, metrics

    def init_tasks(
        self, seed: tf.Tensor, num_tasks: int, first: Any = 0
    ) -> tuple[Tensors, Tensors]:
        """`num_tasks` optimizees at once: `init` with a leading axis `[num_tasks]`.

        Args:
            seed: int32 `[2]`, of all optimizees.
            num_tasks: How many of them, int.
            first: Number of the first one, scalar int.
        """
        seeds = [fold_in(seed, first + i) for i in range(num_tasks)]
        if not self.in_graph:
            fresh = [self.init(s) for s in seeds]
            return tf.nest.map_structure(lambda *t: tf.stack(t), *fresh)
        seeds = tf.stack(seeds)
        return tf.map_fn(self.init, seeds, fn_output_signature=_signature(self.init(seeds[0])))

    def tasks_loss(
        self, params: Tensors, model_state: Tensors, batch: Any
    ) -> tuple[tf.Tensor, Tensors]:
        """`loss` of several optimizees at once; every tensor has a leading task axis.

        Returns:
            `(losses [num_tasks], model_state)`.
        """

        def one(_, arguments):
            loss, state, _ = self.loss(*arguments)
            return loss, state

        return mapped(one, [], (params, model_state, batch), own=True)


def _signature(structure):
    return tf.nest.map_structure(lambda t: tf.TensorSpec(t.shape, t.dtype), structure)
