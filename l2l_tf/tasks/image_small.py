"""Small attention and convolutional networks on small grey images, for meta-training on many."""

import functools
import math

import numpy as np
import tensorflow as tf

from l2l_tf.core.config import choice, integer, number
from l2l_tf.tasks.base import Tensors, fold_in
from l2l_tf.tasks.classification import InMemoryClassification, hold
from l2l_tf.tasks.image_mlp import DATASETS
from l2l_tf.tasks.images import small_images
from l2l_tf.tasks.normalization import layer_norm, over
from l2l_tf.tasks.perceptron import ACTIVATIONS
from l2l_tf.tasks.registry import register_task


class _SmallImages(InMemoryClassification, batch_size=32):
    """A classifier of small grey images whose kernels start from N(0, gain/fan-in)."""

    dataset: str = choice("mnist", DATASETS)
    size: int = integer(8, min=1)
    activation: str = choice("relu", ACTIVATIONS)
    init_scale: float = number(1.0, above=0)

    def splits(self) -> dict[str, tuple[tf.Tensor, tf.Tensor]]:
        return small_images(self.dataset, self.size)

    def kernel(
        self, seed: tf.Tensor, number: int, shape: list[int], gain: float = 1.0
    ) -> tf.Tensor:
        """A kernel `shape`, its first axis the inputs."""
        deviation = self.init_scale * math.sqrt(gain / shape[0])
        return deviation * tf.random.stateless_normal(shape, fold_in(seed, number))


@register_task("image_attention")
class ImageAttention(_SmallImages, activation="gelu"):
    """One transformer block over the rows of a small grey image; classified from their mean.

    Pre-norm, multi-head attention without masks, a perceptron of twice the width, learned
    positions: Vaswani et al. (2017) with the norms where later work puts them.

    Args:
        dataset: One of `DATASETS`.
        size: Height and width of the images; a row is a token.
        width: Features of a token inside.
        heads: Heads of the attention; a divisor of `width`.
        activation: As the further arguments, see `InMemoryMLP`.
    """

    width: int = integer(16, min=1)
    heads: int = integer(2, min=1)

    def __post_init__(self):
        super().__post_init__()
        if self.width % self.heads:
            raise ValueError(
                f"`heads` divides `width`={self.width}. Received: heads={self.heads!r}"
            )

    def init(self, seed: tf.Tensor) -> tuple[Tensors, Tensors]:
        w, ones, zeros = self.width, tf.ones([self.width]), tf.zeros([self.width])
        params = [
            self.kernel(seed, 0, [self.size, w]),
            0.1 * tf.random.stateless_normal([self.size, w], fold_in(seed, 1)),
            ones,
            zeros,
            self.kernel(seed, 2, [w, 3 * w]),
            self.kernel(seed, 3, [w, w]),
            ones,
            zeros,
            self.kernel(seed, 4, [w, 2 * w], 2.0),
            tf.zeros([2 * w]),
            self.kernel(seed, 5, [2 * w, w]),
            zeros,
            self.kernel(seed, 6, [w, self.classes]),
            tf.zeros([self.classes]),
        ]
        return params, []

    def scores(
        self, params: Tensors, model_state: Tensors, rows: tf.Tensor, training: bool
    ) -> tuple[tf.Tensor, Tensors]:
        del training
        (embed, place, scale_1, shift_1, mixing, joining, scale_2, shift_2) = params[:8]
        (up, up_bias, down, down_bias, out, out_bias) = params[8:]
        lead = rows.shape[:-1]
        tokens = tf.reshape(rows, [*lead, self.size, self.size])
        tokens = _product(tokens, embed) + place[..., None, :, :]
        normed = layer_norm(tokens) * over(scale_1, 2) + over(shift_1, 2)
        tokens = tokens + _product(self._attend(_product(normed, mixing)), joining)
        normed = layer_norm(tokens) * over(scale_2, 2) + over(shift_2, 2)
        inner = ACTIVATIONS[self.activation](_product(normed, up) + over(up_bias, 2))
        tokens = tokens + _product(inner, down) + over(down_bias, 2)
        pooled = tf.reduce_mean(tokens, axis=-2)
        return tf.matmul(pooled, out) + over(out_bias, 1), list(model_state)

    def _attend(self, mixed):
        """Queries, keys and values `[…, tokens, 3·width]` to `[…, tokens, width]`."""
        lead, share = mixed.shape[:-1], self.width // self.heads
        parts = tf.split(mixed, 3 * self.heads, axis=-1)
        queries, keys, values = (
            tf.stack(parts[i * self.heads : (i + 1) * self.heads], axis=-3) for i in range(3)
        )
        weights = tf.matmul(queries, keys, transpose_b=True) / math.sqrt(share)
        heads = tf.matmul(tf.nn.softmax(weights), values)
        return tf.reshape(tf.concat(tf.unstack(heads, axis=-3), axis=-1), [*lead, self.width])


