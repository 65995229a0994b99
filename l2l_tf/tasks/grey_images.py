"""Classifiers of small grey images, of a dataset that an argument names."""

import math

import tensorflow as tf

from l2l_tf.core.config import choice, integer
from l2l_tf.tasks.base import fold_in
from l2l_tf.tasks.classification import InMemoryClassification
from l2l_tf.tasks.digits import digits_splits
from l2l_tf.tasks.images import images
from l2l_tf.tasks.perceptron import ACTIVATIONS

# Height and width of the images of each dataset.
SIDES = {"digits": 8, "mnist": 28, "fashion_mnist": 28}


class GreyImages(InMemoryClassification):
    """A classifier of square grey images; a subclass provides `init` and `scores`.

    Rows are images as `[side · side]` floats in [0, 1], line by line.

    Args:
        dataset: One of `SIDES`.
        hidden: Units of every hidden layer.
        activation: One of `ACTIVATIONS`.
        batch_size: As the further arguments, see `InMemoryClassification`.

    Raises:
        ValueError: If an argument is out of range.
    """

    dataset: str = choice("digits", SIDES)
    hidden: int = integer(20, min=1)
    activation: str = choice("sigmoid", ACTIVATIONS)

    @property
    def side(self) -> int:
        """Height and width of an image."""
        return SIDES[self.dataset]

    def splits(self) -> dict[str, tuple[tf.Tensor, tf.Tensor]]:
        return digits_splits() if self.dataset == "digits" else images(self.dataset)

    def decode(self, rows: tf.Tensor) -> tf.Tensor:
        if self.dataset == "digits":
            return rows
        return tf.reshape(tf.cast(rows, tf.float32), [rows.shape[0], -1]) / 255.0

    def dense(self, seed: tf.Tensor, number: int, inputs: int, outputs: int) -> list[tf.Tensor]:
        """Fresh kernel `[inputs, outputs]` and bias of the layer of that number.

        The kernel from N(0, 1/fan-in), or N(0, 2/fan-in) for ReLU and GELU; the bias is 0.
        """
        gain = 2.0 if self.activation in ("relu", "gelu") else 1.0
        kernel = tf.random.stateless_normal([inputs, outputs], fold_in(seed, number))
        return [math.sqrt(gain / inputs) * kernel, tf.zeros([outputs])]


def affine(rows: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """`x W + b` of `[…, rows, inputs]`, with or without a leading task axis on all three."""
    return tf.matmul(rows, kernel) + bias[..., None, :]
