"""A recurrent network that reads an image line by line."""

import tensorflow as tf

from l2l_tf.tasks.base import Tensors
from l2l_tf.tasks.grey_images import GreyImages, affine
from l2l_tf.tasks.perceptron import ACTIVATIONS
from l2l_tf.tasks.registry import register_task


@register_task("row_rnn")
class RowRNN(GreyImages, activation="tanh"):
    """`h_t = φ(W x_t + U h_{t−1} + b)`, x_t the t-th line of the image; scores from the last h.

    The plain recurrent network of Elman (1990) on images as sequences: 8 lines of the digits,
    28 of MNIST.

    Args:
        dataset: "digits", "mnist" or "fashion_mnist".
        hidden: Units of h.
        activation: φ, one of `ACTIVATIONS`.
        batch_size: As the further arguments, see `InMemoryClassification`.

    Raises:
        ValueError: If an argument is out of range.
    """

    def init(self, seed: tf.Tensor) -> tuple[Tensors, Tensors]:
        recurrent, _ = self.dense(seed, 1, self.hidden, self.hidden)
        params = [*self.dense(seed, 0, self.side, self.hidden), recurrent]
        return [*params, *self.dense(seed, 2, self.hidden, self.classes)], []

    def scores(
        self, params: Tensors, model_state: Tensors, rows: tf.Tensor, training: bool
    ) -> tuple[tf.Tensor, Tensors]:
        del model_state, training
        kernel, bias, recurrent, *output = params
        activation = ACTIVATIONS[self.activation]
        # One product for the lines of all images, then one small one per line.
        count, side = rows.shape[-2], self.side
        lines = tf.reshape(rows, [*rows.shape[:-2], count * side, side])
        lines = affine(lines, kernel, bias)
        lines = tf.reshape(lines, [*rows.shape[:-2], count, side, self.hidden])
        hidden = activation(lines[..., 0, :])
        for line in range(1, side):
            hidden = activation(lines[..., line, :] + tf.matmul(hidden, recurrent))
        return affine(hidden, *output), []
