"""What a trainer traces for each of its tasks: beginnings of trajectories, unrolls, validations."""

import tensorflow as tf

from l2l_tf.core.tracing import traced_apart
from l2l_tf.meta.objective import loss_weights
from l2l_tf.meta.validation import run_losses, validation_run, validation_score


def begin(trainer, task):
    """A function of a seed that gives the carried state of a fresh trajectory.

    Args:
        trainer: `Trainer`.
        task: `Task`.
    """

    def begin(seed):
        return trainer.spread.run(
            lambda estimator: estimator.begin(trainer.rule, task, seed), trainer.estimator
        )

    return traced_apart(begin) if task.in_graph else begin


def step(trainer, task, learns=True):
    """A function `(carried, start, trajectory)` of one unroll.

    It gives `(meta-gradient, summaries, whether all is finite, carried)`.

    Args:
        trainer: `Trainer`.
        task: `Task`.
        learns: Whether there is a meta-gradient; else the optimizees are only trained.
    """
    share = trainer.estimator.share(0, trainer.spread.replicas)
    estimated = share.estimate if learns else share.advance

    def meta_step(values, carried, batches, start, trajectory):
        rule = trainer.rule.bind(values)
        estimate = estimated(rule, task, carried, batches, start, trajectory)
        floats = [t for t in tf.nest.flatten(estimate.carried) if t.dtype.is_floating]
        floats += estimate.meta_gradient.values()
        finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(t)) for t in floats])
        return estimate, finite

    meta_step = traced_apart(meta_step, _jit_compile(trainer, task))

    # Random numbers are drawn before what XLA compiles, which they would make many times
    # as large; and so they are the same with XLA and without.
    def on_replica(estimator, carried, start, trajectory):
        batches = estimator.batches(task, carried, start)
        # Values, not variables: what XLA compiles reads none of another device.
        values = {name: tf.convert_to_tensor(v) for name, v in trainer.variables.items()}
        estimate, finite = meta_step(values, carried, batches, start, trajectory)
        gradient, summaries = trainer.spread.mean((estimate.meta_gradient, estimate.summaries))
        return gradient, summaries, trainer.spread.everywhere(finite), estimate.carried

    def drawn_step(carried, start, trajectory):
        *alike, carried = trainer.spread.run(
            on_replica, trainer.estimator, carried, start, trajectory
        )
        return *trainer.spread.one(alike), carried

    return traced_apart(drawn_step) if task.in_graph else drawn_step


def validation(trainer, task):
    """A function of a seed that gives a task's score, and its mean loss at the end.

    Args:
        trainer: `Trainer`, whose averaged meta-parameters are validated.
        task: `Task`.
    """
    settings, estimator = trainer.settings, trainer.estimator
    steps = settings.validation_trajectory or max(settings.trajectories)

    def run(trajectory, train_batches, meta_batches):
        rule = trainer.rule.bind(trainer.averages)
        losses = run_losses(rule, task, trajectory, train_batches, meta_batches, steps)
        weights = loss_weights(estimator.loss_weights, steps, 0, steps)
        return validation_score(losses, weights), tf.reduce_mean(losses[-1])

    run = traced_apart(run, _jit_compile(trainer, task))

    def validate(seed):
        num_tasks, where = settings.num_validation_tasks, estimator.meta_loss_split
        return run(*validation_run(trainer.rule, task, seed, num_tasks, steps, where))

    return traced_apart(validate) if task.in_graph else validate


def _jit_compile(trainer, task):
    return trainer.settings.jit_compile and task.jit_compile
