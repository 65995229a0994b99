"""A value function that learns from its own guesses: a task whose targets move."""

from typing import Any

import tensorflow as tf

from l2l_tf.evaluation.suite import objectives
from l2l_tf.evaluation.suite.control import DISCOUNT
from l2l_tf.evaluation.suite.keras_task import KerasTask, ModelCall
from l2l_tf.tasks.base import Metrics, Tensors


class ValueLearning(KerasTask):
    """Temporal differences with a target network (Sutton 1988; Mnih et al. 2015).

    Trained is `(V(s) − r − γ·V′(s′))²`; V′ is V with a moving average of its weights, which is
    part of the model's state, as in Lillicrap et al. (2016). Reported is the squared error
    against the true values, which training never sees.

    Args:
        name: How results call it.
        build: Function without arguments → a built `keras.Model`, `[n, d]` → `[n, 1]`.
        splits: Function without arguments → dict split → `(states, rewards, next states,
            values)`; see `control.transitions`.
        batch_size: Rows per step.
        follow: Share of the way to the weights that the average goes at each step.
    """

    def __init__(self, name, build, splits, batch_size, follow=0.05):
        super().__init__(name, build, splits, objectives.squared_error, batch_size)
        self.follow = follow

    def init(self, seed: tf.Tensor) -> tuple[Tensors, Tensors]:
        params, model_state = super().init(seed)
        return params, [*model_state, *(tf.identity(p) for p in params)]

    def loss(
        self, params: Tensors, model_state: Tensors, batch: Any
    ) -> tuple[tf.Tensor, Tensors, Metrics]:
        states, rewards, next_states, _ = batch
        own, average = model_state[: -len(params)], model_state[-len(params) :]
        call = ModelCall(self.model, params, own, training=True)
        later = ModelCall(self.model, average, own, training=False)(next_states)
        targets = tf.stop_gradient(rewards[:, None] + DISCOUNT * later)
        loss, metrics = self.objective(call, states, targets)
        average = [a + self.follow * (p - a) for a, p in zip(average, params, strict=True)]
        return loss, [*call.model_state, *average], metrics

    def evaluate(
        self, params: Tensors, model_state: Tensors, batch: Any
    ) -> tuple[tf.Tensor, Metrics]:
        states, _, _, values = batch
        call = ModelCall(self.model, params, model_state[: -len(params)], training=False)
        return self.objective(call, states, values[:, None])

    def __repr__(self):
        return f"ValueLearning({super().__repr__()}, follow={self.follow!r})"
