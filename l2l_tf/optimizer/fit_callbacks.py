"""What `fit` does for a `RuleOptimizer` by itself: tell the run's length, and warn of skips."""

import functools

import keras

from l2l_tf.optimizer.run_length import RunLength, rule_optimizer_of
from l2l_tf.optimizer.skips import SkipWarning


def accompany_fit():
    """Let `fit` have these callbacks whenever its model has such an optimizer.

    Keras has no default callbacks but those that `CallbackList` adds itself, and `fit` shows
    an optimizer nothing of its arguments; so that class is extended once.
    """
    original = keras.callbacks.CallbackList.__init__
    if getattr(original, "accompanies_fit", False):
        return

    @functools.wraps(original)
    def __init__(self, callbacks=None, add_history=False, add_progbar=False, model=None, **params):
        original(self, callbacks, add_history, add_progbar, model, **params)
        # Only `fit` asks for a history.
        if add_history and rule_optimizer_of(model) is not None:
            known = any(isinstance(c, RunLength) for c in self.callbacks)
            for callback in ([] if known else [RunLength()]) + [SkipWarning()]:
                callback.set_model(model)
                callback.set_params(params)
                self.callbacks.append(callback)
        for callback in self.callbacks:
            if isinstance(callback, RunLength):
                callback.beside = self.callbacks

    __init__.accompanies_fit = True
    keras.callbacks.CallbackList.__init__ = __init__
