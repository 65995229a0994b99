"""Trains, saves, loads and trains on with one thread; prints what is equal to the last bit."""

import sys

import keras
import numpy as np
import tensorflow as tf
from helpers.small_models import RULES, fit, make_model, weights

from l2l_tf import LearnedOptimizer

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)


def identical(a, b):
    states = [[*weights(m), *(v.numpy() for v in m.optimizer.variables)] for m in (a, b)]
    return all(np.array_equal(x, y, equal_nan=True) for x, y in zip(*states, strict=True))


def make(name):
    return make_model(optimizer=LearnedOptimizer(rule=RULES[name]()), jit_compile=name == "celo2")


for name in ("lstm", "rnnprop", "celo2", "ntm_lbfgs"):
    whole = make(name)
    fit(whole, 4)
    stopped = make(name)
    fit(
        stopped,
        4,
        callbacks=[
            keras.callbacks.LambdaCallback(
                on_epoch_end=lambda epoch, logs: setattr(stopped, "stop_training", epoch == 1)  # noqa: B023
            )
        ],
    )
    stopped.save(f"{sys.argv[1]}/{name}.keras")
    stopped.save_weights(f"{sys.argv[1]}/{name}.weights.h5")
    assert not identical(whole, stopped)
    loaded = keras.models.load_model(f"{sys.argv[1]}/{name}.keras")
    again = make(name)
    again.optimizer.build(again.trainable_variables)
    again.load_weights(f"{sys.argv[1]}/{name}.weights.h5")
    for resumed in (loaded, again):
        fit(resumed, 4, initial_epoch=2)
        assert identical(whole, resumed), name
    print(name)
