"""Truncated backpropagation through the unrolled training of the optimizees."""

from typing import Any

import tensorflow as tf

from l2l_tf.core.config import boolean, integer
from l2l_tf.meta import objective
from l2l_tf.meta.estimators.base import ESTIMATORS, Estimate, Estimator, summaries_of
from l2l_tf.meta.unroll import begin, unroll
from l2l_tf.rules import UpdateRule
from l2l_tf.tasks import Task


@ESTIMATORS.register("bptt")
class TruncatedBPTT(Estimator):
    """Truncated BPTT of Andrychowicz et al. (2016): exact within an unroll, 0 across.
    `second_derivatives` keeps ∂∇_t/∂φ.
    """

    second_derivatives: bool = boolean(
        False, help="Differentiate the optimizee's gradients too; the paper does not (bptt)."
    )
    gradient_checkpointing: int = integer(
        0,
        help="Gradient checkpointing: steps k, a divisor of the unroll, of which one state is kept "
        "and the others are computed again, for less memory and more time; 0: none (bptt).",
    )

    def __post_init__(self):
        super().__post_init__()
        if self.gradient_checkpointing and self.unroll % self.gradient_checkpointing:
            raise ValueError(
                f"`gradient_checkpointing` is a divisor of unroll={self.unroll}. "
                f"Received: gradient_checkpointing={self.gradient_checkpointing}"
            )

    def begin(self, rule: UpdateRule, task: Task, seed: tf.Tensor) -> Any:
        return begin(rule, task, seed, self.num_tasks, first=self.first)

    def estimate(
        self, rule: UpdateRule, task: Task, carried: Any, batches: Any, start: Any, trajectory: Any
    ) -> Estimate:
        values = {name: tf.convert_to_tensor(v) for name, v in rule.meta_params.items()}
        with tf.GradientTape() as tape:
            tape.watch(values)
            meta_loss, losses, carried = self._unrolled(
                rule.bind(values), task, carried, batches, start, trajectory
            )
        return self.backpropagated(tape, meta_loss, values, losses, carried)

    def advance(
        self, rule: UpdateRule, task: Task, carried: Any, batches: Any, start: Any, trajectory: Any
    ) -> Estimate:
        meta_loss, losses, carried = self._unrolled(rule, task, carried, batches, start, trajectory)
        return Estimate({}, carried, summaries_of(meta_loss, losses, {}))

    def _unrolled(self, rule, task, carried, batches, start, trajectory):
        losses, carried = unroll(
            rule,
            task,
            carried,
            *batches,
            start,
            self.horizon(carried.seed, trajectory),
            self.unroll,
            self.second_derivatives,
            gradient_checkpointing=self.gradient_checkpointing,
            in_all=self.in_all,
        )
        weights = objective.loss_weights(self.loss_weights, self.unroll, start, trajectory)
        weights = tf.cast(weights, losses.dtype)
        meta_loss = tf.reduce_mean(weights[:, None] * self.measured(losses))
        return meta_loss, losses, carried
