"""One step, three places: unrolled, under `apply`, and in a reloaded SavedModel."""

import pathlib
import tempfile
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from l2l_tf.export import export_step
from l2l_tf.meta import unroll
from l2l_tf.optimizer import LearnedOptimizer
from l2l_tf.tasks import Task, as_seed
from l2l_tf.tasks.base import Metrics, Tensors
from l2l_tf.testing.laws import require

STEPS = 50
SHAPES = [(3, 2), (2,)]


class Regression(Task):
    """Least squares `‖XW + b − Y‖²/n` on fixed rows, from a fixed start."""

    def __init__(self):
        generator = np.random.default_rng(4)
        self.rows = generator.normal(size=(16, 3)).astype("float32")
        self.targets = generator.normal(size=(16, 2)).astype("float32")
        self.start = [generator.normal(size=s).astype("float32") for s in SHAPES]

    def init(self, seed: tf.Tensor) -> tuple[Tensors, Tensors]:
        return [tf.constant(p) for p in self.start], []

    def loss(
        self, params: Tensors, model_state: Tensors, batch: Any
    ) -> tuple[tf.Tensor, Tensors, Metrics]:
        residual = tf.matmul(self.rows, params[0]) + params[1] - self.targets
        return tf.reduce_mean(tf.square(residual)), model_state, {}

    def loss_and_gradients(self, params: Tensors) -> tuple[tf.Tensor, Tensors]:
        """The loss at the parameters and its gradients."""
        with tf.GradientTape() as tape:
            tape.watch(params)
            loss, _, _ = self.loss(params, [], ())
        return loss, tape.gradient(loss, params)


def unrolled(rule, task):
    """Parameters after every tenth step of the meta-trainer's unroll."""

    @tf.function(autograph=False)
    def ten(trajectory, start):
        return unroll.unroll(rule, task, trajectory, (), None, start, float(STEPS), 10)[1]

    trajectory, seen = unroll.begin(rule, task, as_seed(0), 1), []
    for start in range(0, STEPS, 10):
        trajectory = ten(trajectory, tf.constant(start))
        seen.append([p[0].numpy() for p in trajectory.params])
    return seen


def applied(rule, task):
    """The same under `LearnedOptimizer.apply`, with the loss told as `fit` tells it."""
    optimizer = LearnedOptimizer(rule=rule, total_steps=STEPS)
    variables = [keras.Variable(p) for p in task.start]
    optimizer.build(variables)

    @tf.function(autograph=False)
    def step():
        loss, gradients = task.loss_and_gradients([v.value for v in variables])
        optimizer.scale_loss(loss)
        optimizer.apply(gradients, variables)

    seen = []
    for number in range(1, STEPS + 1):
        step()
        if number % 10 == 0:
            seen.append([v.numpy() for v in variables])
    return seen


def exported(rule, task, directory, flat):
    """The same with a reloaded SavedModel: on one vector, or on the tensors themselves."""
    export_step(LearnedOptimizer(rule=rule), directory, None if flat else SHAPES)
    module = tf.saved_model.load(directory)

    def join(tensors):
        return tf.concat([tf.reshape(t, [-1]) for t in tensors], axis=0) if flat else tensors

    def split(tensors):
        if not flat:
            return tensors
        parts = tf.split(tensors, [int(np.prod(s)) for s in SHAPES])
        return [tf.reshape(p, s) for p, s in zip(parts, SHAPES, strict=True)]

    params, seen = [tf.constant(p) for p in task.start], []
    state = module.init(join(params))
    for number in range(1, STEPS + 1):
        loss, gradients = task.loss_and_gradients(params)
        updates, state = module.update(
            join(gradients), state, join(params), loss, tf.constant(float(STEPS))
        )
        params = [p + u for p, u in zip(params, split(updates), strict=True)]
        if number % 10 == 0:
            seen.append([p.numpy() for p in params])
    return seen


def largest_difference(seen, reference):
    """Largest difference along two runs, relative to the largest parameter of the second."""
    scale = max(np.abs(p).max() for step in reference for p in step)
    pairs = zip(seen, reference, strict=True)
    return max(np.abs(a - b).max() for s, r in pairs for a, b in zip(s, r, strict=True)) / scale


def unrolled_applied_and_exported_steps_are_one(rule):
    """What is meta-trained is what `fit` takes and what is exported: 50 steps to 1e-5."""
    task = Regression()
    reference = unrolled(rule, task)
    moved = largest_difference(reference, [task.start] * len(reference))
    require(np.isfinite(moved) and moved > 1e-4, f"50 steps move the parameters by {moved}.")
    found = {"apply": applied(rule, task)}
    with tempfile.TemporaryDirectory() as directory:
        for layout in ("tensors", "vector") if rule.coordinatewise else ("tensors",):
            place = str(pathlib.Path(directory) / layout)
            found[f"export of {layout}"] = exported(rule, task, place, layout == "vector")
    for place, seen in found.items():
        difference = largest_difference(seen, reference)
        require(difference < 1e-5, f"{place} differs from the unroll by {difference}.")
