"""Runs of a rule on a task, of which every step is measured."""

import tensorflow as tf

from experiments.reading.measures import flat, of_memory, of_state, of_step
from l2l_tf import rules
from l2l_tf.core.tracing import traced_apart
from l2l_tf.evaluation.problem import Problem
from l2l_tf.optimizer.run_length import LIKELY_PASSES

# What a rule may be told of the run, as `fit` tells it: its length; only where epochs end, as with
# an `EarlyStopping`; nothing, as in a loop of one's own.
LENGTH, EPOCHS, NOTHING = TOLD = ("length", "epochs", "nothing")
DECAY = 0.9


def told_of(task, steps, told):
    """What a rule is told of a run, floats, NaN where nothing: length, passes, steps of an epoch.

    Args:
        task: `Task`.
        steps: Length of the run.
        told: One of `TOLD`.

    Raises:
        ValueError: If it is none of them.
    """
    if told not in TOLD:
        raise ValueError(f"A rule is told one of {TOLD}. Received: told={told!r}")
    length = passes = epoch = rules.UNKNOWN
    if told == LENGTH:
        length = float(steps)
    if told != NOTHING and task.train_rows:
        passes = task.passes(steps)
    if told == EPOCHS and task.train_rows:
        passes = min(passes, float(LIKELY_PASSES))
        epoch = float(-(-task.train_rows // task.batch_size))
    return length, passes, epoch


class Reader:
    """Runs of one rule on one task, compiled once.

    Starts and batches are those of `l2l-evaluate`, and the step is the rule's own, `update` of the
    contract: what it says is measured, not what float32 weights keep of it.

    Args:
        rule: `UpdateRule`.
        task: `Task`.
        steps: Length of a run.
    """

    def __init__(self, rule, task, steps):
        self.task, self.steps = task, steps
        self._problem = Problem(task)
        self._rule = rule.for_steps()
        self._names = None
        compiled = self._problem.jit_compile and rule.supports_jit
        self._compiled = traced_apart(self._measured, jit_compile=compiled)

    def run(self, index, told=NOTHING):
        """One run from a fresh start.

        Args:
            index: Non-negative int, which start and which batches.
            told: One of `TOLD`.

        Returns:
            Dict name → array `[steps]` of float64; see `measures`. `loss` is that of the batch
            before the step.
        """
        start = self._problem.start("report", index)
        known = tf.constant(told_of(self.task, self.steps, told))
        found = self._compiled(*start, self._problem.seed_of("report", index), known).numpy()
        return dict(zip(self._names, found.T, strict=True))

    def _measured(self, params, model_state, seed, known):
        params = [tf.convert_to_tensor(p) for p in params]
        rule = self._laid_out(params)
        nothing = tf.zeros_like(flat(params))

        def body(step, params, model_state, state, mean, last, before, kept):
            loss, gradients, model_state = self._gradients(params, model_state, seed, step)
            updates, new = rule.update(gradients, state, params, _context(step, loss, known))
            update, gradient = flat(updates), flat(gradients)
            mean = DECAY * mean + (1.0 - DECAY) * gradient
            change = gradient - before
            found = {
                "loss": tf.cast(loss, tf.float64),
                **of_step(update, gradient, mean, last, flat(params)),
                **of_state(rule, new),
                **of_memory(rule, state, new, update, gradient, change, last),
            }
            self._names = list(found)
            kept = kept.write(step, tf.stack(list(found.values())))
            params = [p + tf.cast(u, p.dtype) for p, u in zip(params, updates, strict=True)]
            return step + 1, params, model_state, new, mean, update, gradient, kept

        kept = tf.TensorArray(tf.float64, self.steps)
        begun = (tf.constant(0), params, model_state, rule.init(params))
        *_, kept = tf.while_loop(
            lambda step, *_: step < self.steps, body, (*begun, nothing, nothing, nothing, kept)
        )
        return kept.stack()

    def _laid_out(self, params):
        paths = self.task.variable_paths
        if paths is None:
            return self._rule
        return self._rule.laid_out(
            [rules.layout_of(p.shape, path) for p, path in zip(params, paths, strict=True)]
        )

    def _gradients(self, params, model_state, seed, step):
        with tf.GradientTape() as tape:
            tape.watch(params)
            batch = self.task.batch(seed, step)
            loss, model_state, _ = self.task.loss(params, model_state, batch)
        return loss, tape.gradient(loss, params), model_state


def _context(iteration, loss, known):
    """The `Context` of one step; `known` as `told_of` gives it."""
    length, passes, epoch = tf.unstack(known)
    steps = tf.cast(tf.where(epoch > 0, epoch, 1.0), tf.int32)
    return rules.Context(
        iteration=iteration,
        loss=loss,
        total_steps=length,
        passes=passes,
        epoch_start=iteration - iteration % steps,
        epoch_steps=epoch,
    )
