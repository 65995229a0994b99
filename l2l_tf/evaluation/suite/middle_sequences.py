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


def averaged_words(length, words, width, outputs):
    """The average of embedded words, and scores: fastText (Joulin et al. 2017)."""
    return keras.Sequential(
        [
            layers.Input((length,), dtype="int32"),
            layers.Embedding(words, width),
            layers.GlobalAveragePooling1D(),
            layers.Dense(outputs),
        ]
    )


def both_ways(length, words, width, units, outputs):
    """An LSTM in each direction over embedded words, and scores."""
    return keras.Sequential(
        [
            layers.Input((length,), dtype="int32"),
            layers.Embedding(words, width),
            layers.Bidirectional(layers.LSTM(units, unroll=True)),
            layers.Dropout(0.3),
            layers.Dense(outputs),
        ]
    )


def stacked_gru(length, tokens, width, units, depth):
    """Embedded tokens, `depth` GRUs on each other, and scores of the next token."""
    recurrent = [layers.GRU(units, return_sequences=True, unroll=True) for _ in range(depth)]
    return keras.Sequential(
        [
            layers.Input((length,), dtype="int32"),
            layers.Embedding(tokens, width),
            *recurrent,
            layers.Dense(tokens),
        ]
    )


def two_towers(length, words, width, hidden, outputs):
    """Two nets of averaged words whose outputs' dot product says what belongs together.

    The retrieval model of recommenders (Yi et al. 2019); word 0 is masked.
    """

    def tower(rows):
        x = layers.Embedding(words, width, mask_zero=True)(rows)
        x = layers.Dense(hidden, "relu")(layers.GlobalAveragePooling1D()(x))
        return layers.Dense(outputs)(x)

    sides = [keras.Input((length,), dtype="int32") for _ in range(2)]
    return keras.Model(sides, [tower(side) for side in sides])


def encoder_decoder(length, target_length, tokens, width, heads, blocks):
    """A transformer with an encoder, and a decoder that attends to it (Vaswani et al. 2017).

    Inputs are the source `[n, length]` and the target so far `[n, target_length]`; outputs are
    scores of the target's next token. Normalisation is after each part, as in the article.
    """

    def dense_part(x):
        y = layers.Dense(width)(layers.Dense(4 * width, "relu")(x))
        return layers.LayerNormalization()(layers.Add()([x, y]))

    def attend(x, other, causal=False):
        y = layers.MultiHeadAttention(heads, width // heads)(x, other, use_causal_mask=causal)
        return layers.LayerNormalization()(layers.Add()([x, y]))

    source = keras.Input((length,), dtype="int32")
    before = keras.Input((target_length,), dtype="int32")
    embedding = layers.Embedding(tokens, width)
    x = PlaceEmbedding()(embedding(source))
    for _ in range(blocks):
        x = dense_part(attend(x, x))
    y = PlaceEmbedding()(embedding(before))
    for _ in range(blocks):
        y = dense_part(attend(attend(y, y, causal=True), x))
    return keras.Model([source, before], layers.Dense(tokens)(y))
