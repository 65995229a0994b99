"""Keras models of 0.05 to 5 million weights, as people write them: nets of images and rows.

All have Keras's own initializers.
"""

import keras
from keras import layers, ops


def conv_autoencoder(shape, filters):
    """Convolutions with stride 2 down, transposed ones up, ReLU and nothing that normalises."""
    made = [layers.Input(shape)]
    made += [layers.Conv2D(f, 3, 2, "same", activation="relu") for f in filters]
    made += [layers.Conv2D(filters[-1] // 4, 3, padding="same", activation="relu")]
    made += [layers.Conv2DTranspose(f, 3, 2, "same", activation="relu") for f in filters[::-1]]
    return keras.Sequential([*made, layers.Conv2D(shape[-1], 3, padding="same")])


def resnet(shape, filters, blocks, outputs):
    """Residual nets for small images: `6·blocks + 2` layers with three `filters` (He et al. 2015).

    Batch normalisation after every convolution; halved where the filters change.
    """

    def normalised(x, count, stride=1):
        x = layers.Conv2D(count, 3, stride, "same", use_bias=False)(x)
        return layers.BatchNormalization()(x)

    inputs = keras.Input(shape)
    x = layers.ReLU()(normalised(inputs, filters[0]))
    for count in filters:
        for _ in range(blocks):
            stride = 1 if count == x.shape[-1] else 2
            y = layers.ReLU()(normalised(x, count, stride))
            y = normalised(y, count)
            if stride > 1:
                x = layers.Conv2D(count, 1, stride, use_bias=False)(x)
                x = layers.BatchNormalization()(x)
            x = layers.ReLU()(layers.Add()([x, y]))
    return keras.Model(inputs, layers.Dense(outputs)(layers.GlobalAveragePooling2D()(x)))


def unet(shape, filters, outputs, normalised=False):
    """Two convolutions a level, pooled down and brought up, with connections across.

    Ronneberger, Fischer and Brox (2015); padded, so that outputs are as large as inputs.

    Args:
        shape: Of an image.
        filters: Of each level, downwards.
        outputs: Numbers at each pixel.
        normalised: Whether batch normalisation follows each convolution.
    """

    def level(x, count):
        for _ in range(2):
            x = layers.Conv2D(count, 3, padding="same")(x)
            x = layers.ReLU()(layers.BatchNormalization()(x) if normalised else x)
        return x

    inputs = keras.Input(shape)
    x, across = inputs, []
    for count in filters[:-1]:
        x = level(x, count)
        across.append(x)
        x = layers.MaxPooling2D()(x)
    x = level(x, filters[-1])
    for count, other in zip(filters[-2::-1], across[::-1], strict=True):
        x = layers.Conv2DTranspose(count, 2, 2)(x)
        x = level(layers.Concatenate()([x, other]), count)
    return keras.Model(inputs, layers.Conv2D(outputs, 1)(x))


@keras.saving.register_keras_serializable(package="l2l_tf")
class Sampling(layers.Layer):
    """A draw from N(mean, exp(log variance)) while training, and the mean else."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, mean, log_variance, training=False):
        if not training:
            return mean
        noise = keras.random.normal(ops.shape(mean), seed=self.seed_generator)
        return mean + ops.exp(0.5 * log_variance) * noise


def dense_vae(inputs, hidden, latent):
    """A variational autoencoder of dense layers: logits of pixels, mean and log variance."""
    x = rows = keras.Input((inputs,))
    for width in hidden:
        x = layers.Dense(width, "relu")(x)
    mean, log_variance = layers.Dense(latent)(x), layers.Dense(latent)(x)
    x = Sampling()(mean, log_variance)
    for width in hidden[::-1]:
        x = layers.Dense(width, "relu")(x)
    return keras.Model(rows, [layers.Dense(inputs)(x), mean, log_variance])


def dropout_mlp(inputs, hidden, outputs, rate):
    """Dense layers with ReLU and dropout after each."""
    widths = [part for w in hidden for part in (layers.Dense(w, "relu"), layers.Dropout(rate))]
    return keras.Sequential([layers.Input((inputs,)), *widths, layers.Dense(outputs)])


def vgg(shape, filters, hidden, outputs):
    """Pairs of convolutions with ReLU, pooled after each pair; nothing is normalised.

    Simonyan and Zisserman (2015).
    """
    made = [layers.Input(shape)]
    for count in filters:
        made += [layers.Conv2D(count, 3, padding="same", activation="relu") for _ in range(2)]
        made += [layers.MaxPooling2D()]
    made += [layers.Flatten(), layers.Dense(hidden, "relu"), layers.Dropout(0.3)]
    return keras.Sequential([*made, layers.Dense(outputs)])


def conv_vae(shape, filters, hidden, latent):
    """A variational autoencoder of convolutions, as in Keras's example; see `dense_vae`."""
    x = images = keras.Input(shape)
    for count in filters:
        x = layers.Conv2D(count, 3, 2, "same", activation="relu")(x)
    small = x.shape[1:]
    x = layers.Dense(hidden, "relu")(layers.Flatten()(x))
    mean, log_variance = layers.Dense(latent)(x), layers.Dense(latent)(x)
    x = Sampling()(mean, log_variance)
    x = layers.Dense(small[0] * small[1] * small[2], "relu")(x)
    x = layers.Reshape(small)(x)
    for count in filters[::-1]:
        x = layers.Conv2DTranspose(count, 3, 2, "same", activation="relu")(x)
    x = layers.Conv2D(shape[-1], 3, padding="same")(x)
    return keras.Model(images, [x, mean, log_variance])


def mixer(shape, patch, width, places_width, blocks, outputs):
    """An MLP-Mixer (Tolstikhin et al. 2021): dense layers over patches, then over channels."""
    inputs = keras.Input(shape)
    x = layers.Reshape((-1, width))(layers.Conv2D(width, patch, patch)(inputs))
    for _ in range(blocks):
        y = layers.Permute((2, 1))(layers.LayerNormalization()(x))
        y = layers.Dense(x.shape[1])(layers.Dense(places_width, "gelu")(y))
        x = layers.Add()([x, layers.Permute((2, 1))(y)])
        y = layers.Dense(4 * width, "gelu")(layers.LayerNormalization()(x))
        x = layers.Add()([x, layers.Dense(width)(y)])
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))
    return keras.Model(inputs, layers.Dense(outputs)(x))
