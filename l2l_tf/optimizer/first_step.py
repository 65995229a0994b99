"""A word while the first step of a large model is traced and compiled."""

import sys
import threading

import keras

# Seconds after which whoever waits is told what for.
PATIENCE = 10.0


class FirstStep(keras.callbacks.Callback):
    """Says after ten seconds of the first train step that it is being compiled, once a `fit`.

    `fit` has this callback by itself, and with `verbose=0` it is silent.
    """

    def __init__(self):
        super().__init__()
        self._waiting = None

    def on_train_begin(self, logs=None):
        self._stop()
        self._waiting = None

    def on_train_batch_begin(self, batch, logs=None):
        # The second one begins when the first step was taken.
        if self._waiting is None and (self.params or {}).get("verbose"):
            self._waiting = threading.Timer(PATIENCE, self._say)
            self._waiting.daemon = True
            self._waiting.start()
        else:
            self._stop()

    def on_epoch_end(self, epoch, logs=None):
        self._stop()

    def on_train_end(self, logs=None):
        self._stop()

    def _stop(self):
        if self._waiting is not None:
            self._waiting.cancel()

    def _say(self):
        number = len(self.model.trainable_variables)
        print(
            f"\nThe first train step, of {number} variables, is being traced and compiled; steps "
            "after it take no such time. compile(jit_compile=False) begins sooner and is slower.",
            file=sys.stderr,
            flush=True,
        )
