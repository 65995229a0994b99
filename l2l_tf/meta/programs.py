"""The programs of a meta-training run: what begins a trajectory, steps, and validates."""

import tensorflow as tf

from l2l_tf.meta.objective import loss_weights
from l2l_tf.meta.tracing import traced
from l2l_tf.meta.validation import run_losses, validation_run, validation_score


def begin(spread, estimator, rule, task):
    """A function of a seed `[2]` that gives the carried state of a fresh trajectory.

    Args:
        spread: `Spread`.
        estimator: `Estimator`.
        rule: `UpdateRule`.
        task: `Task`; where it draws in Python, the function is not traced.
    """

    def begin(seed):
        return spread.run(lambda share: share.begin(rule, task, seed), estimator)

    return traced(begin) if task.in_graph else begin


def step(spread, estimator, rule, task, variables, jit_compile, learns=True):
    """A function that estimates a meta-gradient and goes on along a trajectory.

    Args:
        spread: `Spread`.
        estimator: `Estimator`.
        rule: `UpdateRule`.
        task: `Task`; where it draws in Python, only what comes after that is traced.
        variables: Dict name → variable, the meta-parameters.
        jit_compile: Whether XLA compiles it.
        learns: Whether there is a meta-gradient; else the optimizees are only trained.

    Returns:
        Function `(carried, start, trajectory)` → `(meta-gradient, summaries, whether all of it is
        finite, carried)`.
    """
    share = estimator.share(0, spread.replicas)
    estimated = share.estimate if learns else share.advance

    def meta_step(values, carried, batches, start, trajectory):
        estimate = estimated(rule.bind(values), task, carried, batches, start, trajectory)
        floats = [t for t in tf.nest.flatten(estimate.carried) if t.dtype.is_floating]
        floats = [*estimate.meta_gradient.values(), *floats]
        finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(t)) for t in floats])
        return estimate, finite

    meta_step = traced(meta_step, jit_compile)

    # Random numbers are drawn before what XLA compiles, which they would make many times
    # as large; and so they are the same with XLA and without.
    def on_replica(estimator, carried, start, trajectory):
        batches = estimator.batches(task, carried, start)
        # Values, not variables: what XLA compiles reads none of another device.
        values = {name: tf.convert_to_tensor(v) for name, v in variables.items()}
        estimate, finite = meta_step(values, carried, batches, start, trajectory)
        gradient, summaries = spread.mean((estimate.meta_gradient, estimate.summaries))
        return gradient, summaries, spread.everywhere(finite), estimate.carried

    def drawn_step(carried, start, trajectory):
        *alike, carried = spread.run(on_replica, estimator, carried, start, trajectory)
        return *spread.one(alike), carried

    return traced(drawn_step) if task.in_graph else drawn_step


def validation(estimator, rule, task, averages, settings, jit_compile):
    """A function of a seed `[2]` that trains fresh optimizees along a whole run.

    Args:
        estimator: `Estimator`: losses are measured and weighted as it does.
        rule: `UpdateRule`.
        task: `Task`; where it draws in Python, only what comes after that is traced.
        averages: Dict name → variable, the meta-parameters that are validated.
        settings: `Settings`.
        jit_compile: Whether XLA compiles it.

    Returns:
        Function of the seed → `(score, curve)`; curve: the losses along the run
        `[steps + 1]`, means over optimizees.
    """
    steps = settings.validation_trajectory or max(settings.trajectories)

    def run(trajectory, train_batches, meta_batches):
        bound = rule.bind(averages)
        losses = run_losses(bound, task, trajectory, train_batches, meta_batches, steps)
        weights = loss_weights(estimator.loss_weights, steps, 0, steps)
        return validation_score(losses, weights), tf.reduce_mean(losses, axis=1)

    run = traced(run, jit_compile)

    def validate(seed):
        drawn = validation_run(
            rule, task, seed, settings.num_validation_tasks, steps, estimator.meta_loss_split
        )
        return run(*drawn)

    return traced(validate) if task.in_graph else validate
