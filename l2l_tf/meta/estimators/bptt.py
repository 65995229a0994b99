"""Truncated backpropagation through the unrolled training of the optimizees."""

import inspect

import tensorflow as tf

from l2l_tf.meta import objective
from l2l_tf.meta.estimators.base import Estimate, Estimator
from l2l_tf.meta.unroll import batches, begin, unroll
from l2l_tf.tasks import fold_in


class TruncatedBPTT(Estimator):
    """Truncated BPTT of Andrychowicz et al. (2016): exact within an unroll, 0 across.

    Args:
        second_derivatives: Whether ∂∇_t/∂φ is kept; the paper drops it.
        **kwargs: See `Estimator`.
    """

    def __init__(self, second_derivatives=False, **kwargs):
        super().__init__(**kwargs)
        self.second_derivatives = second_derivatives

    def begin(self, rule, task, seed):
        return begin(rule, task, seed, self.tasks)

    def batches(self, task, carried, start):
        train = batches(task, carried.seed, self.tasks, start, self.unroll + 1)
        if self.meta_batch == "same" or not tf.nest.flatten(train):
            return train, None
        split = "train" if self.meta_batch == "fresh" else "validation"
        seed = fold_in(carried.seed, 1)
        return train, batches(task, seed, self.tasks, start, self.unroll, split)

    def estimate(self, rule, task, carried, batches, start, trajectory):
        names = list(rule.meta_params)
        values = [tf.convert_to_tensor(rule.meta_params[name]) for name in names]
        train_batches, meta_batches = batches
        with tf.GradientTape() as tape:
            tape.watch(values)
            losses, carried = unroll(
                rule.bind(dict(zip(names, values, strict=True))),
                task,
                carried,
                train_batches,
                meta_batches,
                start,
                tf.cast(trajectory, tf.float32),
                self.unroll,
                self.second_derivatives,
            )
            weights = objective.loss_weights(self.loss_weights, self.unroll, start, trajectory)
            weights = tf.cast(weights, losses.dtype)
            measured = tf.math.log(losses + 1e-10) if self.log_loss else losses
            meta_loss = tf.reduce_mean(weights[:, None] * measured)
        gradients = tape.gradient(
            meta_loss, values, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        summaries = {
            "meta_loss": meta_loss,
            "first_loss": tf.reduce_mean(losses[0]),
            "last_loss": tf.reduce_mean(losses[-1]),
            "meta_gradient_norm": tf.linalg.global_norm(gradients),
        }
        return Estimate(dict(zip(names, gradients, strict=True)), carried, summaries)

    def get_config(self):
        names = inspect.signature(Estimator.__init__).parameters
        config = {name: getattr(self, name) for name in names if name != "self"}
        return {**config, "second_derivatives": self.second_derivatives}
