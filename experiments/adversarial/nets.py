"""Two small generative adversarial nets, trained by a loop as users write it."""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from l2l_tf.tasks.digits import digits

NOISE = 16
CENTRES = np.stack([(np.cos(a), np.sin(a)) for a in np.arange(8) * np.pi / 4]).astype("float32")
SPREAD = 0.05


@dataclasses.dataclass(frozen=True)
class Game:
    """What is to be imitated, and by which nets.

    Attributes:
        rows: Function of a `numpy.random.Generator` and a number n: n real samples.
        generator: Function that makes a net `[n, NOISE]` → `[n, features]`.
        discriminator: Function that makes a net `[n, features]` → `[n, 1]`, logits.
        judge: Function of samples `[n, features]`: dict name → figure.
    """

    rows: Callable
    generator: Callable
    discriminator: Callable
    judge: Callable


def play(game, make_optimizer, steps, seed, batch_size=128):
    """Train both nets, each by an optimizer of its own, and judge 2,000 samples.

    Optimizers are told neither loss nor length, as in most loops of this kind.

    Args:
        game: `Game`.
        make_optimizer: Function without arguments, called once for each net.
        steps: Updates of each net.
        seed: Of everything that is drawn.
        batch_size: Rows of a batch, real and made alike.

    Returns:
        Dict name → figure: the game's own, and both losses (means over the last 50 steps).
    """
    keras.utils.set_random_seed(seed)
    generator, discriminator = game.generator(), game.discriminator()
    optimizers = [make_optimizer() for _ in range(2)]
    for optimizer, net in zip(optimizers, (discriminator, generator), strict=True):
        optimizer.build(net.trainable_variables)
    step = _step(generator, discriminator, optimizers)
    drawn, losses = np.random.default_rng(seed), []
    for _ in range(steps):
        real = game.rows(drawn, batch_size)
        noise = drawn.normal(size=(2, batch_size, NOISE)).astype("float32")
        losses.append([float(loss) for loss in step(tf.constant(real), tf.constant(noise))])
    noise = tf.constant(drawn.normal(size=(2000, NOISE)).astype("float32"))
    last = np.mean(losses[-50:], axis=0)
    return {**game.judge(generator(noise).numpy()), "discriminator": last[0], "generator": last[1]}


def _step(generator, discriminator, optimizers):
    entropy = tf.nn.sigmoid_cross_entropy_with_logits

    def mean_entropy(label, logits):
        return tf.reduce_mean(entropy(tf.fill(logits.shape, label), logits))

    @tf.function(autograph=False)
    def step(real, noise):
        with tf.GradientTape() as tape:
            made = generator(noise[0], training=True)
            judged = mean_entropy(1.0, discriminator(real)) + mean_entropy(0.0, discriminator(made))
        weights = discriminator.trainable_variables
        optimizers[0].apply(tape.gradient(judged, weights), weights)
        with tf.GradientTape() as tape:
            passed = mean_entropy(1.0, discriminator(generator(noise[1], training=True)))
        weights = generator.trainable_variables
        optimizers[1].apply(tape.gradient(passed, weights), weights)
        return judged, passed

    return step


def _mlp(inputs, widths, outputs, activation, last=None):
    layers = [keras.layers.Input((inputs,))]
    layers += [keras.layers.Dense(width, activation) for width in widths]
    return keras.Sequential([*layers, keras.layers.Dense(outputs, last)])


def _ring(drawn, count):
    centres = CENTRES[drawn.integers(len(CENTRES), size=count)]
    return centres + SPREAD * drawn.normal(size=(count, 2)).astype("float32")


def _centres_found(samples):
    """How many centres have a fiftieth of the samples within four deviations."""
    distances = np.linalg.norm(samples[:, None] - CENTRES, axis=2)
    near = np.argmin(distances, axis=1)[distances.min(axis=1) < 4 * SPREAD]
    counts = np.bincount(near, minlength=len(CENTRES))
    return {"centres": int((counts >= len(samples) / 50).sum())}


def _digits(drawn, count):
    rows = digits("train")[0]
    return rows[drawn.integers(len(rows), size=count)]


def _spread_of_digits(samples):
    """Mean deviation of a pixel over samples, over that of the data."""
    rows = digits("train")[0]
    return {"spread": float(samples.std(axis=0).mean() / rows.std(axis=0).mean())}


GAMES = {
    "ring": Game(
        _ring,
        lambda: _mlp(NOISE, [64, 64], 2, "relu"),
        lambda: _mlp(2, [64, 64], 1, "relu"),
        _centres_found,
    ),
    "digits": Game(
        _digits,
        lambda: _mlp(NOISE, [128, 128], 64, "relu", "sigmoid"),
        lambda: _mlp(64, [128, 128], 1, "leaky_relu"),
        _spread_of_digits,
    ),
}
