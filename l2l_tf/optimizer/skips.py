"""A word in `fit` where many steps are skipped, or an error at the first."""

import keras

from l2l_tf.optimizer.run_length import rule_optimizer_of
from l2l_tf.optimizer.skip_watch import RAISE

# Reading counters after every batch would make `fit` wait for each of them.
BATCHES_BETWEEN = 10


def batches_between(optimizer):
    """Batches between two looks at the counters of a `RuleOptimizer`."""
    return 1 if optimizer.nonfinite == RAISE else BATCHES_BETWEEN


class SkipWarning(keras.callbacks.Callback):
    """Shows the counters of a model's optimizer to its `SkipWatch`."""

    def __init__(self):
        super().__init__()
        self._looked = 0

    def on_train_begin(self, logs=None):
        optimizer = rule_optimizer_of(self.model)
        if optimizer is not None:
            optimizer.begin_to_watch_skips(self.model)

    def on_epoch_begin(self, epoch, logs=None):
        self._looked = 0

    def on_train_batch_begin(self, batch, logs=None):
        # At a batch's end Keras may call from another thread, when the next step has taken the
        # counters. With `steps_per_execution` there are several batches to a call.
        optimizer = rule_optimizer_of(self.model)
        if optimizer is not None and batch - self._looked >= batches_between(optimizer):
            self._looked = batch
            self._look()

    def on_epoch_end(self, epoch, logs=None):
        self._look()
        optimizer = rule_optimizer_of(self.model)
        if optimizer is not None:
            optimizer.watch_loss((logs or {}).get("loss"))

    def _look(self):
        optimizer = rule_optimizer_of(self.model)
        if optimizer is not None:
            optimizer.watch_skips(self.model)
