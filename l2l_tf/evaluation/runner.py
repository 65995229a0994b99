"""Training runs: one compiled step per problem and optimizer, reset for every run."""

import time
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from l2l_tf.evaluation.contenders import Rate
from l2l_tf.evaluation.training_step import differentiated, variable_at


class Measurement(NamedTuple):
    """What is known of a run after a number of steps; losses that are not finite are inf.

    Attributes:
        step: Steps taken.
        seconds: Time in these steps, with drawing the batches and without compilation
            and reports.
        batch_loss: Mean loss of the batches trained on since the measurement before
            (each before its step); None at step 0.
        reports: Dict split → `{"loss": …, "accuracy": …}`; see `Problem.report`.
        picture: See `Problem.picture`; None where nothing is to be seen, and in tuning.
    """

    step: int
    seconds: float
    batch_loss: float | None
    reports: dict
    picture: str | None = None


def recorded_steps(steps, records):
    """Step 0 and `records` evenly spaced steps up to the last.

    Args:
        steps: Length of the run.
        records: Most steps to record after step 0.

    Returns:
        Increasing list of ints.
    """
    records = min(steps, records)
    return [0, *(round(steps * i / records) for i in range(1, records + 1))]


class Runner:
    """Runs of one contender on one problem.

    All steps between two records are one call of a `tf.function`: a `tf.while_loop` over
    variables, compiled once. Learning rates and seeds only change the variables' values.

    Args:
        problem: `Problem`.
        contender: `Contender`.
        steps: Length of a run.

    Raises:
        ValueError: If the problem is several functions and the contender is not
            coordinatewise.
    """

    def __init__(self, problem, contender, steps):
        if problem.functions > 1 and not contender.coordinatewise:
            raise ValueError(
                "Several functions at once need a coordinatewise optimizer. "
                f"Received: {contender.name!r} with functions={problem.functions}"
            )
        self.problem = problem
        self.contender = contender
        self.steps = steps
        self._rate = Rate(0.0)
        self._params = None

    def run(self, stream, index, rate=None, record_at=None, splits=("train", "test")):
        """One run from a fresh start.

        Args:
            stream: Stream of seeds, "tuning" or "report".
            index: Number of the seed.
            rate: Learning rate; ignored by contenders that aren't tuned.
            record_at: Increasing steps to record at; by default only the last.
            splits: Splits to report on.

        Returns:
            List of `Measurement`.
        """
        seed = self.problem.seed_of(stream, index)
        self._reset(*self.problem.start(stream, index), rate or 0.0)
        step, seconds, measurements, broken = 0, 0.0, [], False
        for target in [self.steps] if record_at is None else record_at:
            batch_loss = None
            if target > step:
                begun = time.perf_counter()
                batch_loss = self._advance(seed, step, target - step) / (target - step)
                seconds += time.perf_counter() - begun
                step = target
            reports = self.problem.report(
                [p.value for p in self._params], self._model_state, splits
            )
            seen = [batch_loss or 0.0, *(report["loss"] for report in reports.values())]
            # A run that was not finite once counts as infinite to its end.
            broken = broken or not np.isfinite(seen).all()
            if broken:
                batch_loss = None if batch_loss is None else np.inf
                reports = {split: {**r, "loss": np.inf} for split, r in reports.items()}
            shown = stream == "report" and self.problem.has_pictures
            picture = self.problem.picture([p.value for p in self._params]) if shown else None
            measurements.append(Measurement(step, seconds, batch_loss, reports, picture))
        return measurements

    def _reset(self, params, model_state, rate):
        """Set every variable to what it is at the start of a run."""
        self._rate.assign(rate)
        if self._params is None:
            self._build(params, model_state)
        for variable, value in zip(self._params, params, strict=True):
            variable.assign(value)
        for variable, value in zip(self._model_state, model_state, strict=True):
            variable.assign(value)
        # An optimizer built afresh knows every initial value, whatever it depends on.
        fresh = self._fresh_optimizer()
        for variable, value in zip(state_of(self._optimizer), state_of(fresh), strict=True):
            variable.assign(value)

    def _build(self, params, model_state):
        paths = self.problem.task.variable_paths or [f"param_{i}" for i in range(len(params))]
        self._params = [variable_at(path, v) for v, path in zip(params, paths, strict=True)]
        self._model_state = [tf.Variable(value, trainable=False) for value in model_state]
        self._optimizer = self._fresh_optimizer()
        if self.problem.task.in_graph:
            self._compiled = tf.function(
                self._loop, jit_compile=self.problem.jit_compile, autograph=False
            )
            nothing = tf.constant(0)
            self._compiled(self.problem.seed_of("tuning", 0), nothing, nothing)
        else:
            self._compiled = tf.function(
                self._step, jit_compile=self.problem.jit_compile, autograph=False
            )
            self._compiled(self.problem.task.batch(self.problem.seed_of("tuning", 0), 0))

    def _fresh_optimizer(self):
        optimizer = self.contender.make(self._rate, self.steps)
        optimizer.build(self._params)
        if getattr(optimizer, "total_steps", None) is not None:  # What `fit` tells, too.
            optimizer.tell_passes(self.problem.task.passes(self.steps))
            optimizer.tell_batch_rows(self.problem.task.batch_rows)
        return optimizer

    def _advance(self, seed, start, count):
        """Take `count` steps; returns the sum of their losses."""
        if self.problem.task.in_graph:
            return float(self._compiled(seed, tf.constant(start), tf.constant(count)))
        return sum(
            float(self._compiled(self.problem.task.batch(seed, start + i))) for i in range(count)
        )

    def _loop(self, seed, start, count):
        def body(i, total):
            loss = self._step(self.problem.task.batch(seed, start + i))
            return i + 1, total + loss

        _, total = tf.while_loop(
            lambda i, total: i < count, body, (tf.constant(0), tf.constant(0.0))
        )
        return total

    def _step(self, batch):
        # This is where learned rules see the loss, as in Keras's `fit`.
        loss, gradients = differentiated(
            lambda params, model_state: self.problem.objective(params, model_state, batch),
            self._params,
            self._model_state,
            self._optimizer.scale_loss,
        )
        self._optimizer.apply(gradients, self._params)
        return tf.cast(loss, tf.float32)


def state_of(optimizer):
    """All variables of an optimizer, those that Keras does not track too: a rule's weights."""
    tracked = list(optimizer.variables)
    known = {id(v) for v in tracked}
    held = [v for v in vars(optimizer).values() if isinstance(v, keras.Variable)]
    held += [v for d in vars(optimizer).values() if isinstance(d, dict) for v in d.values()]
    return tracked + [v for v in held if isinstance(v, keras.Variable) and id(v) not in known]
