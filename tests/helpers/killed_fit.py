"""Trains with `fit` in a process that may be killed; prints digests of all bits at the end.

Arguments: "whole", "killed" or "resumed"; a directory for what is saved; a rule or "default".
Killed, it says when each epoch begins and saves what `resumed` goes on from in all three ways.
"""

import hashlib
import pathlib
import sys
import time

import keras
import numpy as np
from helpers.small_models import RULES, X, Y

from l2l_tf import LearnedOptimizer

EPOCHS, STOPPED_IN = 6, 3
what, directory, name = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]


def make():
    """A model without dropout: the state of its random numbers is in none of Keras's files."""
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Dense(4, "tanh"), keras.layers.Dense(1)]
    model = keras.Sequential([keras.layers.Input((5,)), *layers])
    model.compile(LearnedOptimizer(rule=RULES[name]() if name in RULES else None), "mse")
    return model


def digest(model, **arguments):
    """Of weights, slots, counters and what is known of the loss, after `fit`."""
    model.fit(X, Y, 8, EPOCHS, verbose=0, shuffle=False, **arguments)
    arrays = [*model.get_weights(), *(v.numpy() for v in model.optimizer.variables)]
    assert int(model.optimizer.iterations) == EPOCHS * 8
    content = b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)
    return hashlib.sha256(content).hexdigest()


class Slowly(keras.callbacks.Callback):
    """Says when an epoch begins, and gives time to kill it."""

    def on_epoch_begin(self, epoch, logs=None):
        print("epoch", epoch, flush=True)

    def on_train_batch_end(self, batch, logs=None):
        time.sleep(0.1)


def saving():
    """Keras's own ways to keep a run."""
    checkpoint = keras.callbacks.ModelCheckpoint
    return [
        keras.callbacks.BackupAndRestore(directory / "backup"),
        checkpoint(directory / "{epoch}.keras"),
        checkpoint(directory / "{epoch}.weights.h5", save_weights_only=True),
    ]


if what == "whole":
    print("whole", digest(make()))
elif what == "killed":
    digest(make(), callbacks=[*saving(), Slowly()])
else:
    print("backup", digest(make(), callbacks=saving()[:1]))
    model = keras.models.load_model(directory / f"{STOPPED_IN}.keras")
    print("model", digest(model, initial_epoch=STOPPED_IN))
    model = make()
    model.load_weights(directory / f"{STOPPED_IN}.weights.h5")
    print("weights", digest(model, initial_epoch=STOPPED_IN))
