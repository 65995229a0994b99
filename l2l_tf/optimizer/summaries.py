"""What a learned optimizer does along `fit`, for TensorBoard."""

import os

import keras
import numpy as np

from l2l_tf.core.checks import check_integer
from l2l_tf.core.scalars import unkept
from l2l_tf.optimizer.backends import BACKEND
from l2l_tf.optimizer.run_length import rule_optimizer_of


class OptimizerSummaries(keras.callbacks.Callback):
    """Writes down every few batches what the optimizer of a model does.

    ```python
    model.fit(x, y, callbacks=[OptimizerSummaries("logs")])
    ```

    Of each trainable variable:

    - `step_size/{path}`: root mean square of what the batch added to it;
    - `relative_step/{path}`: the same over the root mean square of the variable;
    - `cosine/{path}`: between what this batch added and what the last measured batch added: near 1
      the steps go on in one direction, below 0 they go back and forth;
    - `slot/{name}/{path}`: root mean square of each of the rule's slots, hidden states among them;
    - `log_rate/{path}`: of a rule whose step size adapts by itself (`spectral`, `mixture`), the
      logarithm of its factor now.

    Of the optimizer: what the rule keeps for the whole model, as `shared/{name}` (a scalar, or a
    histogram), the steps that were `skipped`, and `learning_rate`.

    A batch that is measured copies all weights; the others cost nothing. With
    `steps_per_execution` a batch is all steps of one execution.

    Args:
        log_dir: Where summaries are written; with that of `keras.callbacks.TensorBoard` they are
            shown together.
        update_freq: Batches from one that is measured to the next.

    Raises:
        ImportError: If TensorFlow, which writes them on every backend, is not installed.
        ValueError: If `update_freq` is not positive, or, when training begins, the model's
            optimizer is no `LearnedOptimizer`.
    """

    def __init__(self, log_dir: str | os.PathLike, update_freq: int = 100):
        super().__init__()
        check_integer("update_freq", update_freq, min=1)
        self.log_dir = log_dir
        self.update_freq = update_freq
        self._summary = _tensorflow().summary

    def on_train_begin(self, logs: dict | None = None) -> None:
        optimizer = self.model.optimizer
        self._optimizer = rule_optimizer_of(self.model)
        if self._optimizer is None:
            raise ValueError(f"The optimizer is no LearnedOptimizer. Received: {optimizer!r}")
        self._writer = self._summary.create_file_writer(str(self.log_dir))
        self._batches = self._next = 0
        self._before = self._last = None

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        if self._batches >= self._next:
            self._before = self._values()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self._batches += 1
        if self._before is None:
            return
        after = self._values()
        if len(after) == len(self._before):  # Else this batch has built the model.
            self._next = self._batches - 1 + self.update_freq
            steps = [b - a for a, b in zip(self._before, after, strict=True)]
            with self._writer.as_default(step=unkept(int(self._optimizer.iterations))):
                self._of_variables(steps)
                self._of_the_optimizer()
            self._last = steps
        self._before = None

    def on_train_end(self, logs: dict | None = None) -> None:
        self._writer.close()

    def _scalar(self, name, value):
        self._summary.scalar(name, unkept(value))

    def _values(self):
        BACKEND.sync(self.model)
        return [np.asarray(v, "float32") for v in self.model.trainable_variables]

    def _of_variables(self, steps):
        variables = self.model.trainable_variables
        last = self._last or [None] * len(steps)
        for variable, step, before, old in zip(variables, steps, self._before, last, strict=True):
            size, path = _root_mean_square(step), variable.path
            self._scalar(f"step_size/{path}", size)
            weights = _root_mean_square(before)
            if weights > 0:
                self._scalar(f"relative_step/{path}", size / weights)
            if old is not None and size > 0 and np.any(old):
                self._scalar(f"cosine/{path}", _cosine(step, old))
            for name, slot in self._optimizer.slots_of(variable).items():
                values = np.asarray(slot, "float32")
                self._scalar(f"slot/{name}/{path}", _root_mean_square(values))

    def _of_the_optimizer(self):
        optimizer = self._optimizer
        self._scalar("skipped", int(optimizer.skipped_steps))
        self._scalar("learning_rate", float(optimizer.learning_rate))
        for name, value in optimizer.shared_state().items():
            value = np.asarray(value, "float32")
            if name == "log_rate":
                for variable, rate in zip(optimizer.learned_variables(), value, strict=True):
                    self._scalar(f"log_rate/{variable.path}", rate)
            elif value.ndim:
                self._summary.histogram(f"shared/{name}", value)
            else:
                self._scalar(f"shared/{name}", value)


def _tensorflow():
    try:
        import tensorflow
    except ModuleNotFoundError as error:
        raise ImportError(
            "OptimizerSummaries are written by TensorFlow: pip install 'l2l-tf[tensorflow]'. "
            f"Received: KERAS_BACKEND={keras.config.backend()}, without TensorFlow"
        ) from error
    return tensorflow


def _root_mean_square(values):
    return float(np.sqrt(np.mean(np.square(values, dtype="float64")))) if values.size else 0.0


def _cosine(a, b):
    return float(np.vdot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b)))
