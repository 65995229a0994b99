"""Unrolls of rules that add up, in their shared state, what their updates are judged by."""

import tensorflow as tf

from l2l_tf.meta.unroll import unroll


def unroll_tallied(estimator, rule, task, trajectory, batches, start, length, tally):
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
