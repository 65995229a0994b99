"""How long a training run is: told by `fit`, or by a loop of one's own."""

import keras

from l2l_tf.optimizer.rule_optimizer import RuleOptimizer


class RunLength(keras.callbacks.Callback):
    """Tells a `LearnedOptimizer` how many updates `fit` is going to take.

    `fit` has this callback by itself, so it is rarely written down; where it is, it is not
    added again. Where the number of batches is unknown, the length stays unknown; an
    optimizer with `total_steps` of its own is left alone; other optimizers are too.

    A run begins at epoch 0: with `initial_epoch` (or Keras's `BackupAndRestore`) the epochs
    before it count as done, so a run that was stopped and is resumed goes on where it was.
    With gradient accumulation updates are counted, not batches.
    """

    def __init__(self):
        super().__init__()
        self._told = None

    def on_train_begin(self, logs=None):
        self._told = None

    def on_epoch_begin(self, epoch, logs=None):
        # Not at `on_train_begin`, where other callbacks may yet restore an earlier state.
        optimizer = rule_optimizer_of(self.model)
        if self._told is not None or optimizer is None or optimizer.total_steps is not None:
            return
        batches = self.params.get("steps")
        if not batches:
            optimizer.begin_run(None)
            return
        every = optimizer.gradient_accumulation_steps or 1
        # Batches so far; `optimizer.iterations` counts updates.
        seen = int(optimizer._iterations.numpy())
        begun = seen - epoch * batches
        start = begun // every
        total = (begun + self.params["epochs"] * batches) // every - start
        optimizer.begin_run(max(total, 1), seen // every - start)
        self._told = optimizer

    def on_train_end(self, logs=None):
        if self._told is not None:
            self._told.begin_run(None)
            self._told = None


def rule_optimizer_of(model):
    """The `RuleOptimizer` that a model trains with, also inside a `LossScaleOptimizer`, or None."""
    optimizer = getattr(model, "optimizer", None)
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    return optimizer if isinstance(optimizer, RuleOptimizer) else None


def tell_run_length_in_fit():
    """Let `fit` have a `RunLength` callback whenever its model has such an optimizer.

    Keras has no default callbacks but those that `CallbackList` adds itself, and `fit` shows
    an optimizer nothing of its arguments; so that class is extended once.
    """
    original = keras.callbacks.CallbackList.__init__
    if getattr(original, "tells_run_length", False):
        return

    def __init__(self, callbacks=None, add_history=False, add_progbar=False, model=None, **params):
        original(self, callbacks, add_history, add_progbar, model, **params)
        # Only `fit` asks for a history.
        if not add_history or rule_optimizer_of(model) is None:
            return
        if not any(isinstance(c, RunLength) for c in self.callbacks):
            callback = RunLength()
            callback.set_model(model)
            callback.set_params(params)
            self.callbacks.append(callback)

    __init__.tells_run_length = True
    keras.callbacks.CallbackList.__init__ = __init__
