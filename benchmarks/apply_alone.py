"""An optimizer's `apply` on a model's variables in a program of its own: what the first one takes.

    python -m benchmarks.apply_alone --model=resnet-50 --optimizer='default preset' --jit

Prints operations in the graph, seconds to trace and for the first step, milliseconds of later ones,
and megabytes that the process took above those of the variables. `python -m
benchmarks.apply_alone --models_kept=6` trains small models one after the other instead, each of
which is dropped, and prints what the process keeps of every one.
"""

import gc
import os
import statistics
import time

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags

from benchmarks import steps
from benchmarks.model_process import MODELS, peak_bytes
from benchmarks.soak import mebibytes

FLAGS = flags.FLAGS

if __name__ == "__main__":
    flags.DEFINE_enum("model", "resnet-50", list(MODELS), "Whose variables.")
    flags.DEFINE_string("optimizer", steps.DEFAULT, "One of `benchmarks.steps`.")
    flags.DEFINE_bool("jit", False, "Whether the program is compiled by XLA.")
    flags.DEFINE_integer("repeats", 8, "Later steps; their median counts.", 1)
    flags.DEFINE_integer("models_kept", 0, "Small models to train and drop instead.", 0)


def main(argv):
    del argv
    make = steps.optimizers()[FLAGS.optimizer]
    if FLAGS.models_kept:
        print("MB kept of each model:", *(f"{kept:.0f}" for kept in _kept(make)))
        return
    model = MODELS[FLAGS.model]()[0]
    variables, optimizer = model.trainable_variables, make()
    gradients = [
        1e-2 * tf.random.stateless_normal(v.shape, [i, 0]) for i, v in enumerate(variables)
    ]
    optimizer.build(variables)
    before = peak_bytes()
    started = time.perf_counter()
    apply = tf.function(
        lambda given: optimizer.apply(given, variables), jit_compile=FLAGS.jit, autograph=False
    )
    graph = apply.get_concrete_function(gradients).graph.as_graph_def()
    traced = time.perf_counter()
    apply(gradients)
    first = time.perf_counter()
    seconds = []
    for _ in range(FLAGS.repeats):
        began = time.perf_counter()
        apply(gradients)
        optimizer.iterations.numpy()
        seconds.append(time.perf_counter() - began)
    operations = len(graph.node) + sum(len(f.node_def) for f in graph.library.function)
    print(
        f"{FLAGS.model}, {FLAGS.optimizer}, jit {FLAGS.jit}: {operations} operations, traced in "
        f"{traced - started:.1f} s, first step {first - traced:.1f} s, later ones "
        f"{1e3 * statistics.median(seconds):.1f} ms, {(peak_bytes() - before) / 1e6:.0f} MB"
    )


def _kept(make):
    rows = np.random.default_rng(0).normal(size=(64, 20)).astype("float32")
    labels, sizes = np.arange(64) % 3, []
    for _ in range(FLAGS.models_kept + 1):
        layers = [keras.layers.Dense(n, "relu") for n in (64, 64)]
        model = keras.Sequential([*layers, keras.layers.Dense(3)])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(make(), loss, jit_compile=FLAGS.jit)
        model.fit(rows, labels, verbose=0)
        del model
        gc.collect()
        sizes.append(mebibytes(os.getpid()) * 2**20 / 1e6)
    return np.diff(sizes)


if __name__ == "__main__":
    app.run(main)
