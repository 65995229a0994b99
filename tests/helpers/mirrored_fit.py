"""Prints what holds of `fit` on two replicas, mirrored on two logical CPUs."""

import numpy as np
import tensorflow as tf
from helpers.small_models import RULES, X, Y, assert_same, make_model, weights

from l2l_tf import LearnedOptimizer, rules

device = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(device, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


class Told(rules.UpdateRule):
    """Moves the first variable by what the rule is told: loss, length, place in the run."""

    def __init__(self):
        self.meta_params = {}

    def init(self, variables, state_dtype=None):
        return rules.RuleState([{} for _ in variables], {"told": tf.zeros([3])})

    def update(self, gradients, state, variables, context):
        told = [context.loss, context.total_steps, context.run_iteration]
        told = tf.stack([tf.cast(t, tf.float32) for t in told])
        return [-0.01 * g for g in gradients], rules.RuleState(state.variables, {"told": told})


def told(model):
    (found,) = [v for v in model.optimizer.variables if v.name == "told"]
    return found.numpy()


def fit(make, rows=X, **arguments):
    model = make_model(optimizer=make(), jit_compile=False)
    history = model.fit(rows, Y, 16, 3, verbose=0, shuffle=False, **arguments)
    return model, history.history["loss"]


def both(make, **arguments):
    alone = fit(make, **arguments)
    with strategy.scope():
        mirrored = fit(make, **arguments)
    return alone, mirrored


for arguments in ({}, {"weight_decay": 0.1}, {"clipvalue": 1e-3}, {"use_ema": True}):
    for name in ("lstm", "celo", "celo2", "gac_lstm", "ntm_lbfgs", "adam", "default"):
        # The default is what an optimizer without arguments takes.
        rule = RULES.get(name, lambda: None)
        make = lambda: LearnedOptimizer(rule=rule(), **arguments)  # noqa: B023, E731
        if arguments and name != "lstm":
            continue
        (alone, losses), (mirrored, mirrored_losses) = both(make)
        if "clipvalue" not in arguments:  # Keras clips before it sums over replicas.
            np.testing.assert_allclose(mirrored_losses, losses, rtol=1e-4)
            assert_same(weights(mirrored), weights(alone), rtol=1e-4, atol=1e-5)
        assert np.isfinite(mirrored_losses).all()
        for variable in mirrored.optimizer.variables:
            local = strategy.experimental_local_results(variable.value)
            for other in local[1:]:
                np.testing.assert_array_equal(local[0].numpy(), other.numpy())
    print("equal", *arguments)

(alone, losses), (mirrored, _) = both(lambda: LearnedOptimizer(rule=Told()))
np.testing.assert_allclose(told(mirrored), told(alone), rtol=1e-5)
assert list(told(mirrored)[1:]) == [12, 11], told(mirrored)
print("told")

broken = X.copy()
broken[17] = np.nan  # In the second batch, on the first replica alone.
with strategy.scope():
    model, _ = fit(lambda: LearnedOptimizer(rule=RULES["lstm"]()), rows=broken)
assert int(model.optimizer.skipped_steps.numpy()) == 3
assert int(model.optimizer.iterations.numpy()) == 12
assert all(np.isfinite(w).all() for w in weights(model))
print("skipped")
