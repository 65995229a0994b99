"""Prints the estimators that learn on two mirrored replicas what they learn on one device."""

import numpy as np
import tensorflow as tf

from l2l_tf import rules, tasks
from l2l_tf.meta.estimators import PersistentEvolutionStrategies, TruncatedBPTT
from l2l_tf.meta.settings import Settings
from l2l_tf.meta.spread import Spread
from l2l_tf.meta.trainer import Trainer

device = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(device, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
CASES = {
    "bptt": (TruncatedBPTT, rules.RNNProp(hidden_size=4, layers=1), True),
    "bptt, a joint rule": (TruncatedBPTT, rules.GACLSTM(hidden_size=4), False),
    "pes": (PersistentEvolutionStrategies, rules.get("spectral", hidden_size=4), False),
}


def trained(estimator, rule, jit, spread=None):
    task = tasks.Quadratic(dimension=3)
    trainer = Trainer(
        rule,
        [tasks.get("digits_mlp(hidden=3,batch_size=8)"), task] if rule.coordinatewise else [task],
        estimator(unroll=5, num_tasks=4, meta_loss_split="fresh"),
        [task],
        Settings(meta_steps=20, trajectories=(10,), num_validation_tasks=2, jit_compile=jit),
        spread,
    )
    for _ in range(20):
        trainer.step()
    return [*(v.numpy() for v in trainer.variables.values()), trainer.validate()["score"]]


for name, case in CASES.items():
    alone, spread = trained(*case), trained(*case, Spread(strategy))
    for expected, found in zip(alone, spread, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    print(name)
