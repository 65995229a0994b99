"""Plain Keras nets on MNIST, trained by `fit` at several learning rates after one compilation."""

import dataclasses
import functools

import keras
import numpy as np
import tensorflow as tf

from l2l_tf.data import load
from l2l_tf.evaluation.contenders import Rate
from l2l_tf.optimizer import RunLength

PARTS = 10


@dataclasses.dataclass(frozen=True)
class Cell:
    """A net and its batches.

    Attributes:
        width: Units of each hidden layer.
        depth: Hidden layers.
        batch_size: Rows of a batch.
    """

    width: int
    depth: int
    batch_size: int

    def weights(self):
        """Entries of all kernels."""
        return 784 * self.width + (self.depth - 1) * self.width**2 + 10 * self.width

    def steps(self, most, most_multiplications):
        """Steps of a run, a multiple of ten: `most`, fewer where they would take too long."""
        affordable = most_multiplications // (3 * self.batch_size * self.weights())
        return PARTS * max(1, int(min(most, max(affordable, 3 * PARTS))) // PARTS)


class Untold(RunLength):
    """Stands where `fit` would put a `RunLength`, and tells nothing."""

    def on_epoch_begin(self, epoch, logs=None):
        pass


@functools.cache
def mnist():
    """`(images [n, 784] uint8, labels [n])` of the training split."""
    images, labels = load("mnist", "train")
    return images.reshape(len(images), -1), labels


def batches(cell, steps, seed):
    """The run's batches, a dataset: rows of shuffled epochs, the same for all optimizers."""
    images, labels = mnist()
    generator, needed = np.random.default_rng([seed, 7]), steps * cell.batch_size
    epochs = [generator.permutation(len(images)) for _ in range(-(-needed // len(images)))]
    index = np.concatenate(epochs)[:needed].reshape(steps, cell.batch_size)

    def rows():
        for places in index:
            yield images[places].astype("float32") / 255.0, labels[places]

    shapes = ((cell.batch_size, 784), (cell.batch_size,))
    types = (tf.float32, tf.int64)
    signature = tuple(map(tf.TensorSpec, shapes, types))
    return tf.data.Dataset.from_generator(rows, output_signature=signature)


def network(cell, seed):
    """A multilayer perceptron with ReLU, as one writes it in Keras."""
    keras.utils.set_random_seed(seed)
    hidden = [keras.layers.Dense(cell.width, "relu") for _ in range(cell.depth)]
    return keras.Sequential([keras.layers.Input((784,)), *hidden, keras.layers.Dense(10)])


class Trainer:
    """Runs of one optimizer on one cell, compiled once: rates and seeds only change variables.

    Args:
        contender: `Contender`.
        cell: `Cell`.
        steps: Steps of a run, a multiple of ten.
    """

    def __init__(self, contender, cell, steps):
        self.cell, self.steps = cell, steps
        self.model = network(cell, 0)
        self.optimizer = contender.make(Rate(1e-3), steps)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.model.compile(self.optimizer, loss)
        self.optimizer.build(self.model.trainable_variables)
        self._fresh = [v.numpy() for v in self.optimizer.variables]
        # A length that is not told to the optimizer itself is not told by `fit` either.
        self._callbacks = [Untold()] if contender.learned else []

    def run(self, rate, seed):
        """Mean train loss in each tenth of a run from a fresh start.

        Args:
            rate: The optimizer's learning rate; None leaves it.
            seed: Of the net and its batches.

        Returns:
            List of ten floats; inf where one is not finite.
        """
        for variable, fresh in zip(self.optimizer.variables, self._fresh, strict=True):
            variable.assign(fresh)
        if rate is not None:
            self.optimizer.learning_rate = rate
        self.model.set_weights(network(self.cell, seed).get_weights())
        history = self.model.fit(
            batches(self.cell, self.steps, seed),
            epochs=PARTS,
            steps_per_epoch=self.steps // PARTS,
            verbose=0,
            callbacks=self._callbacks,
        )
        losses = history.history["loss"]
        return [float(loss) if np.isfinite(loss) else float("inf") for loss in losses]
