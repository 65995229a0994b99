"""Prints the rules whose custom loop on two replicas equals one on the joint batch, and "skipped"
where that holds of steps, too, whose gradient is not finite on one replica.

Replicas are two logical CPUs of a MirroredStrategy, or, with TF_CONFIG, two workers. With the
argument "fit" it says instead what becomes of `fit` with Keras's own SGD under the strategy; other
arguments are names of rules, for these alone.
"""

import os
import sys

import keras
import numpy as np
import tensorflow as tf
from helpers.small_models import RULES, X, Y

from l2l_tf import LearnedOptimizer, presets

if "TF_CONFIG" in os.environ:
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
else:
    device = tf.config.list_physical_devices("CPU")[0]
    logical = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(device, logical)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])

BATCH = 16
MADE = {
    **{name: RULES[name] for name in ("lstm", "rnnprop", "celo", "gac_lstm", "ntm_lbfgs", "adam")},
    "spectral": lambda: presets.load_preset("spectral-general"),
}


def make(name):
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Dense(4, "tanh"), keras.layers.Dense(1)]
    model = keras.Sequential([keras.layers.Input((5,)), *layers])
    optimizer = LearnedOptimizer(rule=MADE[name]())
    optimizer.build(model.trainable_variables)
    return model, optimizer


def trained(name, share, x=X):
    """Weights after twelve steps, and how many were skipped.

    Args:
        name: The rule's.
        share: Replicas that a batch is divided among.
        x: Rows.
    """
    model, optimizer = make(name)
    weights = model.trainable_variables

    def replica(rows, targets):
        context = tf.distribute.get_replica_context()
        size = BATCH // share
        first = size * context.replica_id_in_sync_group if share > 1 else 0
        with tf.GradientTape() as tape:
            errors = model(rows[first : first + size]) - targets[first : first + size]
            loss = optimizer.scale_loss(tf.reduce_sum(tf.square(errors)) / BATCH)
        optimizer.apply(tape.gradient(loss, weights), weights)

    @tf.function(autograph=False)
    def step(rows, targets):
        if share > 1:
            strategy.run(replica, args=(rows, targets))
        else:
            replica(rows, targets)

    for number in range(12):
        rows = slice(BATCH * (number % 4), BATCH * (number % 4 + 1))
        step(tf.constant(x[rows]), tf.constant(Y[rows]))
    return [w.numpy() for w in weights], int(optimizer.skipped_steps.numpy())


def check(name, **arguments):
    """Hold the replicas to one that has the joint batch; returns how many steps were skipped."""
    expected, skipped = trained(name, 1, **arguments)
    with strategy.scope():
        found, skipped_there = trained(name, strategy.num_replicas_in_sync, **arguments)
    for value, other in zip(expected, found, strict=True):
        assert np.isfinite(value).all()
        np.testing.assert_allclose(other, value, rtol=1e-4, atol=1e-5, err_msg=name)
    assert skipped == skipped_there
    return skipped


def fitted():
    """What `fit` with Keras's own SGD does under the strategy."""
    with strategy.scope():
        model = keras.Sequential([keras.layers.Input((5,)), keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(0.1), "mse")
    try:
        model.fit(X, Y, BATCH, 1, verbose=0)
    except Exception as error:
        return f"fails: {type(error).__name__}"
    return "works"


if sys.argv[1:] == ["fit"]:
    print("fit", fitted())
else:
    for name in sys.argv[1:] or MADE:
        assert check(name) == 0
        print(name, flush=True)
    broken = X.copy()
    broken[2 * BATCH - 1] = np.nan  # In the second of four batches, on the last replica alone.
    assert check("spectral", x=broken) == 3
    print("skipped")
