"""Small real data as users have them: tables of scikit-learn, and MNIST."""

import functools

import numpy as np

from l2l_tf import data
from l2l_tf.evaluation.suite import models, sources

NOISE = 0.2


@functools.cache
def splits(name, kind=""):
    """Rows of one data set: dict split ("train", "test") → `(inputs, labels)`.

    Args:
        name: Of `DATA`.
        kind: "raw" leaves columns in their own units, "noisy" puts another class in a fifth of
            the train labels' place.

    Raises:
        ValueError: If there is no such data set or kind.
    """
    if name not in DATA or kind not in ("", "raw", "noisy"):
        raise ValueError(
            f"`name` is one of {tuple(DATA)}, `kind` '', 'raw' or 'noisy'. "
            f"Received: name={name!r}, kind={kind!r}"
        )
    found = _found(name, kind)
    if kind == "noisy":
        rows, labels = found["train"]
        generator, classes = np.random.default_rng(0), labels.max() + 1
        wrong = generator.random(len(labels)) < NOISE
        others = (labels + generator.integers(1, classes, len(labels))) % classes
        found = {**found, "train": (rows, np.where(wrong, others, labels).astype("int32"))}
    return found


def network(name):
    """A fresh model for the data set: a multilayer perceptron with ReLU."""
    rows, labels = splits(name)["train"]
    return models.mlp(rows.shape[1], DATA[name], int(labels.max()) + 1)


def _found(name, kind):
    if name in ("mnist", "fashion_few"):
        return _pictures(name, kind)
    if name == "digits_standardised" and kind != "raw":
        return sources.standardised(sources.table("digits"))
    return _made(kind) if name == "made" else _table(name.removesuffix("_standardised"), kind)


def _made(kind):
    """1,500 rows of four overlapping classes; raw: columns of units from 0.1 to 100."""
    from sklearn import datasets

    inputs, labels = datasets.make_classification(
        1500, 30, n_informative=12, n_classes=4, flip_y=0.05, random_state=0
    )
    units = np.logspace(-1.0, 2.0, 30) if kind == "raw" else 1.0
    splits = sources.divided((inputs * units).astype("float32"), labels.astype("int32"))
    return splits if kind == "raw" else sources.standardised(splits)


def _table(name, kind):
    if name == "digits" and kind == "raw":
        return {s: (rows * 16.0, labels) for s, (rows, labels) in sources.table(name).items()}
    return sources.table(name, scaled=kind != "raw")


def _pictures(name, kind):
    scale = 1.0 if kind == "raw" else 255.0
    dataset, train, test = PICTURES[name]
    parts = {"train": f"train[:{train}]", "test": f"test[:{test}]"}
    loaded = {split: data.load(dataset, part) for split, part in parts.items()}
    return {
        split: ((images.reshape(len(images), -1) / scale).astype("float32"), labels.astype("int32"))
        for split, (images, labels) in loaded.items()
    }


# Data set of TFDS, rows of its train and of its test split.
PICTURES = {"mnist": ("mnist", 6000, 2000), "fashion_few": ("fashion_mnist", 1400, 1400)}
# Widths of the hidden layers.
DATA = {
    "digits": [64, 64],
    "breast_cancer": [64, 64],
    "wine": [64, 64],
    "mnist": [512, 512],
    # For choices.
    "digits_standardised": [64, 64],
    "fashion_few": [64, 64],
    "made": [64, 64],
}
