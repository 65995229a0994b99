"""Final train losses of whole runs on the digits, of several seeds, under Keras's backend.

KERAS_BACKEND=jax PYTHONPATH=.:tests python tests/helpers/backend_digits.py losses.npy
"""

import sys

import keras
import numpy as np
from sklearn.datasets import load_digits

from l2l_tf import LearnedOptimizer

SEEDS, EPOCHS, BATCH = 3, 8, 64


def final_loss(seed):
    """Train loss after a run of the default, nothing set; the seed draws weights and order."""
    generator = np.random.default_rng(seed)
    x, y = load_digits(return_X_y=True)
    order = generator.permutation(len(x))
    x, y = (x[order] / 16.0).astype("float32"), y[order]
    layers = [keras.layers.Dense(32, "relu"), keras.layers.Dense(10)]
    model = keras.Sequential([keras.Input((64,)), *layers])
    model.set_weights(
        [generator.normal(size=w.shape) / np.sqrt(max(w.shape)) for w in model.get_weights()]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(LearnedOptimizer(), loss)
    model.fit(x, y, BATCH, EPOCHS, verbose=0, shuffle=False)
    return float(model.evaluate(x, y, 512, verbose=0))


def final_losses():
    """Array of a loss for each seed."""
    return np.array([final_loss(seed) for seed in range(SEEDS)])


if __name__ == "__main__":
    np.save(sys.argv[1], final_losses())
