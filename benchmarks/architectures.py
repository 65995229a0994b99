"""Models of the sizes that users train, as Keras models on fixed batches.

Each function returns `(model, inputs, labels)`, of ten classes; the model puts out logits.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers


def mlp(batch):
    """784-256-256-10, on `[batch, 784]`."""
    model = keras.Sequential(
        [
            keras.Input((784,)),
            layers.Dense(256, "relu"),
            layers.Dense(256, "relu"),
            layers.Dense(10),
        ]
    )
    return model, tf.random.stateless_normal([batch, 784], [0, 0]), _labels(batch)


def resnet20(batch):
    """The residual net of CIFAR-10 (He et al. 2016), on `[batch, 32, 32, 3]`."""

    def block(x, width, stride):
        y = layers.Conv2D(width, 3, stride, "same", use_bias=False)(x)
        y = layers.ReLU()(layers.BatchNormalization()(y))
        y = layers.Conv2D(width, 3, 1, "same", use_bias=False)(y)
        y = layers.BatchNormalization()(y)
        if stride > 1:
            x = layers.Conv2D(width, 1, stride, use_bias=False)(x)
        return layers.ReLU()(layers.Add()([x, y]))

    inputs = keras.Input((32, 32, 3))
    x = layers.Conv2D(16, 3, 1, "same", use_bias=False)(inputs)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    for stage, width in enumerate((16, 32, 64)):
        for index in range(3):
            x = block(x, width, 2 if stage and not index else 1)
    x = layers.Dense(10)(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(inputs, x)
    return model, tf.random.stateless_normal([batch, 32, 32, 3], [0, 0]), _labels(batch)


def resnet50(batch, side=64):
    """Keras's ResNet-50 on `[batch, side, side, 3]`: 23.6 million weights in 214 variables."""
    model = keras.applications.ResNet50(
        weights=None, input_shape=(side, side, 3), classes=10, classifier_activation=None
    )
    return model, tf.random.stateless_normal([batch, side, side, 3], [0, 0]), _labels(batch)


def transformer(batch, width=64, length=32, blocks=2, vocabulary=1000):
    """Pre-norm blocks of attention and two dense layers, 16 variables each, on `[batch, length]`.

    Args:
        batch: Rows of a batch.
        width: Length of each token's vector.
        length: Tokens of a row.
        blocks: Number of blocks.
        vocabulary: Number of different tokens.
    """
    inputs = keras.Input((length,), dtype="int32")
    x = layers.Embedding(vocabulary, width)(inputs)
    for _ in range(blocks):
        y = layers.LayerNormalization()(x)
        x = layers.Add()([x, layers.MultiHeadAttention(4, width // 4)(y, y)])
        y = layers.Dense(4 * width, "gelu")(layers.LayerNormalization()(x))
        x = layers.Add()([x, layers.Dense(width)(y)])
    x = layers.Dense(10)(layers.GlobalAveragePooling1D()(x))
    return keras.Model(inputs, x), _tokens(batch, length, vocabulary), _labels(batch)


def embedding(batch, rows, width=64, length=32):
    """A table `[rows, width]` under a linear layer; a batch touches `batch · length` rows of it."""
    inputs = keras.Input((length,), dtype="int32")
    x = layers.GlobalAveragePooling1D()(layers.Embedding(rows, width)(inputs))
    model = keras.Model(inputs, layers.Dense(10)(x))
    return model, _tokens(batch, length, rows, replace=False), _labels(batch)


def dense(batch, rows, columns):
    """One kernel `[rows, columns]`, every entry of which has a gradient; a logit is a mean."""
    model = keras.Sequential(
        [
            keras.Input((rows,)),
            layers.Dense(columns, use_bias=False),
            layers.Reshape((columns // 10, 10)),
            layers.GlobalAveragePooling1D(),
        ]
    )
    return model, tf.random.stateless_normal([batch, rows], [0, 0]), _labels(batch)


def _tokens(batch, length, vocabulary, replace=True):
    drawn = np.random.default_rng(0).choice(vocabulary, (batch, length), replace=replace)
    return tf.constant(drawn, tf.int32)


def _labels(batch):
    return tf.constant(np.arange(batch) % 10)
