"""Plain Keras nets on MNIST, of every width and depth, trained by `fit` at several rates."""

import dataclasses
import functools

import numpy as np
import tensorflow as tf

from experiments.habits.learner import Learner, Untold
from l2l_tf.data import load
from l2l_tf.evaluation.suite import models

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

    def network(self):
        """A multilayer perceptron with ReLU, with Keras's own initializers."""
        return models.mlp(784, [self.width] * self.depth, 10)


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


class Trainer:
    """Runs of one optimizer on one cell, compiled once.

    Args:
        contender: `Contender`.
        cell: `Cell`.
        steps: Steps of a run, a multiple of ten.
    """

    def __init__(self, contender, cell, steps):
        self.cell, self.steps = cell, steps
        self._learner = Learner(contender, cell.network, steps)
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
        self._learner.restart(seed, rate)
        data, part = batches(self.cell, self.steps, seed), self.steps // PARTS
        self._learner.fit(data, epochs=PARTS, steps_per_epoch=part, callbacks=self._callbacks)
        return self._learner.train
