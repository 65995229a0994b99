"""A word in `fit` where many steps are skipped."""

import functools

import keras

from l2l_tf.optimizer.run_length import rule_optimizer_of

# Reading counters after every batch would make `fit` wait for each of them.
BATCHES_BETWEEN = 10


class _SkipWarning(keras.callbacks.Callback):
    """Shows the counters of a model's optimizer to its `SkipWatch`."""

    def __init__(self):
        super().__init__()
        self._looked = 0

    def on_train_begin(self, logs=None):
        self._look()

    def on_epoch_begin(self, epoch, logs=None):
        self._looked = 0

    def on_train_batch_end(self, batch, logs=None):
        # With `steps_per_execution` there are several batches to a call.
        if batch + 1 - self._looked >= BATCHES_BETWEEN:
            self._looked = batch + 1
            self._look()

    def on_epoch_end(self, epoch, logs=None):
        self._look()

    def _look(self):
        optimizer = rule_optimizer_of(self.model)
        if optimizer is not None:
            optimizer.watch_skips()


def warn_of_skips_in_fit():
    """Let `fit` warn of skipped steps whenever its model has such an optimizer.

    By way of `CallbackList`, as in `tell_run_length_in_fit`; the class is extended once.
    """
    original = keras.callbacks.CallbackList.__init__
    if getattr(original, "warns_of_skips", False):
        return

    @functools.wraps(original)  # What others noted there stays.
    def __init__(self, callbacks=None, add_history=False, add_progbar=False, model=None, **params):
        original(self, callbacks, add_history, add_progbar, model, **params)
        if add_history and rule_optimizer_of(model) is not None:  # Only `fit` asks for a history.
            callback = _SkipWarning()
            callback.set_model(model)
            callback.set_params(params)
            self.callbacks.append(callback)

    __init__.warns_of_skips = True
    keras.callbacks.CallbackList.__init__ = __init__
