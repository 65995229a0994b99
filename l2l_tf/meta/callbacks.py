"""Callbacks of `Trainer.fit`, beside Keras's own.

Keras's `EarlyStopping`, `CSVLogger`, `LambdaCallback`, `TerminateOnNaN` and `RemoteMonitor` work
as they are. Those that need a Keras model, such as `ModelCheckpoint` or `TensorBoard`, are refused
with an error that says what takes their place. A callback's `model` is the trainer, and
`model.stop_training = True` ends the run.
"""

import contextlib
import importlib.util
import os
import sys
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from l2l_tf.core.scalars import unkept
from l2l_tf.meta.curve_image import curve_image
from l2l_tf.optimizer import OptimizerSummaries, RunLength

MOST_IMAGES = 8

_CHECKPOINT = (
    "`meta.callbacks.Checkpoint(directory)`, from which `Trainer.restore(directory)` goes on, and "
    "`Trainer.save_preset(directory)` for the best weights"
)
_RATE = (
    "`meta.Trainer(…, meta_learning_rate=…)`, from which the rate falls along a cosine over the "
    "meta-steps that `fit` is told"
)
_SUMMARIES = "`meta.callbacks.TensorBoard(log_dir)`"
# What takes the place of Keras's callbacks that need a model, by name, as not all of its versions
# have all of them.
INSTEAD = {
    "BackupAndRestore": _CHECKPOINT,
    "ModelCheckpoint": _CHECKPOINT,
    "OrbaxCheckpoint": _CHECKPOINT,
    "LearningRateScheduler": _RATE,
    "ReduceLROnPlateau": _RATE,
    "ProgbarLogger": "`fit(…, verbose=1)`, the default",
    "SwapEMAWeights": "`meta.Trainer(…, ema_decay=…)`",
    "TensorBoard": _SUMMARIES,
    "CallbackList": "a list of callbacks",
}
_REFUSED = {
    **{getattr(keras.callbacks, n): t for n, t in INSTEAD.items() if hasattr(keras.callbacks, n)},
    OptimizerSummaries: _SUMMARIES,
    RunLength: "the estimator's `known_horizon`, such as 'bptt(known_horizon=1.0)'",
}


def checked(
    callbacks: Sequence[keras.callbacks.Callback] | keras.callbacks.Callback | None,
) -> list[keras.callbacks.Callback]:
    """Callbacks as a list, all of which can do their work in `Trainer.fit`.

    Args:
        callbacks: A sequence, one alone, or None.

    Raises:
        ValueError: If one is no callback, needs a Keras model, or has to be told whether less
            or more of what it watches is better.
    """
    found = [c for c in keras.tree.flatten(callbacks) if c is not None]
    for callback in found:
        if not isinstance(callback, keras.callbacks.Callback):
            raise ValueError(
                f"Callbacks are objects of keras.callbacks.Callback. Received: {callback!r}"
            )
        for cls, instead in _REFUSED.items():
            if isinstance(callback, cls):
                raise ValueError(
                    f"{cls.__name__} works on a Keras model, and meta-training trains a rule. In "
                    f"its place there is {instead}. "
                    f"Received: callbacks=[… {type(callback).__name__} …]"
                )
        watched = getattr(callback, "monitor", None)
        automatic = isinstance(watched, str) and getattr(callback, "mode", None) == "auto"
        if automatic and watched.removeprefix("val_") != "loss":
            raise ValueError(
                f"{type(callback).__name__} has to be told whether less or more is better: "
                f"mode='min' or mode='max'. Received: monitor={watched!r}, mode='auto'"
            )
    return found


class ProgressBar(keras.callbacks.Callback):
    """A line per validation, and where stderr is a terminal a bar with the time that is left.

    The bar is tqdm's (`pip install 'l2l-tf[train]'`); without it there are the lines alone.
    """

    def on_train_begin(self, logs: dict | None = None) -> None:
        try:
            from tqdm import tqdm
        except ImportError:
            self._bar = None
            return
        self._bar = tqdm(
            total=self.params["meta_steps"],
            initial=self.model.meta_step,
            unit="meta-step",
            desc="compiling",
            smoothing=0.1,
            disable=not sys.stderr.isatty(),
        )

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if self._bar is None:
            return
        self._bar.set_description("meta-training", refresh=False)
        best = f"{self.model.best_score:.4g}"
        self._bar.set_postfix({"meta_loss": f"{logs['loss']:.4g}", "best": best}, refresh=False)
        self._bar.update()

    def on_test_end(self, logs: dict | None = None) -> None:
        finals = ", ".join(f"{v:.4g}" for k, v in logs.items() if k.startswith("final_loss"))
        best = " (best)" if self.model.best_step == self.model.meta_step else ""
        say = print if self._bar is None else self._bar.write
        say(
            f"meta-step {self.model.meta_step}: validation score {logs['loss']:.4f}{best}, "
            f"final loss {finals}"
        )

    def on_train_end(self, logs: dict | None = None) -> None:
        if self._bar is not None:
            self._bar.close()


