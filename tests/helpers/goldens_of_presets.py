"""The first 20 steps of every shipped preset on one small problem, as figures to hold on to.

Written anew, after a change that is meant to move them, by

    PYTHONPATH=.:tests python tests/helpers/goldens_of_presets.py
"""

import json
import pathlib

import keras
import numpy as np
import tensorflow as tf

from l2l_tf import LearnedOptimizer, presets
from l2l_tf.presets import registry, storage

DIRECTORY = pathlib.Path(__file__).parents[1] / "goldens"
STEPS = 20


def shipped():
    """Sorted names of the presets that come with the package."""
    return sorted(p.parent.name for p in registry.SHIPPED.glob(f"*/{storage.METADATA}"))


def weights_digest(name):
    """SHA-256 of a preset's weights, so that other weights are not held to old figures."""
    metadata = json.loads((presets.preset_directory(name) / storage.METADATA).read_text())
    return metadata["sha256"][storage.WEIGHTS]


def trajectory(name):
    """Losses before each of the steps and after the last, `[21]`, and the weights then, flat.

    A two-layer tanh network on 24 fixed rows under `LearnedOptimizer`, told loss and length.
    """
    generator = np.random.default_rng(11)

    def draw(*shape):
        return generator.normal(size=shape).astype("float32")

    rows, hidden_weights = draw(24, 4), draw(4, 2)
    targets = tf.constant(np.tanh(rows @ hidden_weights))
    start = [0.5 * draw(4, 3), np.zeros(3, "float32"), 0.5 * draw(3, 2), np.zeros(2, "float32")]
    variables = [keras.Variable(v, name=f"v{i}") for i, v in enumerate(start)]
    optimizer = LearnedOptimizer(preset=name, total_steps=STEPS)
    optimizer.build(variables)

    def loss_of():
        first, bias, second, offset = (v.value for v in variables)
        outputs = tf.matmul(tf.tanh(tf.matmul(rows, first) + bias), second) + offset
        return tf.reduce_mean(tf.square(outputs - targets))

    @tf.function(autograph=False)
    def step():
        with tf.GradientTape() as tape:
            loss = loss_of()
            scaled = optimizer.scale_loss(loss)
        optimizer.apply(tape.gradient(scaled, [v.value for v in variables]), variables)
        return loss

    losses = [float(step()) for _ in range(STEPS)] + [float(loss_of())]
    return losses, np.concatenate([v.numpy().ravel() for v in variables]).tolist()


def main():
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    for name in shipped():
        losses, weights = trajectory(name)
        record = {"weights_sha256": weights_digest(name), "losses": losses, "weights": weights}
        (DIRECTORY / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")
        print(f"{name}: {losses[0]:.4f} → {losses[-1]:.4f}")


if __name__ == "__main__":
    main()
