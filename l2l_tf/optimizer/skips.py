"""A word in `fit` where many steps are skipped."""

import keras

from l2l_tf.optimizer.run_length import rule_optimizer_of

# Reading counters after every batch would make `fit` wait for each of them.
BATCHES_BETWEEN = 10


class SkipWarning(keras.callbacks.Callback):
    """Shows the counters of a model's optimizer to its `SkipWatch`."""

    def __init__(self):
        super().__init__()
        self._looked = 0

    def on_train_begin(self, logs=None):
        self._look()

    def on_epoch_begin(self, epoch, logs=None):
        self._looked = 0

    def on_train_batch_begin(self, batch, logs=None):
        # At a batch's end Keras may call from another thread, when the next step has taken the
        # counters. With `steps_per_execution` there are several batches to a call.
        if batch - self._looked >= BATCHES_BETWEEN:
            self._looked = batch
            self._look()

    def on_epoch_end(self, epoch, logs=None):
        self._look()

    def _look(self):
        optimizer = rule_optimizer_of(self.model)
        if optimizer is not None:
            optimizer.watch_skips(self.model)
