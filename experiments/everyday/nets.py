"""Nets as tutorials have them, with data of their kind."""

import collections
from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
from keras import layers

from l2l_tf import data

SCORES = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


class Net(NamedTuple):
    """A model, its rows, and how it is trained.

    Attributes:
        what: What it is, for a table.
        build: Function without arguments that returns a model.
        rows: Function without arguments that returns a dict `train`, `test` → (inputs, labels).
        loss: What `compile` takes.
        batch_size: Rows of a batch.
        epochs: Of a run.
    """

    what: str
    build: Callable[[], keras.Model]
    rows: Callable[[], dict]
    loss: object
    batch_size: int
    epochs: int


def _model(shape, *steps):
    """Function that builds a `Sequential` of what functions without arguments return."""
    return lambda: keras.Sequential([keras.Input(shape), *(step() for step in steps)])


def _conv(filters):
    return lambda: layers.Conv2D(filters, 3, activation="relu")


def _normalised(filters):
    return (
        lambda: layers.Conv2D(filters, 3, padding="same"),
        layers.BatchNormalization,
        layers.ReLU,
    )


def _dense(units, activation=None):
    return lambda: layers.Dense(units, activation)


def _pool():
    return layers.MaxPooling2D(2)


def _pictures(name, number, flat=False, largest=1.0):
    """`number` train pictures and 2,048 others, with values from 0 to `largest`."""

    def rows():
        found = {}
        for split, wanted in (("train", number), ("test", 2048)):
            both = data.load(name, split=f"{split}[:{wanted}]")
            images = np.asarray(both[0], "float32")
            images *= largest / max(images.max(), 1.0)
            if flat:
                images = images.reshape(len(images), -1)
            found[split] = images, np.asarray(both[1], "int32")
        return found

    return rows


def _prices():
    """Prices around 200,000 of 13 columns, 1,200 rows."""
    generator = np.random.default_rng(5)
    columns = generator.standard_normal((1500, 13)).astype("float32")
    columns[:, 3] = columns[:, 3] > 1.0
    prices = 200_000.0 + 60_000.0 * columns[:, 0] + 50_000.0 * np.maximum(columns[:, 4], 0.0)
    prices -= 40_000.0 * np.tanh(columns[:, 1] * columns[:, 2])
    prices += 15_000.0 * generator.standard_normal(len(prices))
    return parted(columns, prices.astype("float32"), 1200)


def _series():
    """A day's and a week's rhythm that drift: the next of 49 values."""
    generator, hours = np.random.default_rng(0), np.arange(12_000)
    values = np.sin(hours / 24.0 * 2.0 * np.pi) * (1.0 + 0.3 * np.sin(hours / 500.0))
    values += 0.5 * np.sin(hours / 168.0 * 2.0 * np.pi)
    values += 0.01 * generator.standard_normal(len(hours)).cumsum()
    values += 0.1 * generator.standard_normal(len(hours))
    values = (values - values[:8000].mean()) / values[:8000].std()
    windows = np.lib.stride_tricks.sliding_window_view(values.astype("float32"), 49)
    inputs, labels = windows[:, :48, None], windows[:, 48:]
    return {
        "train": (inputs[:8000:2], labels[:8000:2]),
        "test": (inputs[9000:11_000], labels[9000:11_000]),
    }


def _bank():
    """Yes or no from four columns of categories, of up to 500, and six of numbers."""
    generator, number, sizes = np.random.default_rng(2), 12_000, (12, 40, 7, 500)
    categories = generator.integers(0, sizes, (number, 4)).astype("int32")
    columns = generator.standard_normal((number, 6)).astype("float32")
    columns[:, 0] = np.exp(2.0 * columns[:, 0]) * 100.0
    effects = [generator.standard_normal(size) for size in sizes]
    scores = sum(effect[categories[:, i]] for i, effect in enumerate(effects)) - 4.5
    scores += 0.8 * np.log(columns[:, 0] / 100.0) - columns[:, 1] * columns[:, 2]
    scores += columns[:, 3] ** 2
    yes = (generator.random(number) < 1.0 / (1.0 + np.exp(-scores))).astype("float32")
    return {
        "train": ([categories[:9000], columns[:9000]], yes[:9000]),
        "test": ([categories[9000:], columns[9000:]], yes[9000:]),
    }


def _bank_net():
    categories, columns = keras.Input((4,), dtype="int32"), keras.Input((6,))
    joined = embedded(categories, (12, 40, 7, 500))
    hidden = layers.concatenate([*joined, layers.BatchNormalization()(columns)])
    for units in (128, 64):
        hidden = layers.Dropout(0.2)(layers.Dense(units, activation="relu")(hidden))
    score = layers.Dense(1, activation="sigmoid")(hidden)
    return keras.Model([categories, columns], score)


def _speeches():
    """Who of the twelve that speak most in Shakespeare's plays says it, from 60 words."""
    speeches = [
        speech.split(":\n", 1)
        for speech in data.load_text("tiny_shakespeare", "train").split("\n\n")
        if ":\n" in speech
    ]
    most = collections.Counter(speaker for speaker, _ in speeches).most_common(12)
    names = [name for name, _ in most]
    known = [(words, names.index(who)) for who, words in speeches if who in names]
    texts = np.array([words for words, _ in known])
    vectors = layers.TextVectorization(8000, output_sequence_length=60)
    vectors.adapt(texts)
    order = np.random.default_rng(0).permutation(len(known))
    labels = np.array([who for _, who in known], "int32")
    return parted(vectors(texts).numpy()[order], labels[order], int(0.85 * len(known)))


