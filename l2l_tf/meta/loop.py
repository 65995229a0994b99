"""The loop of meta-training, as Keras's callbacks see it: meta-steps are batches, validations end
epochs."""

import keras
import numpy as np

from l2l_tf.meta.callbacks import ProgressBar


def fit(trainer, callbacks, verbose):
    """Take meta-steps and validate until the trainer is finished or is to stop.

    Args:
        trainer: `Trainer`.
        callbacks: Sequence of `keras.callbacks.Callback`.
        verbose: See `Trainer.fit`.

    Returns:
        `keras.callbacks.History`.
    """
    history = keras.callbacks.History()
    callbacks = [history, *callbacks]
    if verbose and not any(isinstance(callback, ProgressBar) for callback in callbacks):
        callbacks.append(ProgressBar())
    tell = _Callbacks(callbacks, trainer)
    trainer.stop_training = False
    tell("on_train_begin")
    if not trainer.validations:
        _validate(trainer, tell)
    while not trainer.finished and not trainer.stop_training:
        _epoch(trainer, tell)
    tell("on_train_end")
    return history


def _epoch(trainer, tell):
    """Meta-steps up to the next validation, and that; none if the run is to stop before it."""
    number, steps = len(trainer.validations) - 1, []
    tell("on_epoch_begin", number)
    while not trainer.stop_training:
        tell("on_train_batch_begin", trainer.meta_step)
        values = trainer.step()
        steps.append({"loss": values.pop("meta_loss"), **values})
        tell("on_train_batch_end", trainer.meta_step - 1, steps[-1])
        if trainer.validation_due:
            validation = _validate(trainer, tell)
            logs = {name: float(np.mean([s[name] for s in steps])) for name in steps[0]}
            logs |= {f"val_{name}": value for name, value in validation.items()}
            tell("on_epoch_end", number, logs | {"meta_step": trainer.meta_step})
            return


def _validate(trainer, tell):
    tell("on_test_begin")
    values = trainer.validate()
    logs = {"loss": values.pop("score"), **values}
    tell("on_test_end", logs)
    return logs


class _Callbacks:
    """Calls a method of each callback; the loop has no model for Keras's `CallbackList`."""

    def __init__(self, callbacks, trainer):
        self._callbacks = callbacks
        for callback in callbacks:
            callback.set_model(trainer)
            callback.set_params({"meta_steps": trainer.settings.meta_steps})

    def __call__(self, event, *arguments):
        for callback in self._callbacks:
            getattr(callback, event)(*arguments)
