"""Nets that learn how what they predict is spread, and one of crossed columns.

Their losses have a floor that no rows learned by heart take them below; few rows come many times.
"""

import keras
import numpy as np
from keras import layers, ops

from experiments.everyday.nets import Net, embedded, parted

QUANTILES = np.array([0.1, 0.5, 0.9], "float32")
COMPONENTS, COUPLINGS = 5, 6


def _spread():
    """A sine, whose noise grows with the distance from 0."""
    generator = np.random.default_rng(0)
    inputs = generator.uniform(-3.0, 3.0, (4000, 1))
    noise = (0.1 + 0.3 * np.abs(inputs)) * generator.standard_normal(inputs.shape)
    labels = np.sin(2.0 * inputs) + noise
    return parted(inputs.astype("float32"), labels.astype("float32"), 3200)


def _quantile_loss(labels, predictions):
    errors = labels - predictions
    return ops.mean(ops.maximum(QUANTILES * errors, (QUANTILES - 1.0) * errors), axis=-1)


def _inverse():
    """Bishop's: of a function that is no one-to-one, the inverse (1994)."""
    generator = np.random.default_rng(0)
    labels = generator.uniform(-1.0, 1.0, (4000, 1))
    inputs = labels + 0.3 * np.sin(2.0 * np.pi * labels)
    inputs += 0.05 * generator.standard_normal(labels.shape)
    return parted(inputs.astype("float32"), labels.astype("float32"), 3200)


def _mixture_loss(labels, outputs):
    scores, means, scales = ops.split(outputs, 3, axis=-1)
    scales = ops.clip(scales, -5.0, 3.0)
    errors = ops.square((labels - means) * ops.exp(-scales))
    found = ops.log_softmax(scores) - 0.5 * errors - scales - 0.5 * np.log(2.0 * np.pi)
    return -ops.logsumexp(found, axis=-1)


def _moons():
    from sklearn import datasets

    points = datasets.make_moons(3000, noise=0.05, random_state=0)[0]
    points = ((points - points.mean(0)) / points.std(0)).astype("float32")
    return parted(points, np.zeros(len(points), "float32"), 2400)


class Flow(layers.Layer):
    """Couplings of a RealNVP (Dinh et al. 2017) over points of a plane: their log densities."""

    def __init__(self):
        super().__init__()
        self.nets = [self._coupling() for _ in range(COUPLINGS)]

    def _coupling(self):
        regularizer, point = keras.regularizers.L2(0.01), keras.Input((2,))

        def branch(activation):
            hidden = point
            for _ in range(3):
                dense = layers.Dense(64, activation="relu", kernel_regularizer=regularizer)
                hidden = dense(hidden)
            return layers.Dense(2, activation=activation, kernel_regularizer=regularizer)(hidden)

        return keras.Model(point, [branch("tanh"), branch(None)])

    def call(self, points):
        change = 0.0
        for index, net in enumerate(self.nets):
            kept = np.array([[index % 2, 1 - index % 2]], "float32")
            scales, shifts = (part * (1.0 - kept) for part in net(points * kept))
            points = (points - shifts) * ops.exp(-scales) * (1.0 - kept) + points * kept
            change -= ops.sum(scales, axis=-1)
        normal = -0.5 * ops.sum(ops.square(points), axis=-1) - np.log(2.0 * np.pi)
        return ops.expand_dims(normal + change, -1)


def _flow():
    points = keras.Input((2,))
    return keras.Model(points, Flow()(points))


def _crossed():
    """Yes or no, from four columns of categories and five of numbers, some of them crossed."""
    generator, number, sizes = np.random.default_rng(0), 6000, (50, 20, 300, 7)
    categories = generator.integers(0, sizes, (number, 4))
    columns = generator.standard_normal((number, 5))
    effects = [generator.standard_normal(size) for size in sizes]
    scores = 0.7 * sum(effect[categories[:, i]] for i, effect in enumerate(effects))
    scores += columns[:, 0] * effects[0][categories[:, 0]] + columns[:, 1] * columns[:, 2]
    yes = (scores + generator.logistic(size=number) > 0.0).astype("float32")
    inputs = [categories.astype("int32"), columns.astype("float32")]
    return {
        "train": ([part[:4800] for part in inputs], yes[:4800]),
        "test": ([part[4800:] for part in inputs], yes[4800:]),
    }


def _deep_and_cross():
    categories, columns = keras.Input((4,), dtype="int32"), keras.Input((5,))
    joined = embedded(categories, (50, 20, 300, 7))
    first = crossed = deep = layers.concatenate([*joined, columns])
    for _ in range(3):
        crossed = first * layers.Dense(first.shape[-1])(crossed) + crossed
    for _ in range(2):
        deep = layers.ReLU()(layers.BatchNormalization()(layers.Dense(64)(deep)))
        deep = layers.Dropout(0.1)(deep)
    score = layers.Dense(1, activation="sigmoid")(layers.concatenate([crossed, deep]))
    return keras.Model([categories, columns], score)


NETS = {
    "quantiles": Net(
        "1-64-64-3, three quantiles",
        lambda: keras.Sequential(
            [keras.Input((1,)), *(layers.Dense(64, "relu") for _ in range(2)), layers.Dense(3)]
        ),
        _spread, _quantile_loss, 64, 20,
    ),
    "mixture_density": Net(
        "1-50-50-15, a mixture of five normal distributions",
        lambda: keras.Sequential(
            [keras.Input((1,)), *(layers.Dense(50, "tanh") for _ in range(2)),
             layers.Dense(3 * COMPONENTS)]
        ),
        _inverse, _mixture_loss, 64, 30,
    ),
    "flow": Net(
        "RealNVP of six couplings, two moons",
        _flow, _moons, lambda labels, logs: -logs[:, 0], 256, 40,
    ),
    "deep_and_cross": Net(
        "deep & cross net, four embeddings and five columns",
        _deep_and_cross, _crossed, "binary_crossentropy", 128, 8,
    ),
}  # fmt: skip
