"""Balancing a pole on a cart by policy gradients: a small task of reinforcement learning."""

import math
from typing import Any

import tensorflow as tf

from l2l_tf.core.checks import check_choice
from l2l_tf.core.config import integer
from l2l_tf.tasks.base import SPLITS, Metrics, Task, Tensors, fold_in
from l2l_tf.tasks.registry import register_task

GRAVITY, CART, POLE, HALF, FORCE, SECONDS = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02
FARTHEST, STEEPEST = 2.4, math.radians(12.0)
REPORTED = 128


@register_task("cart_pole")
class CartPole(Task):
    """REINFORCE on the cart and pole of Barto, Sutton and Anderson (1983).

    A policy 4-hidden-2 with tanh sees place, speed, angle and angular speed, and pushes left or
    right by the softmax of its scores. An episode ends where the cart is more than 2.4 m away or
    the pole more than 12° from upright, or after `steps` pushes.

    The loss is the share of `steps` in which the pole was not up, in [0, 1]. Its gradient is that
    of Williams (1992) by the steps that are still to come, less their mean over the batch's other
    episodes that are still on. It comes from nothing but the actions that were drawn, so that it
    is noisy, and its data depend on the policy.

    Args:
        hidden: Units of the policy's hidden layer.
        steps: Longest episode; random pushes last 20 or so.
        batch_size: Episodes per update.

    Raises:
        ValueError: If an argument is out of range.
    """

    twice_differentiable = False

    hidden: int = integer(16, min=1)
    steps: int = integer(100, min=2)
    batch_size: int = integer(16, min=2)

    def init(self, seed: tf.Tensor) -> tuple[Tensors, Tensors]:
        params = []
        for layer, (rows, columns) in enumerate(((4, self.hidden), (self.hidden, 2))):
            kernel = tf.random.stateless_normal([rows, columns], fold_in(seed, layer))
            params += [kernel / math.sqrt(rows), tf.zeros([columns])]
        return params, []

    def batch(self, seed: tf.Tensor, step: Any, split: str = "train") -> Any:
        check_choice("split", split, SPLITS)
        seed = fold_in(fold_in(seed, SPLITS.index(split)), step)
        return self._drawn(seed, self.batch_size)

    def full_batch(self, split: str = "test") -> Any:
        check_choice("split", split, SPLITS)
        return self._drawn(tf.constant([SPLITS.index(split), 1], tf.int32), REPORTED)

    def _drawn(self, seed, episodes):
        """`(states [episodes, 4], uniform numbers [episodes, steps] that actions come from)`."""
        states = tf.random.stateless_uniform([episodes, 4], fold_in(seed, 0), -0.05, 0.05)
        return states, tf.random.stateless_uniform([episodes, self.steps], fold_in(seed, 1))

    def loss(
        self, params: Tensors, model_state: Tensors, batch: Any
    ) -> tuple[tf.Tensor, Tensors, Metrics]:
        loss, model_state = self.tasks_loss(params, model_state, batch)
        return loss, model_state, {"balanced": 1.0 - loss}

    def tasks_loss(
        self, params: Tensors, model_state: Tensors, batch: Any
    ) -> tuple[tf.Tensor, Tensors]:
        states, pushes, running = self._episodes([tf.stop_gradient(p) for p in params], *batch)
        # Axis 0 is time from here on.
        still = tf.cumsum(running, axis=0, reverse=True)
        others = tf.reduce_sum(running, axis=-1, keepdims=True) - running
        mean = tf.reduce_sum(running * still, axis=-1, keepdims=True) - running * still
        advantage = running * (still - mean / tf.maximum(others, 1.0)) / self.steps
        logs = tf.nn.log_softmax(_scores([p[None] for p in params], states))
        taken = tf.where(pushes, logs[..., 1], logs[..., 0])
        surrogate = -tf.reduce_mean(tf.reduce_sum(advantage * taken, axis=0), axis=-1)
        up = tf.reduce_mean(tf.reduce_sum(running, axis=0), axis=-1) / self.steps
        # The value of the one, the gradient of the other.
        return 1.0 - up + surrogate - tf.stop_gradient(surrogate), model_state

    def _episodes(self, params, states, uniforms):
        """`(states [steps, …, 4], pushes to the right, 1 where an episode was on)`."""
        rank = uniforms.shape.rank
        uniforms = tf.transpose(uniforms, [rank - 1, *range(rank - 1)])
        running = tf.TensorArray(tf.float32, self.steps, element_shape=uniforms.shape[1:])
        seen = tf.TensorArray(tf.float32, self.steps, element_shape=states.shape)
        pushed = tf.TensorArray(tf.bool, self.steps, element_shape=uniforms.shape[1:])
        on = tf.ones_like(uniforms[0])

        def step(time, states, on, seen, pushed, running):
            right = uniforms[time] < tf.nn.softmax(_scores(params, states))[..., 1]
            seen, pushed = seen.write(time, states), pushed.write(time, right)
            running = running.write(time, on)
            states = _moved(states, tf.where(right, FORCE, -FORCE))
            away = tf.abs(states[..., 0]) > FARTHEST
            fallen = tf.logical_or(away, tf.abs(states[..., 2]) > STEEPEST)
            # One that has ended stays where it is at the start: its numbers stay finite.
            states = tf.where(fallen[..., None], 0.0, states)
            return time + 1, states, tf.where(fallen, 0.0, on), seen, pushed, running

        _, _, _, seen, pushed, running = tf.while_loop(
            lambda time, *_: time < self.steps,
            step,
            (0, states, on, seen, pushed, running),
            maximum_iterations=self.steps,
        )
        return seen.stack(), pushed.stack(), running.stack()


def _scores(params, states):
    """Scores of left and right, `[…, 2]`, of states `[…, 4]`."""
    kernel, bias, output, output_bias = params
    hidden = tf.tanh(tf.matmul(states, kernel) + bias[..., None, :])
    return tf.matmul(hidden, output) + output_bias[..., None, :]


def _moved(states, force):
    """States `[…, 4]` after 20 ms of a force `[…]` in newtons, by Euler's method."""
    place, speed, angle, turning = tf.unstack(states, axis=-1)
    sine, cosine, mass = tf.sin(angle), tf.cos(angle), CART + POLE
    pull = (force + POLE * HALF * tf.square(turning) * sine) / mass
    falling = (GRAVITY * sine - cosine * pull) / (
        HALF * (4.0 / 3.0 - POLE * tf.square(cosine) / mass)
    )
    gaining = pull - POLE * HALF * falling * cosine / mass
    moved = (speed, gaining, turning, falling)
    return states + SECONDS * tf.stack(moved, axis=-1)