@register_task("image_patches")
class ImagePatches(_SmallImages):
    """A 3×3 convolution with stride 2, a second one, and a dense layer, on small grey images.

    Both convolutions are products with patches: at this size, and for many optimizees at once,
    faster than convolution routines.

    Args:
        dataset: One of `DATASETS`.
        size: Height and width of the images.
        channels: Channels of the first convolution; the second has twice as many.
        activation: As the further arguments, see `InMemoryMLP`.
    """

    channels: int = integer(8, min=1)

    def init(self, seed: tf.Tensor) -> tuple[Tensors, Tensors]:
        first, second = self.channels, 2 * self.channels
        gain = 2.0 if self.activation in ("relu", "gelu") else 1.0
        last = -(-self.size // 4)
        params = [
            tf.reshape(self.kernel(seed, 0, [9, first], gain), [3, 3, 1, first]),
            tf.zeros([first]),
            tf.reshape(self.kernel(seed, 1, [9 * first, second], gain), [3, 3, first, second]),
            tf.zeros([second]),
            self.kernel(seed, 2, [last * last * second, self.classes]),
            tf.zeros([self.classes]),
        ]
        return params, []

    def scores(
        self, params: Tensors, model_state: Tensors, rows: tf.Tensor, training: bool
    ) -> tuple[tf.Tensor, Tensors]:
        del training
        activation = ACTIVATIONS[self.activation]
        pixels = tf.reshape(rows, [*rows.shape[:-1], self.size, self.size, 1])
        for index in range(2):
            kernel, bias = params[2 * index], params[2 * index + 1]
            kernel = tf.reshape(kernel, [*kernel.shape[:-4], -1, kernel.shape[-1]])
            pixels = activation(_product(_patches(pixels), kernel, 2) + over(bias, 3))
        flat = tf.reshape(pixels, [*rows.shape[:-1], pixels.shape[-3:].num_elements()])
        return tf.matmul(flat, params[4]) + over(params[5], 1), list(model_state)


@register_task("image_tokens")
class ImageTokens(_SmallImages):
    """The next 2×2 patch of a small grey image, from the patches before it, row by row.

    Patches are words: each of their pixels is one of `levels` grey levels, equally frequent as
    far as ties allow, so that few words are frequent and most are rare, as in a language. An
    embedding, one hidden layer over the embedded context, scores for each word (Bengio et al.
    2003). What is new to an optimizer: rows of a kernel that most batches leave without gradient.

    Args:
        dataset: One of `DATASETS`.
        size: Height and width of the images, even.
        levels: Grey levels; there are `levels`⁴ words.
        context: Patches that the next one is predicted from.
        width: Features of a word.
        hidden: Hidden units.
        activation: As the further arguments, see `InMemoryMLP`.
    """

    levels: int = integer(3, min=2)
    context: int = integer(3, min=1)
    width: int = integer(12, min=2)
    hidden: int = integer(32, min=2)
    variable_paths = (
        "embedding/embeddings",
        *(f"{layer}/{name}" for layer in ("dense", "dense_1") for name in ("kernel", "bias")),
    )

    def __post_init__(self):
        super().__post_init__()
        if self.size % 2 or self.context >= (self.size // 2) ** 2:
            raise ValueError(
                "Images of an even size have size²/4 patches, more than the context. "
                f"Received: size={self.size!r}, context={self.context!r}"
            )

    @property
    def classes(self) -> int:
        return self.levels**4

    def splits(self) -> dict[str, tuple[tf.Tensor, tf.Tensor]]:
        return self._words

    @functools.cached_property
    def _words(self):
        pixels = {split: rows.numpy() for split, (rows, _) in super().splits().items()}
        edges = np.quantile(pixels["train"], np.arange(1, self.levels) / self.levels)
        return hold(
            {s: _windows(rows, edges, self.size, self.context) for s, rows in pixels.items()}
        )

    def init(self, seed: tf.Tensor) -> tuple[Tensors, Tensors]:
        gain = 2.0 if self.activation in ("relu", "gelu") else 1.0
        inputs = self.context * self.width
        params = [
            0.5 * tf.random.stateless_normal([self.classes, self.width], fold_in(seed, 0)),
            self.kernel(seed, 1, [inputs, self.hidden], gain),
            tf.zeros([self.hidden]),
            self.kernel(seed, 2, [self.hidden, self.classes]),
            tf.zeros([self.classes]),
        ]
        return params, []

    def scores(
        self, params: Tensors, model_state: Tensors, rows: tf.Tensor, training: bool
    ) -> tuple[tf.Tensor, Tensors]:
        del training
        embedding, inner, inner_bias, out, out_bias = params
        embedded = _product(tf.one_hot(rows, self.classes), embedding)
        flat = tf.reshape(embedded, [*rows.shape[:-1], self.context * self.width])
        hidden = ACTIVATIONS[self.activation](tf.matmul(flat, inner) + over(inner_bias, 1))
        return tf.matmul(hidden, out) + over(out_bias, 1), list(model_state)


MAX_WINDOWS = 2**17


def _windows(rows, edges, size, context):
    """`(words before [n, context] int32, the next word [n] int32)` of images `[m, size²]`."""
    half = size // 2
    rows = rows[: -(-MAX_WINDOWS // (half**2 - context))]
    digits = np.searchsorted(edges, rows).reshape(-1, half, 2, half, 2).swapaxes(2, 3)
    words = digits.reshape(len(rows), half**2, 4) @ (len(edges) + 1) ** np.arange(4)
    windows = np.lib.stride_tricks.sliding_window_view(words, context + 1, axis=1)
    windows = windows.reshape(-1, context + 1).astype("int32")
    return windows[:, :-1], windows[:, -1]


def _patches(pixels):
    """3×3 patches at stride 2 of `[…, height, width, channels]`: `[…, h/2, w/2, 9·channels]`."""
    height, width = pixels.shape[-3:-1]
    padding = [[0, 0]] * (len(pixels.shape) - 3) + [[1, 1], [1, 1], [0, 0]]
    padded = tf.pad(pixels, padding)
    shifted = [
        padded[..., i : i + height : 2, j : j + width : 2, :] for i in range(3) for j in range(3)
    ]
    return tf.concat(shifted, axis=-1)


def _product(inputs, kernel, inner=1):
    """`inputs @ kernel` where inputs have `inner` axes between batch and features."""
    lead = inputs.shape[:-1]
    merged = lead[len(lead) - inner - 1 :].num_elements()
    flat = tf.reshape(inputs, [*lead[: len(lead) - inner - 1], merged, inputs.shape[-1]])
    return tf.reshape(tf.matmul(flat, kernel), [*lead, kernel.shape[-1]])