def _transformer():
    tokens = keras.Input((60,), dtype="int32")
    # Of the input: a layer that is called on a constant is one, too, and not trained.
    places = keras.ops.zeros_like(tokens) + keras.ops.arange(60)
    hidden = layers.Embedding(8000, 32)(tokens) + layers.Embedding(60, 32)(places)
    attended = layers.Dropout(0.1)(layers.MultiHeadAttention(2, 32)(hidden, hidden))
    hidden = layers.LayerNormalization(epsilon=1e-6)(hidden + attended)
    moved = layers.Dense(32)(layers.Dense(32, activation="relu")(hidden))
    hidden = layers.LayerNormalization(epsilon=1e-6)(hidden + layers.Dropout(0.1)(moved))
    hidden = layers.Dropout(0.1)(layers.GlobalAveragePooling1D()(hidden))
    hidden = layers.Dropout(0.1)(layers.Dense(20, activation="relu")(hidden))
    return keras.Model(tokens, layers.Dense(12)(hidden))


def _graph():
    """Nodes of five groups: what is left of their features after two rounds with neighbours."""
    generator, nodes, groups = np.random.default_rng(4), 900, 5
    labels = generator.integers(0, groups, nodes).astype("int32")
    chance = np.where(labels[:, None] == labels, 0.02, 0.003)
    edges = (generator.random((nodes, nodes)) < chance).astype("float32")
    edges = np.maximum(edges, edges.T) + np.eye(nodes, dtype="float32")
    degrees = edges.sum(1)
    edges /= np.sqrt(degrees[:, None] * degrees)
    mixed = generator.standard_normal((nodes, groups)) @ generator.standard_normal((groups, groups))
    features = 0.5 * np.eye(groups)[labels] + 0.5 * mixed
    features = np.concatenate([features, generator.standard_normal((nodes, 60))], 1)
    return parted((edges @ (edges @ features)).astype("float32"), labels, 300)


def embedded(categories, sizes):
    """Eight numbers of each column of categories, whose numbers are `sizes`."""
    return [
        layers.Flatten()(layers.Embedding(size, 8)(categories[:, i : i + 1]))
        for i, size in enumerate(sizes)
    ]


def parted(inputs, labels, number):
    """The first `number` rows to train on, the others held out."""
    return {
        "train": (inputs[:number], labels[:number]),
        "test": (inputs[number:], labels[number:]),
    }


NETS = {
    "mnist_convnet": Net(
        "two convolutions, dropout, MNIST",
        _model((28, 28, 1), _conv(32), _pool, _conv(64), _pool, layers.Flatten,
               lambda: layers.Dropout(0.5), _dense(10)),
        _pictures("mnist", 8192), SCORES, 128, 6,
    ),
    "cifar10_cnn": Net(
        "three convolutions, nothing normalised, CIFAR-10",
        _model((32, 32, 3), _conv(32), _pool, _conv(64), _pool, _conv(64), layers.Flatten,
               _dense(64, "relu"), _dense(10)),
        _pictures("cifar10", 8192), SCORES, 32, 4,
    ),
    "cifar10_batch_norm": Net(
        "five convolutions with batch normalization, CIFAR-10",
        _model((32, 32, 3), *_normalised(24), *_normalised(24), _pool, *_normalised(48),
               *_normalised(48), _pool, *_normalised(96), layers.GlobalAveragePooling2D,
               _dense(10)),
        _pictures("cifar10", 4096), SCORES, 64, 6,
    ),
    "raw_pixels": Net(
        "784-128-10, pixels from 0 to 255, MNIST",
        _model((784,), _dense(128, "relu"), _dense(10)),
        _pictures("mnist", 8192, flat=True, largest=255.0), SCORES, 32, 5,
    ),
    "prices": Net(
        "13-64-64-1, prices around 200,000, mean absolute error",
        _model((13,), _dense(64, "relu"), _dense(64, "relu"), _dense(1)),
        _prices, "mae", 32, 40,
    ),
    "forecast": Net(
        "LSTM of 32 units, the next value of a series that drifts",
        _model((48, 1), lambda: layers.LSTM(32), _dense(1)),
        _series, "mse", 256, 30,
    ),
    "bank": Net(
        "four embeddings and six columns, one of them far out of scale",
        _bank_net, _bank, "binary_crossentropy", 128, 12,
    ),
    "speakers": Net(
        "one block of a transformer, few texts",
        _transformer, _speeches, SCORES, 32, 6,
    ),
    "graph": Net(
        "32-5 behind two rounds of a graph, one batch an epoch",
        _model((65,), _dense(32, "relu"), lambda: layers.Dropout(0.5), _dense(5)),
        _graph, SCORES, 300, 200,
    ),
    "logistic": Net(
        "one layer, MNIST",
        _model((784,), _dense(10)),
        _pictures("mnist", 8192, flat=True), SCORES, 32, 8,
    ),
}  # fmt: skip
