"""Multilayer perceptrons on rows in memory."""

import math

import tensorflow as tf

from l2l_tf.core.config import choice, integer, number, optional
from l2l_tf.tasks.base import Tensors, fold_in
from l2l_tf.tasks.classification import InMemoryClassification
from l2l_tf.tasks.normalization import batch_norm, initial_statistics, layer_norm

ACTIVATIONS = {
    "sigmoid": tf.sigmoid,
    "tanh": tf.tanh,
    "relu": tf.nn.relu,
    "gelu": tf.nn.gelu,
    "elu": tf.nn.elu,
}
NORMALIZATIONS = ("none", "batch", "layer")


class InMemoryMLP(InMemoryClassification):
    """A multilayer perceptron on rows in memory.

    Weights start from N(0, 1/fan-in) (He's N(0, 2/fan-in) for ReLU and GELU), biases from 0.
    A subclass provides `splits()`.

    Args:
        hidden: Units of each hidden layer.
        layers: Number of hidden layers.
        activation: One of `ACTIVATIONS`.
        normalization: "none", "batch" or "layer", before each activation.
        init_scale: Multiplies the standard deviation of the starting weights.
        init_std: If given, weights and biases start from N(0, init_std²) instead: 0.01 in the
            public code of Andrychowicz et al. (2016).
        batch_size: As the further arguments, see `InMemoryClassification`.

    Raises:
        ValueError: If an argument is out of range.
    """

    hidden: int = integer(20, min=1)
    layers: int = integer(1)
    activation: str = choice("sigmoid", ACTIVATIONS)
    normalization: str = choice("none", NORMALIZATIONS)
    init_scale: float = number(1.0, above=0)
    init_std: float | None = optional(number(None, above=0))

    def widths(self) -> list[int]:
        """Units of every layer, input and output included."""
        features = self.splits()["train"][0].shape[1]
        return [features, *[self.hidden] * self.layers, self.classes]

    def init(self, seed: tf.Tensor) -> tuple[Tensors, Tensors]:
        gain = 2.0 if self.activation in ("relu", "gelu") else 1.0
        widths = self.widths()
        params, statistics = [], []
        for layer, (inputs, outputs) in enumerate(zip(widths, widths[1:], strict=False)):
            kernel = tf.random.stateless_normal([inputs, outputs], fold_in(seed, layer))
            if self.init_std is None:
                kernel = self.init_scale * math.sqrt(gain / inputs) * kernel
                bias = tf.zeros([outputs])
            else:
                kernel = self.init_std * kernel
                bias = self.init_std * tf.random.stateless_normal(
                    [outputs], fold_in(seed, len(widths) + layer)
                )
            params += [kernel, bias]
            if self.normalization != "none" and layer < self.layers:
                params.append(tf.ones([outputs]))
            if self.normalization == "batch" and layer < self.layers:
                statistics.append(initial_statistics(outputs))
        return params, statistics

    def scores(
        self, params: Tensors, model_state: Tensors, rows: tf.Tensor, training: bool
    ) -> tuple[tf.Tensor, Tensors]:
        activation = ACTIVATIONS[self.activation]
        params, statistics = iter(params), []
        for layer in range(self.layers + 1):
            kernel, bias = next(params), next(params)[..., None, :]
            rows = tf.matmul(rows, kernel)
            if layer == self.layers:
                return rows + bias, statistics
            if self.normalization == "batch":
                rows, moved = batch_norm(rows, model_state[layer], [-2], training)
                statistics.append(moved)
            elif self.normalization == "layer":
                rows = layer_norm(rows)
            if self.normalization != "none":
                rows = rows * next(params)[..., None, :]
            rows = activation(rows + bias)
