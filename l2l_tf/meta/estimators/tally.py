"""Unrolls of rules that add up, in their shared state, what their updates are judged by."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from l2l_tf.meta.estimators.base import Estimate, Estimator
from l2l_tf.meta.unroll import Trajectory, unroll
from l2l_tf.rules import UpdateRule
from l2l_tf.tasks import Task


def unroll_tallied(
    estimator: Estimator,
    rule: UpdateRule,
    task: Task,
    trajectory: Trajectory,
    batches: tuple[Any, Any],
    start: Any,
    length: Any,
    tally: str,
) -> tuple[tf.Tensor, Trajectory, tf.Tensor]:
    """Let a rule train optimizees for an unroll, and return what it added up on the way.

    Args:
        estimator: `Estimator`, whose unroll it is.
        rule: `UpdateRule` bound to the meta-parameters; gradients go through its state.
        task: `Task`.
        trajectory: `Trajectory`, before the first of these steps.
        batches: Pair of batches trained on and measured on, as `Estimator.draw` gives them.
        start: Steps taken before, scalar int.
        length: Length of the trajectory, scalar int.
        tally: Name in the rule's shared state of what is added up, from zero in each unroll.

    Returns:
        `(losses, trajectory, tally)`: losses `[unroll, num_tasks]`, the trajectory after the steps,
        which keeps its gradient, and the tally `[num_tasks, …]`.
    """
    shared = dict(trajectory.rule_state.shared)
    shared[tally] = tf.zeros_like(shared[tally])
    trajectory = trajectory._replace(rule_state=trajectory.rule_state._replace(shared=shared))
    losses, after = unroll(
        rule,
        task,
        trajectory,
        *batches,
        start,
        estimator.horizon(trajectory.seed, length),
        estimator.unroll,
        carry_gradient=True,
    )
    return losses, after, after.rule_state.shared[tally]


def estimate_by_tally(
    estimator: Estimator,
    around: Callable[[UpdateRule], UpdateRule],
    rule: UpdateRule,
    *unrolled: Any,
    tally: str,
) -> Estimate:
    """The `Estimate` whose meta-loss is what was added up, its mean over steps and optimizees.

    Args:
        estimator: See `unroll_tallied`.
        around: Function of a rule that gives the one around it which adds up.
        rule: `UpdateRule` bound to the meta-parameters.
        *unrolled: Further arguments of `unroll_tallied`, from the task to the length.
        tally: See `unroll_tallied`.
    """
    values = {name: tf.convert_to_tensor(v) for name, v in rule.meta_params.items()}
    with tf.GradientTape() as tape:
        tape.watch(values)
        tallying = around(rule.bind(values))
        losses, after, found = unroll_tallied(estimator, tallying, *unrolled, tally)
        meta_loss = tf.reduce_mean(found) / estimator.unroll
    after = tf.nest.map_structure(tf.stop_gradient, after)
    return estimator.backpropagated(tape, meta_loss, values, losses, after)
