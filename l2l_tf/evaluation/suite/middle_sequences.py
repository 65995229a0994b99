"""Keras models of 0.05 to 5 million weights, as people write them: nets of sequences.

All have Keras's own initializers.
"""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="l2l_tf")
class PlaceEmbedding(layers.Layer):
    """Adds an embedding of each place of a sequence, as in Keras's examples."""

    def build(self, shape):
        self.places = layers.Embedding(shape[1], shape[2])
        self.places.build(None)

    def call(self, inputs):
        return inputs + self.places(ops.arange(inputs.shape[1]))


def attention_block(x, heads, causal):
    """Attention and two dense layers, each after a normalisation (Radford et al. 2019)."""
    width = x.shape[-1]
    y = layers.LayerNormalization()(x)
    y = layers.MultiHeadAttention(heads, width // heads)(y, y, use_causal_mask=causal)
    x = layers.Add()([x, y])
    y = layers.Dense(4 * width, "gelu")(layers.LayerNormalization()(x))
    return layers.Add()([x, layers.Dense(width)(y)])


def gpt(length, tokens, width, heads, blocks):
    """A small GPT: scores of the next token at each place."""
    inputs = keras.Input((length,), dtype="int32")
    x = PlaceEmbedding()(layers.Embedding(tokens, width)(inputs))
    for _ in range(blocks):
        x = attention_block(x, heads, causal=True)
    return keras.Model(inputs, layers.Dense(tokens)(layers.LayerNormalization()(x)))


def vit(shape, patch, width, heads, blocks, outputs):
    """A vision transformer (Dosovitskiy et al. 2021) with an average over patches at the end."""
    inputs = keras.Input(shape)
    x = layers.Conv2D(width, patch, patch)(inputs)
    x = PlaceEmbedding()(layers.Reshape((-1, width))(x))
    for _ in range(blocks):
        x = attention_block(x, heads, causal=False)
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))
    return keras.Model(inputs, layers.Dense(outputs)(x))


def skip_gram(words, width):
    """An embedded word, and scores of its neighbour over all words."""
    return keras.Sequential(
        [layers.Input((), dtype="int32"), layers.Embedding(words, width), layers.Dense(words)]
    )
