"""Small Keras models of the kinds that users train."""

import functools

import keras
from keras import layers


def mlp(inputs, hidden, outputs, activation="relu", initializer="glorot_uniform"):
    """Dense layers: `hidden` is a list of widths; no activation at the end."""
    widths = [layers.Dense(w, activation, kernel_initializer=initializer) for w in hidden]
    return keras.Sequential(
        [layers.Input((inputs,)), *widths, layers.Dense(outputs, kernel_initializer=initializer)]
    )


def badly_initialised(inputs, hidden, outputs, deviation, activation="relu"):
    """Dense layers with kernels drawn from N(0, `deviation`²) whatever their width."""

    def initializer():
        return keras.initializers.RandomNormal(stddev=deviation)

    widths = [layers.Dense(w, activation, kernel_initializer=initializer()) for w in hidden]
    return keras.Sequential(
        [layers.Input((inputs,)), *widths, layers.Dense(outputs, kernel_initializer=initializer())]
    )


@keras.saving.register_keras_serializable(package="l2l_tf")
class Highway(layers.Layer):
    """`h·σ(Ax + a) + x·(1 − σ(Ax + a))`, h = ReLU(Bx + b); Srivastava et al. (2015).

    The gate's bias starts at −2, so that inputs pass.
    """

    def build(self, shape):
        width = shape[-1]
        carry = keras.initializers.Constant(-2.0)
        self.transform = layers.Dense(width, "relu")
        self.gate = layers.Dense(width, "sigmoid", bias_initializer=carry)
        self.transform.build(shape)
        self.gate.build(shape)

    def call(self, inputs):
        gate = self.gate(inputs)
        return gate * self.transform(inputs) + (1.0 - gate) * inputs


def highway(inputs, width, depth, outputs):
    """A dense layer, `depth` highway layers, and one for the scores."""
    return keras.Sequential(
        [
            layers.Input((inputs,)),
            layers.Dense(width, "tanh"),
            *(Highway() for _ in range(depth)),
            layers.Dense(outputs),
        ]
    )


def conv_net(shape, filters, outputs):
    """Convolutions 3×3 with ReLU and pooling, then dropout and the scores."""
    made = [layers.Input(shape)]
    for count in filters:
        made += [layers.Conv2D(count, 3, padding="same", activation="relu"), layers.MaxPooling2D()]
    return keras.Sequential([*made, layers.Flatten(), layers.Dropout(0.1), layers.Dense(outputs)])


def resnet(shape, filters, outputs):
    """Residual blocks with batch normalisation, as He et al. (2016); halved between blocks."""
    inputs = keras.Input(shape)
    x = layers.Conv2D(filters[0], 3, padding="same", use_bias=False)(inputs)
    for index, count in enumerate(filters):
        stride = 1 if index == 0 else 2
        y = layers.BatchNormalization()(x)
        y = layers.ReLU()(y)
        y = layers.Conv2D(count, 3, strides=stride, padding="same", use_bias=False)(y)
        y = layers.BatchNormalization()(y)
        y = layers.ReLU()(y)
        y = layers.Conv2D(count, 3, padding="same", use_bias=False)(y)
        if stride > 1 or count != x.shape[-1]:
            x = layers.Conv2D(count, 1, strides=stride)(x)
        x = layers.Add()([x, y])
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(layers.BatchNormalization()(x)))
    return keras.Model(inputs, layers.Dense(outputs)(x))


def recurrent(cell, length, characters, width):
    """Embedded characters, an LSTM or GRU, and scores of the next character at each place."""
    recurrence = {"lstm": layers.LSTM, "gru": layers.GRU}[cell]
    return keras.Sequential(
        [
            layers.Input((length,), dtype="int32"),
            layers.Embedding(characters, width // 2),
            recurrence(width, return_sequences=True, unroll=True),
            layers.Dense(characters),
        ]
    )


@keras.saving.register_keras_serializable(package="l2l_tf")
class Positions(layers.Layer):
    """Adds a learned vector for each place of a sequence."""

    def build(self, shape):
        self.table = self.add_weight(
            shape=tuple(shape[1:]),
            initializer=keras.initializers.RandomNormal(stddev=0.02),
            name="table",
        )

    def call(self, inputs):
        return inputs + self.table


def transformer(length, characters, width, heads, blocks):
    """A causal transformer with normalisation before each part (Radford et al. 2019)."""
    inputs = keras.Input((length,), dtype="int32")
    x = Positions()(layers.Embedding(characters, width)(inputs))
    for _ in range(blocks):
        y = layers.LayerNormalization()(x)
        y = layers.MultiHeadAttention(heads, width // heads)(y, y, use_causal_mask=True)
        x = layers.Add()([x, y])
        y = layers.Dense(2 * width, "gelu")(layers.LayerNormalization()(x))
        x = layers.Add()([x, layers.Dense(width)(y)])
    x = layers.LayerNormalization()(x)
    return keras.Model(inputs, layers.Dense(characters)(x))


def word_model(context, words, width):
    """Embeddings of the words before, side by side, and scores of the next (Bengio 2003)."""
    return keras.Sequential(
        [
            layers.Input((context,), dtype="int32"),
            layers.Embedding(words, width),
            layers.Flatten(),
            layers.Dense(2 * width, "tanh"),
            layers.Dense(words),
        ]
    )


def factorisation(rows, columns, rank):
    """`uᵢ·vⱼ + aᵢ + bⱼ` of pairs (i, j): a completed matrix (Koren, Bell and Volinsky 2009)."""
    inputs = keras.Input((2,), dtype="int32")
    start = functools.partial(keras.initializers.RandomNormal, stddev=0.1)
    i, j = inputs[:, 0], inputs[:, 1]
    u = layers.Embedding(rows, rank, embeddings_initializer=start())(i)
    v = layers.Embedding(columns, rank, embeddings_initializer=start())(j)
    biases = [
        layers.Embedding(count, 1, embeddings_initializer="zeros")(index)
        for count, index in ((rows, i), (columns, j))
    ]
    return keras.Model(inputs, layers.Add()([layers.Dot(axes=-1)([u, v]), *biases]))
