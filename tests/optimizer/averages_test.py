"""LearnedOptimizer with `use_ema`: averages belong to variables, whatever is trained."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.small_models import RULES, X, Y, weights

from l2l_tf import LearnedOptimizer

MOMENTUM = 0.5


def learned(**arguments):
    return LearnedOptimizer(
        rule=RULES["rnnprop"](), use_ema=True, ema_momentum=MOMENTUM, **arguments
    )


class Followed(keras.callbacks.Callback):
    """Keeps averages of its own, of all weights of a model."""

    def on_train_batch_end(self, batch, logs=None):
        now = weights(self.model)
        before = getattr(self, "averages", now)
        pairs = zip(before, now, strict=True)
        self.averages = [MOMENTUM * a + (1 - MOMENTUM) * b for a, b in pairs]


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
@pytest.mark.parametrize("frozen", [[0], [1], [0, 1], [2]], ids=str)
@pytest.mark.quick("[0]-float32", "[1]-mixed_float16")
def test_a_layer_that_is_frozen_later_leaves_the_others_their_averages(frozen, policy):
    keras.utils.set_random_seed(1)
    keras.config.set_dtype_policy(policy)
    try:
        layers = [keras.layers.Dense(5), keras.layers.Dense(5), keras.layers.Dense(1)]
        model = keras.Sequential([keras.layers.Input((5,)), *layers])
        model.compile(learned(), "mse", jit_compile=False)
    finally:
        keras.config.set_dtype_policy("float32")
    followed = Followed()
    model.fit(X, Y, 16, verbose=0, shuffle=False, callbacks=[followed])
    for expected, value in zip(followed.averages, weights(model), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6)
    for index in frozen:
        layers[index].trainable = False
    model.compile(getattr(model.optimizer, "inner_optimizer", model.optimizer), "mse")
    before = weights(model)
    model.fit(X, Y, 16, verbose=0, shuffle=False, callbacks=[followed])
    for index, (value, start) in enumerate(zip(weights(model), before, strict=True)):
        if index // 2 in frozen:
            np.testing.assert_array_equal(value, start)
        else:
            np.testing.assert_allclose(value, followed.averages[index], rtol=1e-5, atol=1e-6)
            assert np.abs(value - start).max() > 0


def test_only_the_variables_that_are_given_are_overwritten_in_any_order():
    variables = [keras.Variable(np.full(2, float(i), "float32")) for i in range(3)]
    optimizer = learned()
    optimizer.apply([tf.ones(2)] * 3, variables)
    averages = [v.numpy() for v in variables]
    for variable in variables:
        variable.assign(tf.fill([2], 9.0))
    optimizer.finalize_variable_values([variables[2], keras.Variable(np.ones(2)), variables[0]])
    np.testing.assert_array_equal(variables[0].numpy(), averages[0])
    np.testing.assert_array_equal(variables[1].numpy(), 9.0)
    np.testing.assert_array_equal(variables[2].numpy(), averages[2])


@pytest.mark.parametrize("accumulated", [None, 2])
def test_averages_begin_with_the_first_step_that_is_not_skipped(accumulated):
    variable = keras.Variable(np.ones(2, "float32"))
    optimizer = learned(gradient_accumulation_steps=accumulated)
    optimizer.apply([tf.fill([2], np.nan)], [variable])
    optimizer.apply([tf.ones(2)], [variable])
    (average,) = [v for v in optimizer.variables if "average" in v.name]
    np.testing.assert_array_equal(average.numpy(), variable.numpy())
