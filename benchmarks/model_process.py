"""One model with one optimizer in a process of its own, which measures steps when it is told to.

    python -m benchmarks.model_process --model=resnet-50 --optimizer='keras adam' --jit

It takes the first step and prints what that took as a line of JSON; then for every line that it
reads it takes steps for some time and prints another. `benchmarks.models` drives several.
"""

import functools
import json
import resource
import sys
import time

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags

from benchmarks import architectures, steps

FLAGS = flags.FLAGS
# Seconds that a round of steps takes at least.
ROUND = 0.5
MODELS = {
    "resnet-50": functools.partial(architectures.resnet50, 4),
    "transformer, 12 blocks": functools.partial(architectures.transformer, 2, 128, blocks=12),
    "transformer, 48 blocks": functools.partial(architectures.transformer, 2, 128, blocks=48),
    "embedding, 12.8 M": functools.partial(architectures.embedding, 32, 200_000),
    "embedding, 50 M": functools.partial(architectures.embedding, 128, 781_250),
    "kernel, 1 M": functools.partial(architectures.dense, 4, 1000, 1000),
    "kernel, 10 M": functools.partial(architectures.dense, 4, 2500, 4000),
}
ALONE = "gradients alone"

if __name__ == "__main__":
    flags.DEFINE_enum("model", None, list(MODELS), "What is trained.", required=True)
    flags.DEFINE_string("optimizer", None, "One of `benchmarks.steps`, or: " + ALONE, required=True)
    flags.DEFINE_bool("jit", False, "Whether the model is compiled with jit_compile=True.")


@keras.saving.register_keras_serializable(package="benchmarks")
class GradientsAlone(keras.optimizers.SGD):
    """Reads every gradient once, and updates nothing."""

    def build(self, variables):
        super().build(variables)
        self.seen = self.add_variable((), name="seen")

    def apply(self, grads, trainable_variables=None):
        if not self.built:
            with tf.init_scope():
                self.build(trainable_variables)
        values = [g.values if isinstance(g, tf.IndexedSlices) else g for g in grads]
        self.seen.assign(sum(tf.reduce_sum(v) for v in values))


def main(argv):
    del argv
    keras.utils.set_random_seed(0)
    model, inputs, labels = MODELS[FLAGS.model]()
    make = GradientsAlone if FLAGS.optimizer == ALONE else steps.optimizers()[FLAGS.optimizer]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(make(), loss, jit_compile=FLAGS.jit)
    first = _taken(model, inputs, labels)
    weights = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    _say(
        first_seconds=first[0],
        first_processor_seconds=first[1],
        firstpeak_bytes=peak_bytes(),
        weights=weights,
        variables=len(model.trainable_variables),
    )
    _taken(model, inputs, labels)
    for _ in sys.stdin:
        rounds, until = [], time.perf_counter() + ROUND
        while not rounds or time.perf_counter() < until:
            rounds.append(_taken(model, inputs, labels))
        wall, processor = np.median(rounds, axis=0)
        _say(seconds=float(wall), processor_seconds=float(processor), peak_bytes=peak_bytes())


def _taken(model, inputs, labels):
    """Wall-clock and processor seconds of a step."""
    wall, processor = time.perf_counter(), time.process_time()
    model.train_on_batch(inputs, labels)
    return time.perf_counter() - wall, time.process_time() - processor


def peak_bytes():
    """The most memory that the process has held."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _say(**values):
    print(json.dumps(values), flush=True)


if __name__ == "__main__":
    app.run(main)
