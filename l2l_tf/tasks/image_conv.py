"""Convolutional networks on image datasets."""

import math

import tensorflow as tf

from l2l_tf.core.checks import check_integer
from l2l_tf.core.config import boolean, choice, integer, number, optional, setting
from l2l_tf.tasks.base import Tensors, fold_in
from l2l_tf.tasks.classification import InMemoryClassification
from l2l_tf.tasks.image_mlp import DATASETS
from l2l_tf.tasks.images import images
from l2l_tf.tasks.normalization import batch_norm, initial_statistics, over
from l2l_tf.tasks.perceptron import ACTIVATIONS
from l2l_tf.tasks.registry import register_task


def _as_list(_, labels):
    return labels if labels is None or isinstance(labels, int) else list(labels)


def _check_labels(name, labels):
    if labels is None:
        return
    for label in [labels] if isinstance(labels, int) else labels:
        check_integer(name, label, min=0)
    if isinstance(labels, int) or len(set(labels)) != len(labels) or len(labels) < 2:
        raise ValueError(
            f"`{name}` names two classes or more, each once. Received: {name}={labels!r}"
        )


@register_task("image_conv")
class ImageConv(InMemoryClassification):
    """Convolutions, each with 2×2 max-pooling, then a hidden layer: Andrychowicz et al. (2016).

    Three convolutions of 16 channels with 5×5 kernels, 32 hidden units, ReLU and batch
    normalization in every layer, as in the authors' public code. Pixels in [0, 1].

    Args:
        dataset: One of `DATASETS`.
        labels: Classes to keep, in the order of their new numbers: `[0,1]` makes CIFAR-2 of
            CIFAR-10; None keeps all.
        channels: Channels of each convolution.
        layers: Number of convolutions.
        kernel_size: Height and width of the kernels.
        hidden: Units of the hidden layer.
        activation: One of `ACTIVATIONS`.
        batch_norm: Whether hidden layers are normalized before their activation.
        init_std: If given, kernels, and offsets too, start from N(0, init_std²): 0.01 in the
            authors' code. Else kernels from N(0, 2/fan-in) (1/fan-in for saturating
            activations), offsets from 0.
        batch_size: As the further arguments, see `InMemoryClassification`.

    Raises:
        ValueError: If an argument is out of range.
    """

    jit_compile = False

    dataset: str = choice("cifar10", DATASETS)
    labels: tuple | None = setting(None, _check_labels, _as_list)
    channels: int = integer(16, min=1)
    layers: int = integer(3, min=1)
    kernel_size: int = integer(5, min=1)
    hidden: int = integer(32, min=1)
    activation: str = choice("relu", ACTIVATIONS)
    batch_norm: bool = boolean(True)
    init_std: float | None = optional(number(None, above=0))

    def splits(self) -> dict[str, tuple[tf.Tensor, tf.Tensor]]:
        return images(self.dataset, self.labels)

    def decode(self, rows: tf.Tensor) -> tf.Tensor:
        return tf.cast(rows, tf.float32) / 255.0

    def kernel_shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the kernels: the convolutions', the hidden layer's, the output's."""
        height, width, channels = self.splits()["train"][0].shape[1:]
        shapes = []
        for _ in range(self.layers):
            shapes.append([self.kernel_size, self.kernel_size, channels, self.channels])
            # Pooling with padding rounds up.
            height, width, channels = -(-height // 2), -(-width // 2), self.channels
        return [
            *shapes,
            [height * width * channels, self.hidden],
            [self.hidden, self.classes],
        ]

    def init(self, seed: tf.Tensor) -> tuple[Tensors, Tensors]:
        gain = 2.0 if self.activation in ("relu", "gelu") else 1.0
        shapes = self.kernel_shapes()
        params, statistics = [], []
        for layer, shape in enumerate(shapes):
            kernel = tf.random.stateless_normal(shape, fold_in(seed, layer))
            offset = tf.random.stateless_normal(shape[-1:], fold_in(seed, len(shapes) + layer))
            scale = math.sqrt(gain / math.prod(shape[:-1]))
            params += [
                kernel * (self.init_std or scale),
                offset * (self.init_std or 0.0),
            ]
            if self.batch_norm and layer + 1 < len(shapes):
                params.append(tf.ones(shape[-1:]))
                statistics.append(initial_statistics(shape[-1]))
        return params, statistics

    def scores(
        self, params: Tensors, model_state: Tensors, rows: tf.Tensor, training: bool
    ) -> tuple[tf.Tensor, Tensors]:
        params, state, statistics = iter(params), iter(model_state), []
        activation = ACTIVATIONS[self.activation]

        def activated(values, offset, axes):
            if self.batch_norm:
                values, moved = batch_norm(values, next(state), axes, training)
                statistics.append(moved)
                values = values * over(next(params), len(axes))
            return activation(values + over(offset, len(axes)))

        for _ in range(self.layers):
            kernel, offset = next(params), next(params)
            rows = max_pool(activated(convolution(rows, kernel), offset, [-4, -3, -2]))
        rows = tf.reshape(rows, [*rows.shape[:-3], rows.shape[-3:].num_elements()])
        kernel, offset = next(params), next(params)
        rows = activated(tf.matmul(rows, kernel), offset, [-2])
        kernel, offset = next(params), next(params)
        return tf.matmul(rows, kernel) + over(offset, 1), statistics


@register_task("cifar10_conv")
class Cifar10Conv(ImageConv):
    """`ImageConv` on CIFAR-10, the network of Andrychowicz et al. (2016), section 3.3.

    45,000 images to train on, 5,000 for validation, 10,000 for tests. The arguments are those of
    `ImageConv`.
    """


def convolution(inputs, kernels):
    """Convolution with padding, with or without a leading task axis on both.

    Args:
        inputs: `[batch, height, width, channels]` or `[tasks, batch, …]`.
        kernels: `[height, width, channels, filters]` or `[tasks, height, …]`.
    """
    if len(kernels.shape) == 4:
        return tf.nn.conv2d(inputs, kernels, 1, "SAME")
    # One after the other: on a CPU twice as fast as one batched product of patches.
    pairs = zip(tf.unstack(inputs), tf.unstack(kernels), strict=True)
    return tf.stack([tf.nn.conv2d(x, kernel, 1, "SAME") for x, kernel in pairs])


def max_pool(inputs):
    """The largest of each 2×2 pixels, with padding: `[…, height, width, channels]`."""
    flat = tf.reshape(inputs, [-1, *inputs.shape[-3:]])
    pooled = tf.nn.max_pool2d(flat, 2, 2, "SAME")
    return tf.reshape(pooled, [*inputs.shape[:-3], *pooled.shape[1:]])
