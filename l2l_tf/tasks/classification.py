"""Classification of rows held in memory: batches, losses, accuracy."""

from typing import Any

import tensorflow as tf

from l2l_tf.core.checks import check_choice
from l2l_tf.core.config import choice, integer, number
from l2l_tf.tasks.base import SPLITS, Metrics, Task, Tensors, fold_in

OBJECTIVES = ("cross_entropy", "mse")


def hold(arrays: Any) -> Any:
    """Arrays as tensors outside any graph.

    A graph takes such a tensor as an argument; a constant made inside it would be copied into
    every compiled graph (tens of seconds of compilation for MNIST).

    Args:
        arrays: Structure of numpy arrays.

    Returns:
        The same structure of eager tensors.
    """
    with tf.init_scope():
        return tf.nest.map_structure(tf.constant, arrays)


class InMemoryClassification(Task, kw_only=True):
    """A classifier of rows in memory; a subclass provides `splits`, `init` and `scores`.

    Args:
        batch_size: Rows per step.
        label_noise: Share of the training batches' labels that are replaced by random ones,
            drawn anew for every batch.
        objective: "cross_entropy" of the softmax, or "mse" against one-hot labels
            (the squared error summed over classes).

    Raises:
        ValueError: If an argument is out of range.
    """

    batch_size: int = integer(128, min=1)
    label_noise: float = number(0.0, min=0, max=1)
    objective: str = choice("cross_entropy", OBJECTIVES)

    def splits(self) -> dict[str, tuple[tf.Tensor, tf.Tensor]]:
        """Dict split → `(rows [n, …], labels [n] int32)`, as `hold` gives them."""
        raise NotImplementedError(f"{type(self).__name__}.splits")

    def decode(self, rows: tf.Tensor) -> tf.Tensor:
        """What the classifier sees of rows as they are stored, float32."""
        return rows

    def scores(
        self, params: Tensors, model_state: Tensors, rows: tf.Tensor, training: bool
    ) -> tuple[tf.Tensor, Tensors]:
        """Scores before the softmax.

        Args:
            params: List of tensors as `init` gives them, perhaps with a leading task axis.
            model_state: List of tensors likewise.
            rows: `[…, batch, …]`, with that axis too.
            training: Whether statistics are the batch's own (and are gathered).

        Returns:
            `(scores […, batch, classes], model_state)`.
        """
        raise NotImplementedError(f"{type(self).__name__}.scores")

    @property
    def classes(self) -> int:
        """Number of classes."""
        return int(self.splits()["train"][1].numpy().max()) + 1

    def loss(
        self, params: Tensors, model_state: Tensors, batch: Any
    ) -> tuple[tf.Tensor, Tensors, Metrics]:
        rows, labels = batch
        scores, model_state = self.scores(params, model_state, rows, training=True)
        return self._loss(scores, labels), model_state, {"accuracy": accuracy(scores, labels)}

    def tasks_loss(
        self, params: Tensors, model_state: Tensors, batch: Any
    ) -> tuple[tf.Tensor, Tensors]:
        rows, labels = batch
        scores, model_state = self.scores(params, model_state, rows, training=True)
        return self._loss(scores, labels), model_state

    def evaluate(
        self, params: Tensors, model_state: Tensors, batch: Any
    ) -> tuple[tf.Tensor, Metrics]:
        rows, labels = batch
        scores, _ = self.scores(params, model_state, rows, training=False)
        return self._loss(scores, labels), {"accuracy": accuracy(scores, labels)}

    def _loss(self, scores, labels):
        if self.objective == "mse":
            errors = tf.square(scores - tf.one_hot(labels, scores.shape[-1]))
            return tf.reduce_mean(tf.reduce_sum(errors, axis=-1), axis=-1)
        return cross_entropy(scores, labels)

    def batch(self, seed: tf.Tensor, step: Any, split: str = "train") -> Any:
        rows, labels = self._split(split)
        seed = fold_in(fold_in(seed, 7919), step)
        index = tf.random.stateless_uniform([self.batch_size], seed, 0, rows.shape[0], tf.int32)
        drawn = tf.gather(labels, index)
        if self.label_noise and split == "train":
            replaced = tf.random.stateless_uniform(index.shape, fold_in(seed, 1)) < self.label_noise
            noise = tf.random.stateless_uniform(
                index.shape, fold_in(seed, 2), 0, self.classes, drawn.dtype
            )
            drawn = tf.where(replaced, noise, drawn)
        return self.decode(tf.gather(rows, index)), drawn

    @property
    def train_rows(self) -> int:
        return self._split("train")[0].shape[0]

    def full_batch(self, split: str = "test") -> Any:
        rows, labels = self._split(split)
        return self.decode(rows), tf.identity(labels)

    def _split(self, split):
        check_choice("split", split, SPLITS)
        return self.splits()[split]


def cross_entropy(scores: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Mean cross-entropy of the softmax: `[…, batch, classes]`, `[…, batch]` → `[…]`."""
    # Log-sum-exp written out: it differentiates twice, and batches over tasks.
    log_probabilities = tf.nn.log_softmax(scores)
    picked = tf.reduce_sum(log_probabilities * tf.one_hot(labels, scores.shape[-1]), axis=-1)
    return -tf.reduce_mean(picked, axis=-1)


def accuracy(scores: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Share of rows whose highest score is their label's, `[…]`."""
    predicted = tf.argmax(scores, axis=-1, output_type=labels.dtype)
    return tf.reduce_mean(tf.cast(predicted == labels, tf.float32), axis=-1)
