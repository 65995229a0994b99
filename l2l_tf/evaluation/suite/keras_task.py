"""A Keras model with its data as a task, so that every optimizer meets it on equal terms."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from l2l_tf.core.checks import check_choice
from l2l_tf.tasks import fold_in
from l2l_tf.tasks.base import Metrics, Tensors
from l2l_tf.tasks.classification import hold
from l2l_tf.tasks.keras_model import ModelTask, stateless_outputs


class KerasTask(ModelTask):
    """Training of a Keras model on rows in memory.

    Args:
        name: How results call it.
        build: Function without arguments → a built `keras.Model`, with fresh weights each time.
        splits: Function without arguments → dict split ("train", "test") → tuple of arrays
            `[n, …]`: inputs and targets.
        objective: Function of `objectives`.
        batch_size: Rows per step, drawn with replacement.
    """

    def __init__(
        self,
        name: str,
        build: Callable[[], keras.Model],
        splits: Callable[[], dict[str, tuple]],
        objective: Callable,
        batch_size: int,
    ):
        super().__init__(name, build)
        self.splits = splits
        self.objective = objective
        self.batch_size = batch_size
        self._held = None

    def random_seeds(self, seed: np.ndarray) -> tuple[int, int]:
        # As in all runs of the suites so far.
        return int(seed[0]) * 2**32 + int(seed[1]), super().random_seeds(seed)[1]

    def loss(
        self, params: Tensors, model_state: Tensors, batch: Any
    ) -> tuple[tf.Tensor, Tensors, Metrics]:
        call = ModelCall(self.model, params, model_state, training=True)
        loss, metrics = self.objective(call, *batch)
        return loss, call.model_state, metrics

    def evaluate(
        self, params: Tensors, model_state: Tensors, batch: Any
    ) -> tuple[tf.Tensor, Metrics]:
        call = ModelCall(self.model, params, model_state, training=False)
        return self.objective(call, *batch)

    def batch(self, seed: tf.Tensor, step: Any, split: str = "train") -> Any:
        held = self._split(split)
        index = tf.random.stateless_uniform(
            [self.batch_size], fold_in(seed, step), 0, held[0].shape[0], tf.int32
        )
        return tuple(tf.gather(array, index) for array in held)

    @property
    def train_rows(self) -> int:
        return self._split("train")[0].shape[0]

    def full_batch(self, split: str = "test") -> Any:
        return self._split(split)

    def _split(self, split):
        if self._held is None:
            self._held = hold(self.splits())
        check_choice("split", split, self._held)
        return self._held[split]

    def contents(self) -> Any:
        return [self.objective, self.batch_size, [self._split(s) for s in ("train", "test")]]

    def __repr__(self):
        return f"KerasTask({self.name!r}, {self.digest})"


class ModelCall:
    """A model's call with given weights; keeps the state that the last call left behind."""

    def __init__(self, model, params, model_state, training):
        self.model, self.params, self.training = model, params, training
        self.model_state = list(model_state)

    def __call__(self, inputs):
        outputs, _, self.model_state = stateless_outputs(
            self.model, self.params, self.model_state, inputs, self.training
        )
        return outputs
