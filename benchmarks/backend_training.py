"""A train step of a vision transformer under Keras's backend, by optimizers: prints JSON.

KERAS_BACKEND=jax python -m benchmarks.backend_training BATCH BLOCKS WIDTH REPEATS

12 blocks of 768 are ViT-B/16 (Dosovitskiy et al. 2020), on 224 x 224 pictures. Needs Keras and its
backend alone; `benchmarks.backends` calls it. What a step takes above SGD's is the optimizer's own.
"""

import json
import statistics
import sys
import time

import keras
import numpy as np
from keras import layers, ops

from l2l_tf import LearnedOptimizer

OPTIMIZERS = {
    "SGD": lambda: keras.optimizers.SGD(1e-3),
    "Keras Adam": lambda: keras.optimizers.Adam(1e-3),
    "spectral-general": LearnedOptimizer,
}


class Places(layers.Layer):
    """Adds what was learned of each patch's place."""

    def build(self, shape):
        self.places = self.add_weight(shape=shape[1:], initializer="random_normal")

    def call(self, inputs):
        return inputs + self.places


def vision_transformer(blocks, width, side=224, patch=16, classes=1000):
    """Pre-norm blocks of attention with heads of 64 and two dense layers, on patches."""
    inputs = keras.Input((side, side, 3))
    x = layers.Conv2D(width, patch, patch)(inputs)
    x = Places()(layers.Reshape((-1, width))(x))
    for _ in range(blocks):
        y = layers.LayerNormalization()(x)
        x = layers.Add()([x, layers.MultiHeadAttention(width // 64, 64)(y, y)])
        y = layers.Dense(4 * width, "gelu")(layers.LayerNormalization()(x))
        x = layers.Add()([x, layers.Dense(width)(y)])
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))
    return keras.Model(inputs, layers.Dense(classes)(x))


def waited(value):
    """`value`, once it is there, and all that was begun before."""
    if keras.config.backend() == "torch":
        import torch

        if torch.cuda.is_available():
            torch.cuda.synchronize()
    return ops.convert_to_numpy(value)


def main(batch, blocks, width, repeats):
    generator = np.random.default_rng(0)
    pictures = ops.convert_to_tensor(generator.normal(size=(batch, 224, 224, 3)).astype("float32"))
    labels = ops.convert_to_tensor(generator.integers(0, 1000, batch).astype("int32"))
    steps, firsts, times = {}, {}, {}
    for name, make in OPTIMIZERS.items():
        keras.utils.set_random_seed(0)
        model = vision_transformer(blocks, width)
        model.compile(make(), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        started = time.perf_counter()
        waited(model.train_on_batch(pictures, labels))
        firsts[name], steps[name], times[name] = time.perf_counter() - started, model, []
    for _ in range(repeats):
        for name, model in steps.items():
            waited(model.train_on_batch(pictures, labels))  # As after a step of the same one.
            started = time.perf_counter()
            waited(model.train_on_batch(pictures, labels))
            times[name].append(time.perf_counter() - started)
    rows = {
        name: {"seconds": statistics.median(times[name]), "first_seconds": firsts[name]}
        for name in steps
    }
    model = steps["SGD"]
    rows["weights"], rows["variables"] = model.count_params(), len(model.trainable_variables)
    print(json.dumps(rows))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
