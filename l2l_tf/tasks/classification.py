"""Classification of rows held in memory by a multilayer perceptron."""

import functools

import numpy as np
import tensorflow as tf

from l2l_tf.arguments import check_integer
from l2l_tf.tasks.base import SPLITS, Task, fold_in
from l2l_tf.tasks.registry import register_task

ACTIVATIONS = {
    "sigmoid": tf.sigmoid,
    "tanh": tf.tanh,
    "relu": tf.nn.relu,
    "gelu": tf.nn.gelu,
    "elu": tf.nn.elu,
}


class InMemoryMLP(Task):
    """A multilayer perceptron with softmax cross-entropy on rows in memory.

    Weights start from N(0, 1/fan-in) (He's N(0, 2/fan-in) for ReLU and GELU), biases
    from 0. A subclass provides `splits()`.

    Args:
        hidden: Units of each hidden layer.
        layers: Number of hidden layers.
        activation: One of `ACTIVATIONS`.
        batch_size: Rows per step.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(self, hidden=20, layers=1, activation="sigmoid", batch_size=128):
        if activation not in ACTIVATIONS:
            raise ValueError(
                f"`activation` is one of {sorted(ACTIVATIONS)}. Received: activation={activation!r}"
            )
        check_integer("hidden", hidden, least=1)
        check_integer("layers", layers, least=0)
        check_integer("batch_size", batch_size, least=1)
        self.hidden = hidden
        self.layers = layers
        self.activation = activation
        self.batch_size = batch_size

    def splits(self):
        """Dict split → `(rows [n, features] float32, labels [n] int32)`."""
        raise NotImplementedError(f"{type(self).__name__}.splits")

    @property
    def classes(self):
        """Number of classes."""
        return int(self.splits()["train"][1].max()) + 1

    def widths(self):
        """Units of every layer, input and output included."""
        features = self.splits()["train"][0].shape[1]
        return [features, *[self.hidden] * self.layers, self.classes]

    def init(self, seed):
        gain = 2.0 if self.activation in ("relu", "gelu") else 1.0
        widths = self.widths()
        params = []
        for layer, (inputs, outputs) in enumerate(zip(widths, widths[1:], strict=False)):
            scale = (gain / inputs) ** 0.5
            kernel = tf.random.stateless_normal([inputs, outputs], fold_in(seed, layer))
            params += [scale * kernel, tf.zeros([outputs])]
        return params, []

    def logits(self, params, rows):
        """Scores `[…, batch, classes]` of rows `[…, batch, features]`."""
        activation = ACTIVATIONS[self.activation]
        for layer in range(0, len(params), 2):
            if layer:
                rows = activation(rows)
            rows = tf.matmul(rows, params[layer]) + params[layer + 1][..., None, :]
        return rows

    def loss(self, params, model_state, batch):
        rows, labels = batch
        logits = self.logits(params, rows)
        loss = _cross_entropy(logits, labels)
        predicted = tf.argmax(logits, axis=-1, output_type=tf.int32)
        accuracy = tf.reduce_mean(tf.cast(predicted == labels, tf.float32), axis=-1)
        return loss, model_state, {"accuracy": accuracy}

    def tasks_loss(self, params, model_state, batch):
        rows, labels = batch
        return _cross_entropy(self.logits(params, rows), labels), model_state

    def batch(self, seed, step, split="train"):
        rows, labels = self.full_batch(split)
        count = rows.shape[0]
        index = tf.random.stateless_uniform(
            [self.batch_size], fold_in(fold_in(seed, 7919), step), 0, count, tf.int32
        )
        return tf.gather(rows, index), tf.gather(labels, index)

    def full_batch(self, split="test"):
        if split not in SPLITS:
            raise ValueError(f"A split is one of {SPLITS}. Received: split={split!r}")
        rows, labels = self.splits()[split]
        return tf.constant(rows), tf.constant(labels)


def _cross_entropy(logits, labels):
    # Log-sum-exp written out: it differentiates twice, and batches over tasks.
    log_probabilities = tf.nn.log_softmax(logits)
    classes = logits.shape[-1]
    picked = tf.reduce_sum(log_probabilities * tf.one_hot(labels, classes), axis=-1)
    return -tf.reduce_mean(picked, axis=-1)


@functools.cache
def _digits():
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError(
            "The digits tasks need scikit-learn: pip install 'l2l-tf[train]'. "
            "Received: no module sklearn"
        ) from error
    data = load_digits()
    rows = (data.data / 16.0).astype("float32")
    labels = data.target.astype("int32")
    order = np.random.default_rng(0).permutation(len(rows))
    rows, labels = rows[order], labels[order]
    ends = {"train": (0, 1077), "validation": (1077, 1437), "test": (1437, 1797)}
    return {split: (rows[a:b], labels[a:b]) for split, (a, b) in ends.items()}


@register_task("digits_mlp")
class DigitsMLP(InMemoryMLP):
    """A multilayer perceptron on scikit-learn's 1,797 handwritten 8×8 digits.

    1,077 rows to train on, 360 for validation, 360 for tests; pixels in [0, 1].

    Args:
        hidden: Units of each hidden layer.
        layers: Number of hidden layers.
        activation: One of `ACTIVATIONS`.
        batch_size: Rows per step.
    """

    def splits(self):
        return _digits()


def digits(split):
    """Rows `[n, 64]` float32 in [0, 1] and labels `[n]` int32 of one split of the digits."""
    if split not in SPLITS:
        raise ValueError(f"A split is one of {SPLITS}. Received: split={split!r}")
    return _digits()[split]