class Checkpoint(keras.callbacks.Callback):
    """Checkpoints, from which `Trainer.restore` goes on exactly where the run was.

    Args:
        directory: Where they are written.
        every: Meta-steps between them; None: the settings' `checkpoint_every`. One is written at
            the end in any case.
    """

    def __init__(self, directory: str | os.PathLike, every: int | None = None):
        super().__init__()
        self.directory = directory
        self.every = every

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if not self.model.validation_due:  # It belongs into the checkpoint.
            self._save_where_due()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._save_where_due()

    def on_train_end(self, logs: dict | None = None) -> None:
        self.model.save(self.directory)

    def _save_where_due(self):
        if self.model.meta_step % (self.every or self.model.settings.checkpoint_every) == 0:
            self.model.save(self.directory)


class TensorBoard(keras.callbacks.Callback):
    """Summaries for TensorBoard; an `OSError` where they cannot be written.

    `train/…` every few meta-steps: meta-loss, losses at both ends of the unroll, norm of the
    meta-gradient, learning rate. `validation/…`: score and final losses. At each validation the
    meta-parameters, and what they changed by since the last, as histograms, and `curves/{i}`: an
    image of the losses along the runs on validation task i, one of the first eight, beside those of
    the first validation and of the best.

    Args:
        log_dir: Where they are written.
        update_freq: Meta-steps between values of `train/…`.
        curves: Whether there are images, which matplotlib draws; None: where it is installed.
    """

    def __init__(
        self, log_dir: str | os.PathLike, update_freq: int = 10, curves: bool | None = None
    ):
        super().__init__()
        self.log_dir = log_dir
        self.update_freq = update_freq
        self.curves = (
            importlib.util.find_spec("matplotlib") is not None if curves is None else curves
        )

    def on_train_begin(self, logs: dict | None = None) -> None:
        with _as_os_error():
            self._writer = tf.summary.create_file_writer(str(self.log_dir))
        self._before = None
        self._first_and_best = {}

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        step = self.model.meta_step
        if step % self.update_freq == 0 or step == 1:
            logs = {"meta_loss": logs["loss"], **{k: v for k, v in logs.items() if k != "loss"}}
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)
            self._scalars("train", logs)

    def on_test_end(self, logs: dict | None = None) -> None:
        logs = {"score": logs["loss"], **{k: v for k, v in logs.items() if k != "loss"}}
        self._scalars("validation", logs)
        now = {name: v.numpy() for name, v in self.model.variables.items()}
        with _as_os_error(), self._writer.as_default(step=unkept(self.model.meta_step)):
            for name, value in now.items():
                tf.summary.histogram(f"meta_params/{name}", value)
                if self._before is not None:
                    tf.summary.histogram(f"changes/{name}", np.subtract(value, self._before[name]))
            if self.curves:
                self._images()
            self._writer.flush()
        self._before = now

    def on_train_end(self, logs: dict | None = None) -> None:
        with _as_os_error():
            self._writer.close()

    def _images(self):
        step, curves = self.model.meta_step, self.model.validation_curves
        kept = self._first_and_best
        kept.setdefault("first", (step, curves))
        if self.model.best_step == step:
            kept["best"] = (step, curves)
        shown = {**kept, "now": (step, curves)}
        for index, task in enumerate(self.model.validation_tasks[:MOST_IMAGES]):
            lines = {f"{name}: meta-step {n}": found[index] for name, (n, found) in shown.items()}
            tf.summary.image(f"curves/{index}", curve_image(lines, repr(task))[None])

    def _scalars(self, prefix, values):
        with _as_os_error(), self._writer.as_default(step=unkept(self.model.meta_step)):
            for name, value in values.items():
                tf.summary.scalar(f"{prefix}/{name}", unkept(value))


@contextlib.contextmanager
def _as_os_error():
    """Errors of TensorFlow in writing files, such as for want of room, as Python has them."""
    try:
        yield
    except tf.errors.OpError as error:
        said = error.message.rpartition("}} ")[2].strip() or str(error)
        raise OSError(said.splitlines()[0]) from error
