"""Multilayer perceptrons on image datasets."""

import functools
from typing import Any

import numpy as np
import tensorflow as tf

from l2l_tf.core.config import choice, integer, number
from l2l_tf.tasks.images import images, small_images
from l2l_tf.tasks.perceptron import InMemoryMLP
from l2l_tf.tasks.registry import register_task
from l2l_tf.tasks.regression import Regression

DATASETS = ("mnist", "fashion_mnist", "cifar10")


class _WholeImageMLP(InMemoryMLP):
    dataset = None

    def splits(self) -> dict[str, tuple[tf.Tensor, tf.Tensor]]:
        return images(self.dataset)

    def widths(self) -> list[int]:
        pixels = self.splits()["train"][0].shape[1:].num_elements()
        return [pixels, *[self.hidden] * self.layers, self.classes]

    def decode(self, rows: tf.Tensor) -> tf.Tensor:
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
    """`MnistMLP` on Fashion-MNIST: images of the same shape, classes of clothes."""

    dataset = "fashion_mnist"


@register_task("image_mlp")
class ImageMLP(InMemoryMLP, hidden=32, activation="relu", batch_size=64):
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

    dataset: str = choice("mnist", DATASETS)
    size: int = integer(8, min=1)
    unit_spread: float = number(0.0, min=0)
    rows: int = integer(0)

    @functools.cached_property
    def _units(self):
        if not self.unit_spread:
            return None
        spread = (-self.unit_spread, self.unit_spread)
        powers = np.random.default_rng(0).uniform(*spread, self.size**2)
        return (10.0**powers).astype("float32")

    def splits(self) -> dict[str, tuple[tf.Tensor, tf.Tensor]]:
        splits = small_images(self.dataset, self.size)
        if not self.rows:
            return splits
        with tf.init_scope():  # As `hold` does: a graph is given the rows as they are.
            return {**splits, "train": tuple(array[: self.rows] for array in splits["train"])}

    def decode(self, rows: tf.Tensor) -> tf.Tensor:
        return rows if self._units is None else rows * self._units


@register_task("image_autoencoder")
class ImageAutoencoder(Regression, ImageMLP, layers=3, batch_size=32):
    """A perceptron that gives small grey images back, its middle layer a quarter as wide.

    The loss is the mean squared error over pixels (Hinton and Salakhutdinov 2006).

    Args:
        dataset: As the further arguments, see `ImageMLP`; `layers` is odd.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __post_init__(self):
        super().__post_init__()
        if self.layers % 2 == 0:
            raise ValueError(
                f"An autoencoder has an odd number of layers. Received: layers={self.layers!r}"
            )

    def widths(self) -> list[int]:
        sides = [self.hidden] * (self.layers // 2)
        return [self.size**2, *sides, max(self.hidden // 4, 1), *sides, self.size**2]

    def batch(self, seed: tf.Tensor, step: Any, split: str = "train") -> Any:
        rows, _ = super().batch(seed, step, split)
        return rows, rows

    def full_batch(self, split: str = "test") -> Any:
        rows, _ = super().full_batch(split)
        return rows, rows
