"""Truncated backpropagation through the unrolled training of the optimizees."""

import tensorflow as tf

from l2l_tf.arguments import check_integer
from l2l_tf.meta import objective
from l2l_tf.meta.estimators.base import Estimator
from l2l_tf.meta.unroll import begin, unroll


class TruncatedBPTT(Estimator):
    """Truncated BPTT of Andrychowicz et al. (2016): exact within an unroll, 0 across.

    Args:
        second_derivatives: Whether ∂∇_t/∂φ is kept; the paper drops it.
        recompute_every: Steps k, a divisor of `unroll`, of which the backward pass keeps the
            first state and computes the others again: less memory, more time. 0: none.
        **kwargs: See `Estimator`.
    """

    def __init__(self, second_derivatives=False, recompute_every=0, **kwargs):
        super().__init__(**kwargs)
        check_integer("recompute_every", recompute_every, least=0)
        if recompute_every and self.unroll % recompute_every:
            raise ValueError(
                f"`recompute_every` is a divisor of unroll={self.unroll}. "
                f"Received: recompute_every={recompute_every}"
            )
        self.second_derivatives = second_derivatives
        self.recompute_every = recompute_every

    def begin(self, rule, task, seed):
        return begin(rule, task, seed, self.tasks)

    def batches(self, task, carried, start):
        return self.draw(task, carried.seed, start)

    def estimate(self, rule, task, carried, batches, start, trajectory):
        values = {name: tf.convert_to_tensor(v) for name, v in rule.meta_params.items()}
        train_batches, meta_batches = batches
        with tf.GradientTape() as tape:
            tape.watch(values)
            losses, carried = unroll(
                rule.bind(values),
                task,
                carried,
                train_batches,
                meta_batches,
                start,
                self.horizon(carried.seed, trajectory),
                self.unroll,
                self.second_derivatives,
                recompute_every=self.recompute_every,
            )
            weights = objective.loss_weights(self.loss_weights, self.unroll, start, trajectory)
            weights = tf.cast(weights, losses.dtype)
            measured = self.measured(losses)
            meta_loss = tf.reduce_mean(weights[:, None] * measured)
        return self.backpropagated(tape, meta_loss, values, losses, carried)
