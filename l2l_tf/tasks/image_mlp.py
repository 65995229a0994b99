"""Multilayer perceptrons on image datasets."""

import numpy as np
import tensorflow as tf

from l2l_tf.arguments import check_integer, check_number
from l2l_tf.tasks.classification import one_of
from l2l_tf.tasks.images import images, small_images
from l2l_tf.tasks.perceptron import InMemoryMLP
from l2l_tf.tasks.registry import register_task

DATASETS = ("mnist", "fashion_mnist", "cifar10")


class _WholeImageMLP(InMemoryMLP):
    dataset = None

    def splits(self):
        return images(self.dataset)

    def widths(self):
        pixels = self.splits()["train"][0].shape[1:].num_elements()
        return [pixels, *[self.hidden] * self.layers, self.classes]

    def decode(self, rows):
        # Stored as bytes: a quarter of the memory, and of what a batch reads.
        return tf.reshape(tf.cast(rows, tf.float32), [rows.shape[0], -1]) / 255.0


@register_task("mnist_mlp")
class MnistMLP(_WholeImageMLP):
    """A multilayer perceptron on MNIST; by default that of Andrychowicz et al. (2016).

    784-20-10, sigmoid, batches of 128; pixels in [0, 1]. 55,000 rows to train on, 5,000 for
    validation, 10,000 for tests. The arguments are those of `InMemoryMLP`.
    """

    dataset = "mnist"


@register_task("fashion_mlp")
class FashionMLP(_WholeImageMLP):
    """The same on Fashion-MNIST, which has MNIST's shapes and classes of clothes."""

    dataset = "fashion_mnist"


@register_task("image_mlp")
class ImageMLP(InMemoryMLP):
    """A small perceptron on small grey images: cheap tasks, for meta-training on many.

    Images are averaged down to size × size and standardised, as in Metz et al. (2022).

    Args:
        dataset: One of `DATASETS`.
        size: Height and width of the images.
        unit_spread: Each pixel is multiplied by 10ᵘ, its own u drawn once from ±`unit_spread`:
            inputs in units of their own, as in tables that nobody scaled.
        rows: If positive, training images that are kept; few of them can be learned by heart.
        hidden: As the further arguments, see `InMemoryMLP`.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(
        self,
        dataset="mnist",
        size=8,
        hidden=32,
        layers=1,
        activation="relu",
        batch_size=64,
        normalization="none",
        init_scale=1.0,
        init_std=None,
        label_noise=0.0,
        objective="cross_entropy",
        unit_spread=0.0,
        rows=0,
    ):
        super().__init__(
            hidden,
            layers,
            activation,
            batch_size,
            normalization,
            init_scale,
            init_std,
            label_noise,
            objective,
        )
        one_of("dataset", dataset, DATASETS)
        check_integer("size", size, least=1)
        check_number("unit_spread", unit_spread, least=0)
        check_integer("rows", rows, least=0)
        self.dataset = dataset
        self.size = size
        self.unit_spread = unit_spread
        self.rows = rows
        self._units = None
        if unit_spread:
            powers = np.random.default_rng(0).uniform(-unit_spread, unit_spread, size * size)
            self._units = (10.0**powers).astype("float32")

    def splits(self):
        splits = small_images(self.dataset, self.size)
        if not self.rows:
            return splits
        with tf.init_scope():  # As `hold` does: a graph is given the rows as they are.
            return {**splits, "train": tuple(array[: self.rows] for array in splits["train"])}

    def decode(self, rows):
        return rows if self._units is None else rows * self._units


@register_task("image_autoencoder")
class ImageAutoencoder(ImageMLP):
    """A perceptron that gives small grey images back, its middle layer a quarter as wide.

    The loss is the mean squared error over pixels (Hinton and Salakhutdinov 2006).

    Args:
        dataset: As the further arguments, see `ImageMLP`; `layers` is odd.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(
        self,
        dataset="mnist",
        size=8,
        hidden=32,
        layers=3,
        activation="relu",
        batch_size=32,
        init_scale=1.0,
    ):
        super().__init__(
            dataset=dataset,
            size=size,
            hidden=hidden,
            layers=layers,
            activation=activation,
            batch_size=batch_size,
            init_scale=init_scale,
        )
        if layers % 2 == 0:
            raise ValueError(
                f"An autoencoder has an odd number of layers. Received: layers={layers!r}"
            )

    def widths(self):
        sides = [self.hidden] * (self.layers // 2)
        return [self.size**2, *sides, max(self.hidden // 4, 1), *sides, self.size**2]

    def batch(self, seed, step, split="train"):
        rows, _ = super().batch(seed, step, split)
        return rows, rows

    def full_batch(self, split="test"):
        rows, _ = super().full_batch(split)
        return rows, rows

    def loss(self, params, model_state, batch):
        loss, model_state = self.tasks_loss(params, model_state, batch)
        return loss, model_state, {}

    def evaluate(self, params, model_state, batch):
        return self.tasks_loss(params, model_state, batch)[0], {}

    def _loss(self, scores, targets):
        return tf.reduce_mean(tf.square(scores - targets), axis=[-2, -1])
