"""One compiled train step, with an optimizer or without, and what it costs."""

import math
import time
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from l2l_tf.core.tracing import traced_apart
from l2l_tf.evaluation.cost.flops import flops
from l2l_tf.evaluation.training_step import differentiated, variable_at


def state_bytes(optimizer: keras.optimizers.Optimizer) -> int:
    """Bytes that a built optimizer keeps for the weights it trains.

    Numbers that it has one of, such as the learning rate, and a rule's meta-parameters do not
    count: they do not grow with the model.
    """
    fixed = {id(v) for v in getattr(optimizer, "_meta_params", {}).values()}
    return sum(
        math.prod(v.shape) * tf.as_dtype(v.dtype).size
        for v in optimizer.variables
        if id(v) not in fixed and len(v.shape)
    )


class TrainStep:
    """One step of training on one batch, again and again, on variables of its own.

    Args:
        objective: `(params, model_state, batch)` → `(objective, loss, model_state)`, pure.
        start: `(paths, params, model_state)`: paths and first values of what is trained, and the
            first values of all other variables.
        batch: Nested tensors.
        make: Function without arguments that makes a fresh optimizer; None: the loss and its
            gradients alone.
        jit_compile: Whether the whole step is compiled by XLA.

    Attributes:
        first_seconds: Building the optimizer, tracing, compiling and taking the first step.
        weights: Number of weights that are trained.
        optimizer: The optimizer, built; or None.
    """

    def __init__(
        self,
        objective: Callable,
        start: tuple[list[str], list, list],
        batch: Any,
        make: Callable | None = None,
        jit_compile: bool = False,
    ):
        paths, params, model_state = start
        self._params = [variable_at(p, v) for p, v in zip(paths, params, strict=True)]
        self._model_state = [tf.Variable(v, trainable=False) for v in model_state]
        self._objective, self._batch = objective, batch
        self.weights = sum(math.prod(p.shape) for p in self._params)
        begun = time.perf_counter()
        self.optimizer = make() if make else None
        if self.optimizer is not None:
            self.optimizer.build(self._params)
        self._compiled = traced_apart(self._step, jit_compile)
        self()
        self.first_seconds = time.perf_counter() - begun

    def __call__(self) -> None:
        self._compiled(self._batch)[0].numpy()

    @property
    def state_bytes(self) -> int:
        """See `state_bytes`; 0 without an optimizer."""
        return 0 if self.optimizer is None else state_bytes(self.optimizer)

    def gradient_flops(self) -> int:
        """Operations of the loss and its gradients; see `flops`."""
        return flops(self._gradients, self._batch)

    def optimizer_flops(self, make: Callable) -> int:
        """Operations of an optimizer's own step; see `flops`.

        Args:
            make: Function without arguments that makes a fresh optimizer, one that compiles
                nothing by itself.
        """
        optimizer = make()
        optimizer.build(self._params)
        gradients = [tf.TensorSpec(p.shape, p.dtype) for p in self._params]
        return flops(lambda given: optimizer.apply(given, self._params), gradients)

    def _gradients(self, batch):
        return self._differentiated(batch, lambda loss: loss)

    def _step(self, batch):
        if self.optimizer is None:  # What is returned is computed.
            return self._gradients(batch)
        loss, gradients = self._differentiated(batch, self.optimizer.scale_loss)
        self.optimizer.apply(gradients, self._params)
        return loss, ()

    def _differentiated(self, batch, scaled):
        return differentiated(
            lambda params, model_state: self._objective(params, model_state, batch),
            self._params,
            self._model_state,
            scaled,
        )
