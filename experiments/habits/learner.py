"""A compiled Keras model that begins anew for every run, and what its `fit`s came to."""

import contextlib

import keras
import numpy as np

from l2l_tf.evaluation.contenders import Rate
from l2l_tf.evaluation.runner import state_of
from l2l_tf.optimizer import RunLength


class Learner:
    """A classifier and its optimizer, compiled once: a run only changes their variables.

    Args:
        contender: `Contender`.
        build: Function without arguments → a fresh, built `keras.Model` that gives scores.
        steps: Length of a run, for a contender that is told it; otherwise ignored.
        held_out: `(inputs, labels)`, evaluated after every epoch; or None.

    Attributes:
        model: The `keras.Model`.
        train: Mean train loss of each epoch since the start.
        held_out: Held-out loss after each.
    """

    def __init__(self, contender, build, steps=None, held_out=None):
        self._build, self._held_out = build, held_out
        self.model = build()
        self.optimizer = contender.make(Rate(1e-3), steps)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.model.compile(self.optimizer, loss)
        self.optimizer.build(self.model.trainable_variables)
        self._fresh = [v.numpy() for v in state_of(self.optimizer)]
        self._total_steps = getattr(self.optimizer, "total_steps", None)
        self.train, self.held_out = [], []

    def restart(self, seed, rate=None):
        """Begin anew, with weights drawn by `seed`.

        Args:
            seed: Non-negative int.
            rate: The optimizer's learning rate; None leaves it.
        """
        for variable, fresh in zip(state_of(self.optimizer), self._fresh, strict=True):
            variable.assign(fresh)
        # What an optimizer of ours knows beside its variables.
        self.optimizer.fits, self.optimizer.fit_ended_at = 0, None
        self.optimizer.total_steps = self._total_steps
        if rate is not None:
            self.optimizer.learning_rate = rate
        keras.utils.set_random_seed(seed)
        self.model.set_weights(self._build().get_weights())
        self.train, self.held_out = [], []

    def fit(self, *data, callbacks=(), interrupted_after=None, **arguments):
        """`model.fit`, whose epochs are added to those so far.

        Args:
            *data: As in `model.fit`.
            callbacks: List of callbacks.
            interrupted_after: Epochs after which Ctrl-C is pressed, which nothing announces.
            **arguments: As in `model.fit`.
        """
        rows = {}
        if self._held_out is not None:
            rows = {"validation_data": self._held_out, "validation_batch_size": 4096}
        seen = [_Recorder(self), *callbacks, _Interruption(interrupted_after)]
        with contextlib.suppress(KeyboardInterrupt):
            self.model.fit(*data, callbacks=seen, verbose=0, **rows, **arguments)

    def held_out_now(self):
        """Held-out loss of the weights that the model has now."""
        return _finite(self.model.evaluate(*self._held_out, batch_size=4096, verbose=0))


class Untold(RunLength):
    """Stands where `fit` would put a `RunLength`, and tells nothing."""

    def on_epoch_begin(self, epoch, logs=None):
        pass


class _Recorder(keras.callbacks.Callback):
    def __init__(self, learner):
        super().__init__()
        self.learner = learner

    def on_epoch_end(self, epoch, logs=None):
        self.learner.train.append(_finite(logs["loss"]))
        if "val_loss" in logs:
            self.learner.held_out.append(_finite(logs["val_loss"]))


class _Interruption(keras.callbacks.Callback):
    def __init__(self, epochs):
        super().__init__()
        self.left = epochs

    def on_epoch_end(self, epoch, logs=None):
        if self.left is not None:
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt


def _finite(loss):
    return float(loss) if np.isfinite(loss) else float("inf")
