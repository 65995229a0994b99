"""Prints the rules whose steps on two replicas equal those on one device."""

import keras
import numpy as np
import tensorflow as tf
from helpers.small_models import RULES

from l2l_tf import LearnedOptimizer

device = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(device, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
rows = np.random.default_rng(0).normal(size=(5, 4, 3)).astype("float32")


def make(name):
    variables = [keras.Variable(np.ones(3, "float32"), name=f"v{i}") for i in range(2)]
    optimizer = LearnedOptimizer(rule=RULES[name]())
    optimizer.build(variables)
    return optimizer, variables


def step_of(optimizer, variables):
    """A step in which either replica has the gradients of half the rows."""

    @tf.function(autograph=False)
    def step(row):
        def replica():
            start = 2 * tf.distribute.get_replica_context().replica_id_in_sync_group
            share = row[start : start + 2]
            optimizer.apply([tf.reduce_sum(share, axis=0), 0.5 * share[0]], variables)

        strategy.run(replica)

    return step


for name in ("gac_lstm", "ntm_bfgs", "ntm_lbfgs"):
    optimizer, variables = make(name)
    for row in rows:
        gradients = [row.sum(axis=0), 0.5 * (row[0] + row[2])]
        optimizer.apply([tf.constant(g) for g in gradients], variables)
    expected = [v.numpy() for v in variables]
    with strategy.scope():
        optimizer, variables = make(name)
    step = step_of(optimizer, variables)
    for row in rows:
        step(tf.constant(row))
    for variable, value in zip(variables, expected, strict=True):
        for local in strategy.experimental_local_results(variable.value):
            np.testing.assert_allclose(local.numpy(), value, rtol=1e-5, atol=1e-6)
    print(name)
